"""One record as a line, both ways."""

from __future__ import annotations

import hashlib
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.audit.actor import Actor, variables
from controller.audit.record import KEY_VERBS, MAX_LINE, ZEROS, Entry, Outcome, Verb, chain, encode, parse, stamp
from sealer import schema
from sealer.errors import DocumentError, FormatError
from sealer.formats.wire import canonical_json
from tests.controller.audit.samples import ACTOR, NOW, intent, outcome

# Every code point, lone surrogates too: a path may hold any byte.
TEXTS = st.text(st.characters(), max_size=40)
OUTCOMES = st.sampled_from(get_args(Outcome))


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    phase = draw(st.sampled_from(["intent", "outcome", "event"]))
    texts = [draw(TEXTS) for _ in range(5)]
    said = "" if phase == "intent" else draw(OUTCOMES)
    closes = draw(st.integers(1, 2**40)) if phase == "outcome" else 0
    return Entry(phase, draw(st.sampled_from(get_args(Verb))), *texts[:4], said, texts[4], closes)


def line(entry: Entry, sequence: int = 7) -> bytes:
    return encode(entry, ACTOR, sequence=sequence, time=stamp(NOW), prev=ZEROS)


@given(entries(), st.integers(1, 2**53 - 1), st.integers(0, 10**13))
def test_a_line_is_canonical_json_and_reads_back(entry: Entry, sequence: int, now: int) -> None:
    written = encode(entry, ACTOR, sequence=sequence, time=stamp(now), prev="ab" * 32)
    value = json.loads(written)
    assert written == canonical_json(value)
    record = parse(written)
    assert record.as_json() == value
    assert record.entry == entry
    assert (record.sequence, record.prev, record.node) == (sequence, "ab" * 32, "node-1")
    schema.validate(value, "audit-record", file="x")


def test_text_that_is_too_long_is_cut_to_what_a_reader_takes() -> None:
    long = "\U0001f600" * 9000
    written = line(Entry("event", "get", long, long, long, long, "done", long))
    assert len(written) < MAX_LINE
    assert parse(written).entry.reason.endswith("…")
    schema.validate(json.loads(written), "audit-record", file="x")


def test_each_line_names_the_one_before() -> None:
    lines, hashes = chain([intent(), outcome(1)], ACTOR, time=stamp(NOW), after=4, prev="cd" * 32)
    first, second = (parse(each) for each in lines)
    assert (first.sequence, first.prev, second.sequence) == (5, "cd" * 32, 6)
    assert second.prev == hashlib.sha256(lines[0]).hexdigest() == hashes[0]
    assert hashes[1] == hashlib.sha256(lines[1]).hexdigest()


@pytest.mark.parametrize(
    "entry",
    [
        intent()._replace(outcome="done"),
        intent()._replace(intent=1),
        outcome(1)._replace(intent=0),
        outcome(1)._replace(outcome=""),
        outcome(1)._replace(phase="event"),
        Entry("event", "get"),
        Entry("event", "dance", outcome="done"),  # type: ignore[arg-type]
        Entry("event", "get", outcome="perhaps"),  # type: ignore[arg-type]
        Entry("done", "get", outcome="done"),  # type: ignore[arg-type]
    ],
)
def test_what_could_not_be_read_back_is_not_written(entry: Entry) -> None:
    with pytest.raises(ValueError, match=r"no .* of the audit log"):
        line(entry)


WRONG = {
    "version": [2, True, "1"],
    "sequence": [0, -1, 1.0, "1", True, 2**53],
    "intent": [-1, "0", 1],
    "time": ["2026-01-01T00:00:00Z", "", 0],
    "node": [None, "n" * 254],
    "phase": ["Intent", None, ["intent"]],
    "verb": ["", "dance", {}],
    "outcome": ["perhaps", None, "done"],
    "ref": [None, "x" * 321],
    "reason": ["x" * 501],
    "store": [0],
    "source": [{}],
    "revision": [[]],
    "prev": ["0" * 63, "A" * 64, None],
    "actor": [
        None, {}, {"uid": 0}, {"uid": "0", "ci": {}}, {"uid": 0, "ci": {}, "a": 0}, {"uid": -1, "ci": {}},
        {"uid": True, "ci": {}}, {"uid": 0, "ci": []}, {"uid": 0, "ci": {"A": 1}}, {"uid": 0, "ci": {"A": "x" * 201}},
        {"uid": 0, "ci": {f"A{number}": "x" for number in range(17)}},
    ],
}  # fmt: skip


