"""The directory as a source: what is walked, how it is named, what a known file costs (DELIVERY section 5)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sources import entry
from controller.sources.base import unknown
from controller.sources.directory import DirectorySource
from controller.sources.entry import Entry
from controller.sources.location import Location, locate
from sealer.documents import document
from sealer.errors import EnvelopeError, SealerError, SourceError
from sealer.formats import envelope_v2
from sealer.formats.binding import Binding, Scope
from sealer.formats.keys import generate_kem

SEALED = """apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {{name: {name}, namespace: web}}
spec: {{encryptedData: {{}}}}
"""


def _write(path: Path, name: str = "app") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SEALED.format(name=name))
    return path


def _paths(root: Path) -> list[str]:
    return [each.path for each in DirectorySource(locate(str(root))).read(unknown).found]


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def test_yaml_yml_and_json_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c/d.YAML", "e.txt", "c/.hidden.yaml"):
        _write(tmp_path / name)
    (tmp_path / "f.json").write_text(
        '{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"x"},"spec":{"encryptedData":{}}}'
    )
    assert _paths(tmp_path) == ["a.yml", "b.yaml", "c/.hidden.yaml", "c/d.YAML", "f.json"]


def test_git_sealer_files_and_mounted_generations_are_passed_over(tmp_path: Path) -> None:
    for name in (".git/x.yaml", ".sealer/keys/x.yaml", ".sealer.yaml.d/x.yaml", "..2026/x.yaml", "ok.yaml"):
        _write(tmp_path / name)
    (tmp_path / ".sealer.yaml").write_text("version: 1\nclusters: {prod: {}}\n# SealedSecret\n")
    assert _paths(tmp_path) == ["ok.yaml"]


def test_a_mounted_volume_is_read_through_its_links(tmp_path: Path) -> None:
    _write(tmp_path / "..2026_03_01/db.yaml")
    os.symlink("..2026_03_01", tmp_path / "..data")
    os.symlink("..data/db.yaml", tmp_path / "db.yaml")
    assert _paths(tmp_path) == ["db.yaml"]


def test_links_inside_are_read_once_and_links_out_are_problems(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _write(tmp_path / "outside.yaml")
    _write(root / "a/real.yaml")
    _write(root / "data.bin")
    os.symlink("a/real.yaml", root / "again.yaml")
    os.symlink("data.bin", root / "named.yaml")
    os.symlink("../outside.yaml", root / "out.yaml")
    os.symlink("..", root / "up")
    os.symlink("a", root / "b")
    os.symlink("nowhere", root / "dangling.yaml")
    reading = DirectorySource(locate(str(root))).read(unknown)
    assert [each.path for each in reading.found] == ["a/real.yaml", "named.yaml"]
    assert [(each.path, each.what) for each in reading.problems] == [
        ("dangling.yaml", "can't be read: no such file or directory"),
        ("out.yaml", "is a link out of the source, and is not followed"),
    ]
    assert not reading.complete


def test_special_files_are_passed_over_without_hanging(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    os.symlink("pipe.yaml", tmp_path / "link.yaml")
    _write(tmp_path / "ok.yaml")
    reading = DirectorySource(locate(str(tmp_path))).read(unknown)
    assert [each.path for each in reading.found] == ["ok.yaml"]


def test_folders_may_be_nested_deeper_than_the_stack(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(1200):
            os.mkdir("d", dir_fd=here)
            inner = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
    finally:
        os.close(here)
    _write(tmp_path / "z.yaml")
    assert _paths(tmp_path) == ["z.yaml"]
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_names_that_are_no_text_are_problems(tmp_path: Path) -> None:
    _write(tmp_path / "ok.yaml")
    (tmp_path / os.fsdecode(b"bad\xff.yaml")).write_text("x")
    (tmp_path / "line\nbreak.yaml").write_text("x")
    reading = DirectorySource(locate(str(tmp_path))).read(unknown)
    assert [each.what for each in reading.problems] == ["has a name that is not printable text"] * 2
    assert all(each.path.isascii() for each in reading.problems)


def test_a_large_file_is_a_problem(tmp_path: Path) -> None:
    with open(tmp_path / "big.yaml", "wb") as stream:
        stream.truncate(17 * 1024 * 1024)
        stream.seek(0, os.SEEK_END)
        stream.write(b"SealedSecret")
    (problem,) = DirectorySource(locate(str(tmp_path))).read(unknown).problems
    assert problem.what == "is larger than 16,384 KiB"


def test_a_known_file_gives_the_same_entries_without_its_body(tmp_path: Path) -> None:
    _write(tmp_path / "a.yaml")
    source = DirectorySource(locate(str(tmp_path)))
    first = source.read(unknown)
    again = source.read(lambda files: {file: first.fresh[file] for file in files})
    assert [each.entry for each in again.found] == [each.entry for each in first.found]
    assert (again.found[0].body, again.fresh) == (None, {})
    assert source.load(again.found[0]) == first.found[0].body


def test_a_file_that_changed_since_is_not_loaded(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.yaml")
    source = DirectorySource(locate(str(tmp_path)))
    first = source.read(unknown)
    again = source.read(lambda files: {file: first.fresh[file] for file in files})
    path.write_text(path.read_text() + "# more\n")
    with pytest.raises(SourceError, match="was changed while it was read"):
        source.load(again.found[0])


def test_a_file_with_a_problem_is_not_cached(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SEALED.format(name="app") + "---\nkind: SealedSecret\n")
    reading = DirectorySource(locate(str(tmp_path))).read(unknown)
    assert (len(reading.found), len(reading.problems), reading.fresh) == (1, 1, {})


def test_paths_count_from_the_configuration_else_git_else_source(tmp_path: Path) -> None:
    _write(tmp_path / "repo/clusters/prod/app.yaml")
    source = str(tmp_path / "repo/clusters/prod")
    assert (locate(source).prefix, _paths(Path(source))) == ("", ["app.yaml"])
    _git(tmp_path / "repo", "init", "-q")
    assert (locate(source).prefix, _paths(Path(source))) == ("clusters/prod", ["clusters/prod/app.yaml"])
    (tmp_path / "repo/clusters/.sealer.yaml").write_text("version: 1\nclusters: {prod: {}}\n")
    assert (locate(source).prefix, _paths(Path(source))) == ("prod", ["prod/app.yaml"])


def test_source_id_is_the_flag_else_the_configuration_else_origin_else_the_path(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    assert locate(str(root)).source == str(root)
    _git(root, "init", "-q")
    assert locate(str(root)).source == str(root)
    _git(root, "remote", "add", "origin", "git@git.example.invalid:team/shop.git")
    assert locate(str(root)).source == "git.example.invalid/team/shop"
    (root / ".sealer.yaml").write_text("version: 1\nsource: shop\nclusters: {prod: {}}\n")
    assert locate(str(root)).source == "shop"
    assert locate(str(root), "named").source == "named"
    with pytest.raises(SealerError):
        locate(str(root), "no id\n")


def test_revision(tmp_path: Path) -> None:
    source = DirectorySource(locate(str(tmp_path)))
    _write(tmp_path / "a.yaml")
    assert source.read(unknown).revision == ""
    _git(tmp_path, "init", "-q")
    assert source.read(unknown).revision == ""
    _git(tmp_path, "add", "-A")
    _git(tmp_path, "commit", "-qm", "x")
    commit = source.read(unknown).revision
    assert len(commit) >= 7
    _write(tmp_path / "b.yaml")
    assert source.read(unknown).revision == f"{commit}-dirty"


def test_paths_are_said_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop/a").mkdir(parents=True)
    (tmp_path / "shop/.sealer.yaml").write_text("version: 1\nclusters: {prod: {}}\n")
    for stands, source, said in (
        ("shop", ".", "a/b.yaml"),
        ("", "shop", "shop/a/b.yaml"),
        ("shop/a", ".", "b.yaml"),
        ("shop/a", "..", "b.yaml"),
        ("..", str(tmp_path / "shop"), f"{tmp_path.name}/shop/a/b.yaml"),
    ):
        monkeypatch.chdir(tmp_path / stands)
        assert locate(source).said("a/b.yaml") == said
    monkeypatch.chdir(tmp_path / "shop/a")
    assert locate("..").said("c.yaml") == f"{tmp_path}/shop/c.yaml"
    monkeypatch.chdir("/")
    monkeypatch.chdir("/usr")
    assert locate(str(tmp_path / "shop")).said("c.yaml") == f"{tmp_path}/shop/c.yaml"


def test_location_is_a_value(tmp_path: Path) -> None:
    assert isinstance(locate(str(tmp_path)), Location)
    assert locate(str(tmp_path)) == locate(str(tmp_path))


_TEXT = st.text(max_size=20)
_ENTRY = st.builds(
    Entry,
    st.integers(0, 9),
    st.integers(1, 9),
    _TEXT,
    _TEXT,
    _TEXT,
    _TEXT,
    st.none() | st.tuples(_TEXT),
    _TEXT,
    _TEXT,
    st.tuples(_TEXT),
    st.tuples(_TEXT, _TEXT),
    st.booleans(),
    st.booleans(),
    st.tuples(_TEXT),
)


@given(st.lists(_ENTRY, max_size=3))
def test_entries_survive_their_cached_form(found: list[Entry]) -> None:
    assert entry.load(entry.dump(found)) == tuple(found)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ("# a comment\n", True),
        ("  labels: {a: b}\n", True),
        ("  annotations: {other: x}\n", True),
        ("  annotations: {sealer.dev/stores: local}\n", False),
        ("  annotations: {sealer.dev/on-delete: retain}\n", False),
        ("  annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'}\n", False),
    ],
)
def test_the_digest_is_of_what_delivery_depends_on(change: str, same: bool) -> None:
    text = (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: a\n  namespace: b\n{}"
        "spec:\n  encryptedData: {{k: AgA=}}\n"
    )
    digests = []
    for each in ("", change):
        (found,) = document.parse_strict(text.format(each).encode(), "x.yaml").documents
        assert isinstance(found, document.SealedSecret)
        digests.append(entry.digest(found))
    assert (digests[0] == digests[1]) is same


@pytest.mark.parametrize("count", [1, 2, 3, 32])
def test_recipients_are_those_of_the_whole_envelope(count: int) -> None:
    keys = [generate_kem() for _ in range(count)]
    context = Binding(Scope.STRICT, "a", "b").context("k")
    text = envelope_v2.seal(b"1", context, [key.public for key in keys])
    assert envelope_v2.recipients(text) == envelope_v2.parse(text).recipients
    for bad in (text[:20], text[3:], "v2:", "v2:" + "!" * 100, text[: 3 + 4 * (11 + 1168 * (count - 1)) // 3]):
        with pytest.raises(EnvelopeError):
            envelope_v2.recipients(bad)
