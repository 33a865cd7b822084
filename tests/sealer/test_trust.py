"""`trust.json`: read strictly, written whole, and the rules as pure functions."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer import paths, schema
from sealer.errors import DocumentError, FormatError, SourceError, Untrusted
from sealer.pinning import trust
from sealer.pinning.trust import Identity, Subject, Trust

_PINS = st.builds(lambda text: "SHA256:" + text, st.text("AZaz09+/", min_size=43, max_size=43))
_IDS = st.text("0123456789abcdef", min_size=16, max_size=16)
_NAMES = st.sampled_from(["prod", "staging", "dev-alice"])
_KEYS = st.text("0123456789abcdef", min_size=64, max_size=64)
_TRUST = st.builds(
    Trust,
    st.dictionaries(_PINS, st.builds(Identity, _NAMES, st.integers(1, 2**53 - 1), _KEYS, st.booleans()), max_size=3),
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0"), max_size=8).map(lambda text: "/" + text),
        st.dictionaries(_NAMES, _PINS | _IDS, max_size=3),
        max_size=3,
    ),
)


@given(_TRUST)
def test_it_is_read_as_it_was_written(value: Trust) -> None:
    assert trust.parse(trust.render(value)) == value
    schema.validate(json.loads(trust.render(value)), "trust", file="trust.json")


_PIN = "SHA256:" + "A" * 43
_GOOD: dict[str, Any] = {
    "version": 1,
    "identities": {_PIN: {"cluster": "prod", "sequence": 1, "keys": "0" * 64, "v2": True}},
    "repositories": {"/repo/.git": {"prod": _PIN, "legacy": "0123456789abcdef"}},
}


def _changed(path: str, value: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(_GOOD))
    *parents, name = path.split("|")
    place = copy
    for parent in parents:
        place = place[parent]
    place[name] = value
    return dict(copy)


@pytest.mark.parametrize(
    "value",
    [
        _changed("version", 2),
        _changed("version", True),
        _changed("more", 1),
        _changed("identities", []),
        _changed("identities|x", _GOOD["identities"][_PIN]),
        _changed("identities|0123456789abcdef", _GOOD["identities"][_PIN]),
        _changed(f"identities|{_PIN}|sequence", 0),
        _changed(f"identities|{_PIN}|sequence", "1"),
        _changed(f"identities|{_PIN}|keys", "00"),
        _changed(f"identities|{_PIN}|v2", 1),
        _changed(f"identities|{_PIN}|cluster", "Prod"),
        _changed(f"identities|{_PIN}|other", 1),
        _changed("repositories", None),
        _changed("repositories|repo", {}),
        _changed("repositories|/repo", []),
        _changed("repositories|/repo", {"prod": "SHA256:x"}),
        _changed("repositories|/repo", {"Prod": _PIN}),
    ],
)
def test_anything_else_is_refused_by_the_reader_and_by_the_schema(value: dict[str, Any]) -> None:
    trust.parse(json.dumps(_GOOD).encode())
    schema.validate(_GOOD, "trust", file="x")
    with pytest.raises(FormatError):
        trust.parse(json.dumps(value).encode())
    if value.get("version") is not True:  # Python's True equals 1, also to jsonschema's `const`; its `type` differs
        with pytest.raises(DocumentError):
            schema.validate(value, "trust", file="x")


def test_a_broken_file_stops_everything_and_says_how_to_go_on() -> None:
    paths.config_home().mkdir(parents=True)
    paths.trust_file().write_text("{")
    paths.trust_file().chmod(0o600)
    with pytest.raises(FormatError) as refused:
        trust.load()
    assert refused.value.where == str(paths.trust_file())
    assert "mv " in refused.value.way_out


def test_a_file_that_others_can_change_is_refused() -> None:
    paths.config_home().mkdir(parents=True)
    paths.trust_file().write_bytes(trust.render(Trust()))
    paths.trust_file().chmod(0o666)
    with pytest.raises(SourceError, match="others"):
        trust.load()


def test_a_change_that_fails_writes_nothing() -> None:
    subject = Subject("prod", _PIN, 1, "0" * 64, True)
    trust.update(lambda known: trust.first_use(known, "/repo", [subject]))
    before = paths.trust_file().read_bytes()

    def fail(known: Trust) -> Trust:
        raise Untrusted("no")

    with pytest.raises(Untrusted):
        trust.update(fail)
    assert paths.trust_file().read_bytes() == before


def test_a_home_that_can_not_be_written_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")
    with pytest.raises(SourceError) as refused:
        trust.update(lambda known: known)
    assert "SEALER_TRUST" in refused.value.way_out


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from("ab"), st.booleans()), max_size=12))
def test_whatever_comes_the_sequence_never_falls_and_v2_is_never_forgotten(steps: list[tuple[int, str, bool]]) -> None:
    known = trust.first_use(Trust(), "/repo", [Subject("prod", _PIN, 1, "a" * 64, False)])
    highest, keys, had_v2 = 1, "a" * 64, False
    for sequence, letter, v2 in steps:
        subject = Subject("prod", _PIN, sequence, letter * 64, v2)
        try:
            trust.check(known, "/repo", subject)
        except Untrusted:
            assert sequence < highest or (sequence == highest and subject.keys != keys)
            continue
        assert sequence > highest or (sequence == highest and subject.keys == keys)
        assert trust.lost_v2(known, subject) is (had_v2 and not v2)
        known = trust.advance(known, subject)
        highest, keys, had_v2 = sequence, subject.keys, had_v2 or v2
    assert known.identities[_PIN] == Identity("prod", highest, keys, had_v2)


def test_a_value_of_the_wrong_kind_is_never_quoted() -> None:
    value = secrets.token_hex(16)
    with pytest.raises(DocumentError) as refused:
        schema.validate({"version": value, "identities": value, "repositories": {}, value: value}, "trust", file="x")
    assert value not in str(refused.value)
