"""Vectorscan with windows and RE2 over whole texts find the same; the cache trusts only what is ours."""

from __future__ import annotations

import marshal
import os
import random
import shutil
import signal
import sys
import sysconfig
import threading
import zlib
from collections import Counter
from pathlib import Path

import pytest

from hooks import engine
from hooks.engine import build, cache, triggers, vectorscan
from hooks.engine.confirm import Confirm
from hooks.engine.found import MOST, Candidates
from hooks.engine.template import expand
from hooks.text import Text
from sealer.errors import DocumentError
from tests.hooks.engine.specs import FILES, SPECS

SOURCES = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
EXAMPLES = [(rule, one) for rule in SPECS for one in (*rule.found, *rule.passed) if not one.path]
_BETWEEN = ["\n", " ", "", "/", "x", "\\n", '"', "=", "  # ", "é"]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> tuple[engine.Engine, engine.Engine]:
    return engine.Engine(FILES), engine.Engine(FILES, name="re2")


def found(running: engine.Engine, text: Text, first: Candidates | None = None) -> list[tuple[str, int, int, str]]:
    hits = running.hits(text, running.candidates(text.data) if first is None else first)
    return [(hit.rule.id, hit.line, hit.end, hit.value.sha1() if hit.value else "") for hit in hits]


@pytest.mark.parametrize("seed", range(40))
def test_both_engines_find_the_same(engines: tuple[engine.Engine, engine.Engine], seed: int) -> None:
    """Examples of rules between pieces of real source, some of them close together, cut off or on one line."""
    draw = random.Random(seed)
    parts: list[str] = []
    for number in range(60):
        if draw.random() < 0.4:
            source = draw.choice(SOURCES).read_text(errors="replace")
            start = draw.randrange(max(len(source) - 2000, 1))
            parts.append(source[start : start + draw.randrange(2000)])
        rule, example = draw.choice(EXAMPLES)
        value = expand(example.text, f"{seed} {number} {rule.id}")
        parts.append(value if draw.random() < 0.8 else value[: draw.randrange(len(value))])
        parts.append(draw.choice(_BETWEEN))
    text = Text("config/settings", "".join(parts).encode())
    first, second = (found(running, text) for running in engines)
    assert first == second
    assert first


def test_real_sources(engines: tuple[engine.Engine, engine.Engine]) -> None:
    for path in SOURCES[::6]:
        text = Text(path.name, path.read_bytes())
        first, second = (running.candidates(text.data) for running in engines)
        assert found(engines[0], text, first) == found(engines[1], text, second)
        # The triggers are the same as well; RE2 names rules by their keywords, which are more.
        assert {number for number in first.found if number >= 1 << 20} == {
            number for number in second.found if number >= 1 << 20
        }


WIDE = b"""\
version: 1
rules:
  - {id: wide-one, description: x, pattern: 'wide_[a-z]{40,400}[0-9]{1,200}(?:end)?'}
  - {id: free-one, description: x, pattern: 'free_[a-z]+[0-9]+'}
"""


def test_no_match_is_longer_than_its_window(tmp_path: Path) -> None:
    path = tmp_path / "wide.yaml"
    path.write_bytes(WIDE)
    running = engine.Engine([str(path)])
    for letters, digits in ((40, 1), (400, 200), (399, 7)):
        value = "wide_" + "qwxzvkjyph" * 40
        value = value[: 5 + letters] + "1739" * 50
        value = value[: 5 + letters + digits] + "end"
        text = Text("x", f"{'-' * 5000} {value} {value}\n".encode())
        lengths = [hit.value.bits > 0 for hit in running.hits(text, running.candidates(text.data)) if hit.value]
        assert len(lengths) == 2
    free = Text("x", b"free_" + b"xyzuvw" * 5000 + b"17 ")
    (hit,) = running.hits(free, running.candidates(free.data))
    assert hit.rule.id == "free-one"


def test_a_rule_for_files_that_mention_a_word(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "version: 1\nrules:\n  - {id: m-one, description: x, pattern: '[0-9]{6}:[a-z]{6}', mentions: [discord]}\n"
    )
    for name in ("", "re2"):
        running = engine.Engine([str(path)], name=name)
        for data, count in ((b"728193:qwxzvk", 0), (b"Discord\n" + b"\n" * 9999 + b"728193:qwxzvk 917372:zqjxkw", 2)):
            text = Text("x", data)
            assert len(running.hits(text, running.candidates(data))) == count


