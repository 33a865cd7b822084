"""Names, types and labels, which dashboards and alerts ask for (`metrics.txt`), and what they count."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.kube import keyset
from controller.kube.metrics import INSTANCE, Metrics
from controller.kube.queue_core import Numbers
from controller.kube.registry import KeyRegistry
from sealer.formats.keys import KEM, generate_kem, validity
from tests.controller.kube import keys as kube
from tests.sealer.rings import NOW, rsa_key

GOLDEN = Path(__file__).with_name("metrics.txt")
THEIRS = "sealed_secrets_controller_"


def numbers() -> Numbers:
    return Numbers(1, 2, 3, 4, 5, 6, 7, 8.5, 9.5)


def samples(metrics: Metrics) -> dict[str, float]:
    """Each sample by its name and labels."""
    text = metrics.page("")[0].decode()
    return {
        f"{each.name}{sorted(each.labels.items()) or ''}": each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def filled(**more: bool) -> Metrics:
    """Each of them has a sample."""
    metrics = Metrics("1.2.3", numbers, **more)
    metrics.conditions.seen("shop/db", {INSTANCE: "argo"}, {"Synced": "True", "Ready": "False"})
    metrics.unsealed()
    metrics.failed("unseal", "shop")
    metrics.requested("/v1/verify", "POST", 200, 0.01)
    metrics.reconciled(0.02)
    metrics.repaired()
    metrics.opened("v1", 3)
    secret = kube.Secrets(kube.bitnami(0), kube.bitnami(1), kube.sealing(generate_kem(), "v2"))
    metrics.keys(secret.attach(KeyRegistry(kube.NAMESPACE)).current)
    metrics.leads(True)
    metrics.listed("sealedsecrets", 1_772_409_600.0)
    metrics.audits().wrote(4)
    return metrics


def described(metrics: Metrics) -> list[str]:
    """`name type label,label` of each family but those of the process."""
    lines = []
    for family in text_string_to_metric_families(metrics.page("")[0].decode()):
        labels = sorted({label for each in family.samples for label in each.labels} - {"le"})
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if not name.startswith("process_"):
            lines.append(f"{name} {family.type} {','.join(labels)}".rstrip())
    return sorted(lines)


def test_names_types_and_labels_are_the_golden_ones() -> None:
    """Case 65. A name that goes breaks somebody's alert: this file changes with a line in the changelog."""
    assert described(filled()) == GOLDEN.read_text().splitlines()


def test_bitnamis_names_are_what_their_controller_shows() -> None:
    """As 0.40.0 does (read off the real one)."""
    assert [line for line in GOLDEN.read_text().splitlines() if line.startswith(THEIRS)] == [
        f"{THEIRS}build_info gauge revision",
        f"{THEIRS}condition_info gauge condition,name,namespace,ss_app_kubernetes_io_instance",
        f"{THEIRS}http_request_duration_seconds histogram method,path",
        f"{THEIRS}http_requests_total counter code,method,path",
        f"{THEIRS}unseal_errors_total counter namespace,reason",
        f"{THEIRS}unseal_requests_total counter",
    ]


def test_conditions() -> None:
    """E25."""
    metrics = filled()
    label = ("ss_app_kubernetes_io_instance", "argo")

    def value(condition: str) -> float | None:
        labels = [("condition", condition), ("name", "db"), ("namespace", "shop"), label]
        return samples(metrics).get(f"{THEIRS}condition_info{labels}")

    assert (value("Synced"), value("Ready")) == (1, -1)
    many = {f"Theirs{number}": "True" for number in range(1_000)}  # who may write a status fills no page with it
    metrics.conditions.seen("shop/db", {INSTANCE: "argo"}, {"Synced": "Unknown", **many})
    assert (value("Synced"), value("Ready")) == (0, None)
    metrics.conditions.gone("shop/db")  # E26
    assert value("Synced") is None
    assert "shop" not in [name for name in samples(metrics) if "condition_info" in name]


def test_a_label_that_changes_leaves_nothing_behind() -> None:
    """#1747 upstream."""
    metrics = Metrics("1", numbers)
    for instance in ("one", "two"):
        metrics.conditions.seen("shop/db", {INSTANCE: instance}, {"Synced": "True"})
    found = [name for name in samples(metrics) if "condition_info" in name]
    assert len(found) == 1
    assert "'two'" in found[0]


def test_an_object_without_status_or_label() -> None:
    """E27 to E29."""
    metrics = Metrics("1", numbers)
    metrics.conditions.seen("shop/db", None, {})
    metrics.conditions.gone("shop/none")
    assert not [name for name in samples(metrics) if "condition_info" in name]
    metrics.conditions.seen("shop/db", {"other": "label"}, {"Synced": "True"})
    assert [name for name in samples(metrics) if "('ss_app_kubernetes_io_instance', '')" in name]
    metrics.conditions.seen("shop/db", {}, {})
    assert len(metrics.conditions) == 0


