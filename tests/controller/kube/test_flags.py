"""The flags of a Deployment of Bitnami's controller mean here what they mean there."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from controller import kube_cli
from controller.kube import flags
from controller.kube.flags import Flags
from sealer.errors import UsageError


@pytest.mark.parametrize(("text", "seconds"), [("720h", 2_592_000.0), ("0", 0.0), ("1h30m", 5400.0), ("250ms", 0.25)])
def test_a_duration_is_gos(text: str, seconds: float) -> None:
    assert flags.seconds(text, "key-ttl") == seconds


@pytest.mark.parametrize("text", ["30", "1d", "-5m", "", "soon"])
def test_what_is_no_duration_is_refused_with_its_flag(text: str) -> None:
    with pytest.raises(UsageError, match="--key-ttl"):
        flags.seconds(text, "key-ttl")


def test_a_cutoff_is_a_time_of_rfc_1123_with_a_numeric_zone() -> None:
    found = flags.cutoff("Mon, 02 Jan 2006 15:04:05 -0700")
    assert found is not None
    assert found.astimezone(UTC) == datetime(2006, 1, 2, 22, 4, 5, tzinfo=UTC)
    assert flags.cutoff("") is None
    with pytest.raises(UsageError, match="RFC 1123"):
        flags.cutoff("2006-01-02T15:04:05Z")


def test_a_prefix_leaves_room_for_what_the_server_appends() -> None:
    assert flags.prefix("a" * 245) == "a" * 245
    assert flags.prefix("own-") == "own-"  # taken there: the API server is asked for what follows
    for bad in ("a" * 246, "Upper", "-begins", "dot.ted", ""):
        with pytest.raises(UsageError):
            flags.prefix(bad)


def test_pairs_keep_what_is_behind_a_second_sign() -> None:
    assert flags.pairs("a=b=c, d=", "privatekey-labels") == (("a", "b=c"), ("d", ""))
    assert flags.pairs("", "privatekey-labels") == ()
    with pytest.raises(UsageError):
        flags.pairs("no-sign", "privatekey-labels")


def test_audiences_are_those_of_tokens_that_are_asked_for() -> None:
    assert flags.audiences("a, b", identity=True) == ("a", "b")
    assert flags.audiences("", identity=False) == ()
    with pytest.raises(UsageError, match="--token-audiences"):
        flags.audiences("a", identity=False)


def test_the_version_is_printed_as_bitnamis_controller_prints_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert kube_cli.start(["--version"]) == 0
    assert capsys.readouterr() == (f"controller version: {version('sealer')}\n", "")


def test_which_namespaces_are_served() -> None:
    assert flags.watched(Flags(), "own") == ("",)
    assert flags.watched(Flags(all_namespaces=False), "own") == ("own",)
    assert flags.watched(Flags(additional_namespaces=flags.names("a, b,a")), "own") == ("own", "a", "b")


def test_booleans_are_written_as_pflag_has_them() -> None:
    argv = ["--update-status=false", "--skip-recreate=true", "--key-size=2048", "--other=false", "--update-status"]
    found = list(flags.as_ours(argv, frozenset({"update-status", "skip-recreate"})))
    assert found == ["--no-update-status", "--skip-recreate", "--key-size=2048", "--other=false", "--update-status"]


def test_levels_have_their_names_and_ours() -> None:
    assert (flags.level("WARN"), flags.level("info")) == ("warning", "info")
    with pytest.raises(UsageError):
        flags.level("loud")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--label-selector=a=b=c", "--label-selector: is no label selector"),
        ("--additional-namespaces=shop,Pay", "--additional-namespaces: namespace 'Pay' is not a DNS-1123 label"),
        ("--namespace=kube_system", "--namespace: namespace 'kube_system' is not a DNS-1123 label"),
        ("--lease-name=A_b", "--lease-name: name 'A_b' is not a DNS-1123 subdomain"),
        ("--workers=0", "--workers: is less than 1"),
    ],
)
def test_what_would_serve_nothing_for_ever_is_refused_before_anything_is_begun(
    capsys: pytest.CaptureFixture[str], argument: str, said: str
) -> None:
    assert kube_cli.start([argument, "--kubeconfig=/dev/null"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert said in first
    assert second.startswith("  way out: ")


def test_one_s_own_namespace_may_be_left_to_the_pod() -> None:
    assert (flags.namespace(""), flags.namespace("kube-system")) == ("", "kube-system")
    assert flags.namespaces(" a, b,") == ("a", "b")
