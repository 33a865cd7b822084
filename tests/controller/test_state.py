"""The tables: what goes in comes out, whole transactions only."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model import Failure, Source, StoreSpec, Target
from controller.state import State
from sealer.errors import SealerError
from sealer.secret import Ref
from tests.controller.samples import NOW, SOURCE, Port, delivery, intent, known

REFS = [Ref("payments", "db"), Ref("payments", "stripe"), Ref("web", "session")]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_deliveries_come_back_as_recorded(directory: Path) -> None:
    mine = [delivery(REFS[0]), delivery(REFS[1], keys=(), state="failed", reason="öffnet nicht", version="")]
    other = delivery(REFS[2], source="elsewhere")
    with State.open(directory) as state:
        with state.begin("records") as transaction:
            transaction.put_deliveries([*mine, other])
        assert set(state.deliveries(SOURCE)) == set(mine)
        assert set(state.deliveries()) == {*mine, other}
    with State.open(directory, read_only=True) as state:
        assert set(state.deliveries(SOURCE)) == set(mine)


def test_a_row_takes_the_place_of_the_one_with_its_key(directory: Path) -> None:
    first, second = delivery(REFS[0], seq=1), delivery(REFS[0], seq=2)
    with State.open(directory) as state:
        for each in (first, second):
            with state.begin("records") as transaction:
                transaction.put_deliveries([each])
        assert state.deliveries() == (second,)
        with state.begin("records") as transaction:
            transaction.drop_deliveries([second.target])
        assert state.deliveries() == ()


def test_documents_and_failures(directory: Path) -> None:
    good = known(REFS[0])
    failed = known(REFS[1], state="failed", reason="why", failed_digest="d" * 64, failed_keyring="k" * 64, good="")
    with State.open(directory) as state:
        with state.begin("records") as transaction:
            transaction.put_documents([good, failed, known(REFS[2], source="elsewhere")], {REFS[0]: b"sealed"})
        assert set(state.documents(SOURCE)) == {good, failed}
        assert len(state.documents()) == 3
        assert state.failures(SOURCE) == (Failure(REFS[1], "d" * 64, "k" * 64, "why"),)
        assert state.good_body(SOURCE, REFS[0]) == b"sealed"
        assert state.good_body(SOURCE, REFS[1]) is None
        assert state.good_body(SOURCE, REFS[2]) is None
        with state.begin("records") as transaction:
            transaction.drop_documents(SOURCE, [REFS[0], REFS[1]])
        assert state.documents(SOURCE) == ()


def test_a_document_that_fails_keeps_its_last_good_body(directory: Path) -> None:
    good = known(REFS[0])
    with State.open(directory) as state:
        with state.begin("records") as transaction:
            transaction.put_documents([good], {good.ref: b"sealed"})
        failed = known(REFS[0], state="failed", good=good.good)
        with state.begin("records") as transaction:
            transaction.put_documents([failed])
        assert state.documents() == (failed,)
        assert state.good_body(SOURCE, good.ref) == b"sealed"
        with state.begin("records") as transaction:
            transaction.put_documents([known(REFS[0])])  # another document was good: its body was not given
        assert state.good_body(SOURCE, good.ref) is None


def test_sources_stores_meta(directory: Path) -> None:
    source = Source(SOURCE, "git", "https://git.example.invalid/shop", "4f2c91e", NOW)
    store = StoreSpec("0123456789abcdef", "vault-prod", "vault", '{"address":"https://vault.example.invalid"}')
    with State.open(directory) as state:
        with state.begin("records") as transaction:
            transaction.put_source(source)
            transaction.put_stores([store])
            transaction.put_meta(owner="prod", keyring="a" * 64)
        assert state.source(SOURCE) == source
        assert state.source("elsewhere") is None
        assert state.sources() == (source,)
        assert state.stores() == (store,)
        assert state.meta() == {"schema": "2", "owner": "prod", "keyring": "a" * 64}


def test_intents_are_one_a_target(directory: Path) -> None:
    target = Target("local", "payments/db")
    first = intent(Ref("payments", "db"))
    second = intent(Ref("payments", "db"), op="delete", keys=(), on_delete="retain", audit=8)
    with State.open(directory) as state:
        for each in (first, second):
            with state.begin("intents") as transaction:
                transaction.put_intents([each])
            assert state.intents() == (each,)
        with state.begin("records") as transaction:
            transaction.drop_intents([target])
        assert state.intents() == ()


@pytest.mark.parametrize("count", [0, 1, 256, 257])
def test_parsed_files_are_found_by_digest_and_parser(directory: Path, count: int) -> None:
    entries = {secrets.token_hex(32): secrets.token_bytes(9) for _ in range(count)}
    with State.open(directory) as state:
        with state.begin("records") as transaction:
            transaction.put_parsed("1", {**entries, "not-asked-for": b"x"})
            transaction.put_parsed("2", dict.fromkeys(entries, b"other parser"))
        assert state.parsed([*entries, "unknown"], "1") == entries
        with state.begin("records") as transaction:
            transaction.keep_parsed({"not-asked-for"}, "1")
        assert state.parsed([*entries, "not-asked-for"], "1") == {"not-asked-for": b"x"}
        assert state.parsed(entries, "2") == {}


def test_what_raises_leaves_nothing_behind(directory: Path) -> None:
    with State.open(directory) as state:
        with contextlib.suppress(ZeroDivisionError), state.begin("records") as transaction:
            transaction.put_deliveries([delivery(REFS[0])])
            raise ZeroDivisionError
        assert state.deliveries() == ()
        with state.begin("records") as transaction:
            transaction.put_deliveries([delivery(REFS[1])])
        assert len(state.deliveries()) == 1


def test_a_commit_passes_the_port(directory: Path) -> None:
    port = Port()
    with State.open(directory, effects=port) as state:
        with state.begin("intents"):
            pass
        with state.begin("records") as transaction:
            transaction.put_deliveries([delivery(REFS[0])])
        assert port.calls == [("state.commit", "intents"), ("state.commit", "records")]


def test_an_error_in_place_of_a_commit_rolls_back(directory: Path) -> None:
    port = Port()

    def fail(call: str) -> None:
        raise ZeroDivisionError(call)

    with State.open(directory, effects=port) as state:
        port.before = fail
        with pytest.raises(ZeroDivisionError), state.begin("records") as transaction:
            transaction.put_deliveries([delivery(REFS[0])])
        assert state.deliveries() == ()
        port.before, port.after = (lambda call: None), fail
        with pytest.raises(ZeroDivisionError), state.begin("records") as transaction:
            transaction.put_deliveries([delivery(REFS[1])])
        assert [each.ref for each in state.deliveries()] == [REFS[1]]
        port.after = lambda call: None
        with state.begin("records") as transaction:
            transaction.put_deliveries([delivery(REFS[2])])
        assert len(state.deliveries()) == 2


def test_reading_alone_can_not_write(directory: Path) -> None:
    State.open(directory).close()
    with (
        State.open(directory, read_only=True) as state,
        pytest.raises(SealerError, match="reading only"),
        state.begin("records"),
    ):
        pass


def test_nothing_shows_a_fingerprint_or_a_token() -> None:
    each = delivery(REFS[0])
    token = secrets.token_hex(16)
    planned = intent(each.ref, token=token, fingerprint=each.fingerprint)
    assert each.fingerprint not in repr(each)
    assert token not in repr(planned)
    assert each.fingerprint not in repr(planned)


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(max_examples=30, deadline=None)
@given(texts=st.tuples(_TEXT, _TEXT, _TEXT, _TEXT), number=st.integers(-(2**63), 2**63 - 1), body=st.binary())
def test_any_text_number_and_bytes_come_back(
    tmp_path_factory: pytest.TempPathFactory, texts: tuple[str, str, str, str], number: int, body: bytes
) -> None:
    ref = Ref(texts[0], texts[1])
    each = delivery(ref, reason=texts[2], version=texts[3], changed_at=number)
    document = known(ref, path=texts[2], reason=texts[3])
    with State.open(tmp_path_factory.mktemp("state")) as state:
        with state.begin("records") as transaction:
            transaction.put_deliveries([each])
            transaction.put_documents([document], {ref: body})
        assert state.deliveries() == (each,)
        assert state.documents() == (document,)
        assert state.good_body(SOURCE, ref) == body