@pytest.mark.parametrize(("member", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_reader_and_the_schema_refuse_the_same(member: str, value: object) -> None:
    changed = {**json.loads(line(intent())), member: value}
    text = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(FormatError):
        parse(text)
    if (member, value) != ("sequence", 1.0):  # to JSON Schema it is an integer
        with pytest.raises(DocumentError):
            schema.validate(changed, "audit-record", file="x")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b":0,", b": 0,"),
        lambda text: text.replace(b"payments", b"\\u0070ayments"),
        lambda text: text.replace(b'"intent":0', b'"intent":0,"intent":0'),
        lambda text: text.replace(b'"version":1', b'"version":1,"x":1'),
        lambda text: text.replace(b'"reason":"",', b""),
        lambda text: text.replace(b'"intent":0', b'"intent":-0'),
        lambda text: text + b" ",
        lambda text: b"[" * 100_000,
        lambda text: b"",
        lambda text: b"null",
        lambda text: text.replace(b"shop", "schön".encode()),
    ],
)
def test_one_record_has_one_text(change: object) -> None:
    written = line(intent())
    changed = change(written)  # type: ignore[operator]
    assert changed != written
    with pytest.raises(FormatError):
        parse(changed)


def test_times_are_of_milliseconds() -> None:
    assert stamp(0) == "1970-01-01T00:00:00.000Z"
    assert stamp(1_790_000_000_007) == "2026-09-21T14:13:20.007Z"


def test_key_operations_are_verbs() -> None:
    assert set(get_args(Verb)) > KEY_VERBS


def test_the_ci_says_who_it_is_and_no_token() -> None:
    environment = {
        "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "octo", "GITHUB_TOKEN": "t", "GITHUB_RUN_ID": "7", "CI_JOB_ID": "8",
        "GITHUB_REF": "", "HOME": "/",
    }  # fmt: skip
    assert variables(environment) == {"GITHUB_ACTOR": "octo", "GITHUB_RUN_ID": "7"}
    assert variables({"HOME": "/", "GITHUB_ACTOR": "me"}) == {}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "a"}, "GITLAB_USER_LOGIN"),
        ({"JENKINS_URL": "https://x", "BUILD_TAG": "a"}, "BUILD_TAG"),
        ({"BUILDKITE": "true", "BUILDKITE_BUILD_CREATOR": "a"}, "BUILDKITE_BUILD_CREATOR"),
        ({"CIRCLECI": "true", "CIRCLE_USERNAME": "a"}, "CIRCLE_USERNAME"),
        ({"TF_BUILD": "True", "BUILD_REQUESTEDFOR": "a"}, "BUILD_REQUESTEDFOR"),
        ({"BITBUCKET_BUILD_NUMBER": "a"}, "BITBUCKET_BUILD_NUMBER"),
    ],
)
def test_each_ci_by_its_own_variables(environment: dict[str, str], expected: str) -> None:
    assert variables(environment) == {expected: "a"}


def test_what_the_environment_says_is_made_printable_and_short() -> None:
    actor = Actor.of(0, {"GITHUB_ACTOR": "a\x1b[31m\nb" + "c" * 500, "GITHUB_REF": ""}, "host\n")
    said = json.loads(actor.json)["ci"]
    assert set(said) == {"GITHUB_ACTOR"}
    assert said["GITHUB_ACTOR"].startswith("a?[31m?bcc")
    assert len(said["GITHUB_ACTOR"]) == 200
    assert actor.node == "host?"