def test_a_window_is_remembered(engines: tuple[engine.Engine, engine.Engine]) -> None:
    confirm = Confirm(engines[0].built().records)
    example = next(one for rule, one in EXAMPLES if rule.id == "github-pat" and one in rule.found)
    token = expand(example.text, "seed")
    for number in range(3):
        text = Text("x", f"{'#' * 200}\n{token}\n{'-' * 200}{number}\n".encode())
        (hit,) = confirm.hits(text, engines[0].candidates(text.data))
        assert (hit.line, hit.rule.id) == (2, "github-pat")
    assert confirm.hits(Text("x", b""), Candidates({})) == []


def test_many_patterns_of_one_number_are_found_as_one() -> None:
    """Vectorscan takes seconds to compile thousands under one number, so they aren't: nobody is to notice."""
    loaded = vectorscan.extension()
    assert loaded
    patterns = [(b"lit%03d" % number, 7, False) for number in range(999)]
    patterns += [(b"it%03d" % number, 7, False) for number in range(999)] + [(b"other", 8, True)]
    assert max(Counter(vectorscan._reported(patterns)).values()) <= 16
    first = vectorscan.compiled(loaded[0], build.Built((), tuple(patterns)))
    found = first.scan(b"lit998 lit000 other lit500")
    assert set(found.found) == {7, 8}
    assert found.at(7) == [6, 13, 26]
    assert first.scan(b"other").found == {8: [5]}
    assert first.scan(b"lit000" * (MOST + 1)).at(7) is None


def test_ctrl_c_is_answered_while_rules_are_compiled() -> None:
    done, ran_in = threading.Event(), []

    class Slow:
        HS_MODE_BLOCK = 1

        def __init__(self, mode: int = 0) -> None:
            pass

        Database = property(lambda self: Slow)

        def compile(self, **_: object) -> None:
            ran_in.append(threading.current_thread())
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            done.wait()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            vectorscan._compile(Slow(), ())
    finally:
        done.set()
        signal.signal(signal.SIGINT, before)
    assert ran_in != [threading.main_thread()]
    ran_in[0].join()