def test_names_of_secrets_can_be_left_out() -> None:
    """E30, --metrics-omit-secret-labels."""
    page = filled(omit_secrets=True).page("")[0].decode()
    assert "condition_info" not in page
    assert '"db"' not in page
    assert 'namespace="shop"' in page  # of unseal_errors_total, as upstream


def test_what_strangers_ask_for_makes_no_series() -> None:
    metrics = Metrics("1", numbers)
    for number in range(50):
        metrics.requested(f"/{secrets.token_hex(4)}", f"M{number}", 404, 0.01)
    metrics.requested("/v1/verify", "DELETE", 405, 0.01)
    found = [name for name in samples(metrics) if "http_requests_total" in name]
    assert found == [
        f"{THEIRS}http_requests_total[('code', '404'), ('method', 'unknown'), ('path', 'other')]",
        f"{THEIRS}http_requests_total[('code', '405'), ('method', 'delete'), ('path', '/v1/verify')]",
    ]


def test_counts() -> None:
    found = samples(filled())
    assert found[f"{THEIRS}build_info[('revision', '1.2.3')]"] == 1
    assert found[f"{THEIRS}unseal_requests_total"] == 1
    assert found[f"{THEIRS}unseal_errors_total[('namespace', 'shop'), ('reason', 'unseal')]"] == 1
    assert found["sealer_opens_total[('envelope', 'v1')]"] == 3
    assert found["sealer_opens_total[('envelope', 'v2')]"] == 0  # there from the start: a rate needs the zero
    assert found["sealer_reconcile_duration_seconds_count"] == 1
    assert found["sealer_drift_repairs_total"] == 1
    assert found["sealer_leader"] == 1
    assert found["sealer_last_list_timestamp_seconds[('resource', 'sealedsecrets')]"] == 1_772_409_600
    lanes = ("new", "backlog", "delayed", "parked", "running")
    assert [found[f"sealer_queue_depth[('lane', '{lane}')]"] for lane in lanes] == [1, 2, 3, 4, 5]
    assert found["sealer_queue_oldest_seconds"] == 8.5
    assert found["sealer_queue_longest_run_seconds"] == 9.5
    assert found["process_resident_memory_bytes"] > 0


def test_keys() -> None:
    metrics = filled()
    found = samples(metrics)
    counts = {name: value for name, value in found.items() if name.startswith("sealer_keys") and value}
    assert counts == {
        f"sealer_keys[('algorithm', '{KEM}'), ('status', 'active')]": 1,
        "sealer_keys[('algorithm', 'rsa'), ('status', 'active')]": 1,
        "sealer_keys[('algorithm', 'rsa'), ('status', 'retired')]": 1,
    }
    ends = found["sealer_key_not_after_timestamp_seconds[('algorithm', 'rsa')]"]
    assert ends == validity(rsa_key(1).public.certificate)[1].timestamp()
    assert ends > (NOW + timedelta(days=300)).timestamp()
    metrics.keys(keyset.of(()))
    after = samples(metrics)
    assert not [name for name in after if name.startswith("sealer_key_not")]
    assert not [name for name, value in after.items() if name.startswith("sealer_keys") and value]


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=1.0.0", "text/plain", ""])
def test_both_formats(accept: str) -> None:
    data, kind = filled().page(accept)
    assert kind.startswith("application/openmetrics-text" if "open" in accept else "text/plain; version=0.0.4")
    assert data.endswith(b"# EOF\n") == ("open" in accept)


def test_a_series_takes_little_memory() -> None:
    """10,000 objects: what is kept of each are references to what they share."""
    metrics = Metrics("1", numbers)
    for number in range(1000):
        metrics.conditions.seen(
            f"shop/s-{number}", {INSTANCE: "".join(("ar", "go"))}, {"Synced": "True", "Ready": "True"}
        )
    kept = metrics.conditions._known.values()
    assert len({id(values) for _, values in kept}) == len({id(instance) for instance, _ in kept}) == 1


def test_the_queue_is_asked_when_somebody_looks_and_never_by_the_page() -> None:
    """A page is written by a thread, and a queue moves on when it is asked."""
    asked: list[Numbers] = []

    def count() -> Numbers:
        asked.append(numbers())
        return asked[-1]

    metrics = Metrics("1.2.3", count)
    before = len(asked)
    samples(metrics)
    assert len(asked) == before
    metrics.look()
    assert len(asked) == before + 1