# --- the cache ------------------------------------------------------------------------------------------------------


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEALER_SCAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "sealer" / "scanner"


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two rules, and a word for each trigger: the cache is the same, and all triggers take a second to compile."""
    words = tuple(triggers.Trigger(name, (b"begin-" + name.encode(),), once=True) for name in triggers.NAMES)
    monkeypatch.setattr(triggers, "all_", lambda rules: words)
    (tmp_path / "few.yaml").write_bytes(WIDE)
    return [str(tmp_path / "few.yaml")]


def load(few: list[str], name: str = "") -> list[str]:
    running = engine.Engine(few, name=name)
    text = Text("x", b"free_klmnopqrs17 ")
    return [hit.rule.id for hit in running.hits(text, running.candidates(text.data))]


def test_what_is_compiled_is_kept_in_private(empty: Path, few: list[str]) -> None:
    assert load(few) == ["free-one"]
    assert empty.stat().st_mode & 0o777 == 0o700
    kept = sorted((path for path in empty.iterdir() if path.suffix != ".stamp"), key=lambda path: path.suffix)
    assert [path.suffix for path in kept] == [".db", ".rules"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    before = [path.stat().st_mtime_ns for path in kept]
    assert load(few) == ["free-one"]
    assert [path.stat().st_mtime_ns for path in kept] == before


@pytest.mark.parametrize("suffix", [".db", ".rules"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "others may write", "link"])
def test_what_is_damaged_or_not_ours_is_made_again(empty: Path, few: list[str], suffix: str, damage: str) -> None:
    load(few)
    (path,) = empty.glob(f"*{suffix}")
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        path.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "link":
        path.rename(path.with_suffix(".moved"))
        path.symlink_to(path.with_suffix(".moved"))
    else:
        path.chmod(0o622)
    assert load(few) == ["free-one"]
    assert load(few, "re2") == ["free-one"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.is_file()
    assert not path.is_symlink()


@pytest.mark.parametrize(
    "body",
    [b"", b"?", marshal.dumps(1), marshal.dumps((1, b"")), marshal.dumps(((("x",),), b"")), marshal.dumps(((), ()))],
)
def test_rules_that_cannot_be_loaded_are_made_again(empty: Path, few: list[str], body: bytes) -> None:
    load(few)
    (path,) = empty.glob("*.rules")
    head = path.read_bytes().partition(b"\n")[0] + b"\n"
    path.write_bytes(head + zlib.crc32(body).to_bytes(4, "big") + body)
    assert load(few) == ["free-one"]
    assert path.read_bytes().startswith(head)
    assert len(path.read_bytes()) > len(head) + 4 + len(body)


def test_rules_of_another_format_or_python_are_made_again(empty: Path, few: list[str]) -> None:
    load(few)
    (path,) = empty.glob("*.rules")
    kept = path.read_bytes()
    head, _, rest = kept.partition(b"\n")
    assert sys.implementation.cache_tag.encode() in head
    for other in (head.replace(b" 1 ", b" 2 "), head + b"x"):
        path.write_bytes(other + b"\n" + rest)
        assert load(few) == ["free-one"]
        assert path.read_bytes() == kept


def test_a_change_of_any_module_of_the_engine_makes_another_cache(
    tmp_path: Path, few: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = Path(engine.RULES).parent
    modules = [*hooks.glob("engine/*.py"), *hooks.glob("*/trigger.py")]
    modules += [hooks / "credential_trigger.py", hooks / "keyname.py"]
    copies = [tmp_path / "hooks" / module.relative_to(hooks) for module in modules]
    for module, copy in zip(modules, copies, strict=True):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(module, copy)
    monkeypatch.setattr(engine, "_HERE", str(tmp_path / "hooks" / "engine"))
    digests = {engine._digest(few, ())}
    for copy in copies:
        with copy.open("ab") as stream:
            stream.write(b"#\n")
        digests.add(engine._digest(few, ()))
    assert len(digests) == len(copies) + 1


def test_a_folder_that_others_may_write_is_not_used(empty: Path, few: list[str]) -> None:
    load(few)
    empty.chmod(0o777)
    assert cache.read(next(empty.glob("*.db")).name) is None
    for path in empty.iterdir():
        path.unlink()
    assert load(few) == ["free-one"]
    assert list(empty.iterdir()) == []


def test_no_folder_is_no_failure(few: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEALER_SCAN_CACHE", str(tmp_path / "file"))
    assert load(few) == ["free-one"]


def test_the_digest_is_known_until_a_file_changes(empty: Path, few: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_SETTLED", 0)
    first = engine.Engine(few).digest
    (stamp,) = empty.glob("*.stamp")
    kept = stamp.read_bytes()
    stamp.write_bytes(b"0" * 32 + kept[32:])
    assert engine._known_digest(few) == "0" * 32, "it is not computed again"
    path = Path(few[0])
    path.write_bytes(WIDE.replace(b"wide-one", b"wide-two"))
    assert engine.Engine(few).digest not in (first, "0" * 32)
    path.write_bytes(WIDE)
    assert engine.Engine(few).digest == first
    stamp.write_bytes(kept[:20])
    assert engine.Engine(few).digest == first


def test_what_may_still_change_within_its_time_is_read(
    empty: Path, few: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_SETTLED", 1 << 62)
    engine.Engine(few)
    assert list(empty.glob("*.stamp")) == []


def test_old_files_go(empty: Path, few: list[str]) -> None:
    load(few)
    for number in range(30):
        cache.write(f"{number}.rules", b"x")
        os.utime(empty / f"{number}.rules", (number, number))
    (empty / ".killed.rules.77.tmp").write_bytes(b"x")
    os.utime(empty / ".killed.rules.77.tmp", (1, 1))
    cache.write("last.rules", b"x")
    assert not list(empty.glob(".*.tmp"))
    kept = {path.name for path in empty.glob("*.rules")}
    assert len(kept) == cache.KEPT
    assert {"last.rules", "29.rules"} < kept
    assert len(list(empty.glob("*.db"))) == 1, "what is of another kind stays"


# --- rules of a repository ------------------------------------------------------------------------------------------


def test_rules_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "repo" / ".sealer" / "rules"
    folder.mkdir(parents=True)
    (folder / "ours.yaml").write_bytes(WIDE.replace(b"wide-one", b"ours"))
    inner = tmp_path / "repo" / "a" / "b"
    inner.mkdir(parents=True)
    assert engine.custom(str(inner)) == str(folder)
    (tmp_path / "repo" / "a" / ".git").write_text("gitdir: elsewhere")
    assert engine.custom(str(inner)) == ""
    assert engine.custom(str(tmp_path / "repo")) == str(folder)


def test_a_rule_that_vectorscan_refuses_is_named(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text(
        "version: 1\nrules:\n  - {id: too-big, description: x, pattern: '(?:a[^x]{1,900}b[^y]{1,900}c){1,2}'}\n"
    )
    with pytest.raises(DocumentError, match="too-big"):
        engine.Engine([str(path)])
