"""The configuration directory: what it may say, and that nobody else could have said it (DELIVERY section 1)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from controller import configuration
from controller.configuration import BUILT_IN, Configuration, Limits, Retention, reader
from controller.configuration.reader import Fields
from controller.model import StoreSpec
from controller.stores import table
from controller.stores.base import uid_of
from controller.stores.files import FilesStore
from controller.stores.local import LocalStore
from controller.stores.memory import MemoryStore
from sealer import schema
from sealer.documents import yamlio
from sealer.documents.node import Kind
from sealer.errors import DocumentError, Refused, SealerError, SourceError
from sealer.secret import Ref

HEAD = "apiVersion: sealer.dev/v1alpha1\n"
VM = f"{HEAD}kind: Store\nmetadata: {{name: vm}}\nspec: {{kind: files, root: /run/secrets, namespaces: [shop, web]}}\n"
CONTROLLER = f"{HEAD}kind: Controller\nspec:\n  limits:\n    prune: {{count: 3, percent: 10}}\n"


def store(name: str = "vm", spec: str = "kind: files, root: /run/secrets") -> str:
    return f"{HEAD}kind: Store\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"


def controller(spec: str) -> str:
    return f"{HEAD}kind: Controller\nspec: {{{spec}}}\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    directory = tmp_path / "config"
    directory.mkdir(mode=0o755)
    return directory


def write(place: Path, text: str, name: str = "a.yaml") -> Path:
    path = place / name
    path.write_text(text)
    path.chmod(0o644)
    return path


def load(place: Path, *texts: str) -> Configuration:
    for number, text in enumerate(texts):
        write(place, text, f"{number}.yaml")
    return configuration.load(place)


def schemas_say(text: str) -> list[bool]:
    """Whether each document satisfies the schema of its kind."""
    found = []
    for node in yamlio.parse_stream(text, "x"):
        if node.kind is Kind.NULL:
            continue
        value = node.plain()
        name = value.get("kind") if isinstance(value, dict) else None
        try:
            if name not in ("Store", "Controller"):
                raise DocumentError("no schema")
            schema.validate(value, name.lower(), file="x")
            found.append(True)
        except DocumentError:
            found.append(False)
    return found


def test_without_a_directory_there_is_the_store_local_and_no_other() -> None:
    found = configuration.load(None)
    assert found == Configuration()
    assert dict(found.stores) == {"local": BUILT_IN}
    assert BUILT_IN.uid == "local"
    assert BUILT_IN.serves("any")
    assert (found.limits, found.retention) == (Limits(5, 50), Retention(30, 90))
    assert found.v1.of("any") == "accept"


def test_a_store_says_where_and_for_whom(place: Path) -> None:
    found = load(place, VM)
    vm = found.stores["vm"]
    assert (vm.label, vm.kind, vm.root, vm.adopt, vm.allow_disk) == ("vm", "files", "/run/secrets", False, False)
    assert [vm.serves(name) for name in ("shop", "web", "other")] == [True, True, False]
    assert vm.uid == uid_of("files", address="/run/secrets")
    assert (vm.file, vm.line) == (str(place / "0.yaml"), 1)
    assert found.stores["local"] == BUILT_IN


def test_limits_and_rules(place: Path) -> None:
    text = controller(
        "limits: {prune: {count: 0, percent: 100}}, v1: {default: warn, namespaces: {shop: refuse}}, "
        "retention: {deletedDays: 1, withdrawnDays: 2}, auditMaxBytes: 65536"
    )
    found = load(place, text)
    assert found.limits == Limits(0, 100)
    assert (found.v1.of("shop"), found.v1.of("web")) == ("refuse", "warn")
    assert found.retention == Retention(1, 2)
    assert found.audit_max_bytes == 65536
    assert dict(found.stores) == {"local": BUILT_IN}


def test_several_documents_and_files_are_one_configuration(place: Path) -> None:
    found = load(place, f"{VM}---\n{CONTROLLER}", "---\n# nothing\n---\n" + store("two", "kind: files, root: /run/two"))
    assert set(found.stores) == {"local", "vm", "two"}
    assert found.limits == Limits(3, 10)


def test_nothing_is_served_unless_it_is_said(place: Path) -> None:
    found = load(place, store(), store("all", "kind: files, root: /run/all, namespaces: ['*']"))
    assert not found.stores["vm"].serves("shop")
    assert found.stores["all"].serves("shop")


def test_local_can_be_restricted(place: Path) -> None:
    found = load(place, store("local", "kind: local, namespaces: [shop]"))
    local = found.stores["local"]
    assert (local.uid, local.serves("shop"), local.serves("web")) == ("local", True, False)


ACCEPTED = [
    VM,
    CONTROLLER,
    f"{VM}---\n{CONTROLLER}",
    store(),
    store("local", "kind: local"),
    store("vm.eu-1", "kind: files, root: /srv/a.b/c, adopt: true, allowDisk: false, namespaces: []"),
    store("vm", "kind: files, root: /srv/..a, namespaces: ['*']"),
    controller(""),
    f"{HEAD}kind: Controller\nmetadata: {{name: here}}\nspec: {{v1: {{}}, limits: {{}}, retention: {{}}}}\n",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_is_accepted_satisfies_the_schemas(place: Path, text: str) -> None:
    load(place, text)
    assert set(schemas_say(text)) == {True}


# text -> line, what is said, and a part of the way out; the last says whether a schema can tell too.
REFUSED: list[tuple[str, int, str, str, bool]] = [
    (store().replace("apiVersion: sealer.dev/v1alpha1\n", ""), 1, "apiVersion is missing", "begin with", True),
    (store().replace("v1alpha1", "v2"), 1, "apiVersion: unknown apiVersion", "v1alpha1", True),
    (f"{HEAD}kind: Policy\nspec: {{}}\n", 2, "kind: policies are not supported yet", "take the document out", True),
    (f"{HEAD}kind: Secret\nspec: {{}}\n", 2, "kind: unknown kind Secret", "Store, Controller", True),
    (f"{HEAD}kind: Store\nmetadata: {{name: vm}}\n", 1, "spec is missing", "example", True),
    (f"{HEAD}kind: Store\nspec: {{kind: files}}\n", 1, "metadata.name is missing", "LABEL", True),
    (f"{VM}status: {{}}\n", 5, "unknown field status", "known", True),
    (store("V_M"), 3, "metadata.name: name 'V_M'", "rename", True),
    (store("vm, labels: {}"), 3, "metadata: unknown field labels", "known", True),
    (store("vm", "root: /run/x"), 4, "spec: kind is missing", "local, files", True),
    (store("vm", "kind: vault, address: 'https://v'"), 4, "spec.kind: kind vault is not supported yet", "files", True),
    (store("vm", "kind: files"), 4, "spec: a store of kind files needs root", "add root", True),
    (store("vm", "kind: files, rot: /run/x"), 4, "spec: unknown field rot", "did you mean root?", True),
    (store("vm", "kind: files, root: /a, mount: kv"), 4, "spec.mount: a store of kind files has no mount", "out", True),
    (store("vm", "kind: files, root: /a, credentials: {env: X}"), 4, "has no credentials", "take it out", True),
    (store("local", "kind: local, root: /a"), 4, "spec.root: a store of kind local has no root", "take it out", True),
    (store("local"), 3, "a store of kind files can't be called local", "rename it", True),
    (store("mine", "kind: local"), 3, "a store of kind local can't be called mine", "call it local", True),
    (store("vm", "kind: files, root: run/x"), 4, "spec.root: is not the full path", "from /", True),
    (store("vm", "kind: files, root: /run/../etc"), 4, "spec.root: is not the full path", "without ..", True),
    (store("vm", "kind: files, root: /run/x/"), 4, "spec.root: is not the full path", "at its end", True),
    (store("vm", "kind: files, root: //run"), 4, "spec.root: is not the full path", "//", True),
    (store("vm", "kind: files, root: /"), 4, "spec.root: is the root of the file system", "example", True),
    (store("vm", "kind: files, root: /a, namespaces: shop"), 4, "spec.namespaces: is not a list", "", True),
    (store("vm", "kind: files, root: /a, namespaces: [a, a]"), 4, "spec.namespaces[1]: lists a twice", "out", True),
    (store("vm", "kind: files, root: /a, namespaces: [a, '*']"), 4, "* is every namespace already", "others", True),
    (store("vm", "kind: files, root: /a, namespaces: ['a*']"), 4, "has a wildcard inside", "alone", True),
    (store("vm", "kind: files, root: /a, namespaces: [A]"), 4, "namespace 'A' is not", "rename", True),
    (store("vm", "kind: files, root: /a, adopt: 'true'"), 4, "spec.adopt: is neither true nor false", "quotes", True),
    (store("vm", "kind: files, root: /a, allowDisk: yes"), 4, "spec.allowDisk: is neither true nor", "write", False),
    (f"{VM}---\n{store('vm', 'kind: files, root: /b')}", 6, "store vm is configured twice", "rename", False),
    (f"{VM}---\n{store('two')}", 6, "store two writes where store vm does", "a place of its own", False),
    (f"{VM}---\n{store('two', 'kind: files, root: /run/secrets/in')}", 6, "writes where store vm does", "own", False),
    (f"{CONTROLLER}---\n{CONTROLLER}", 7, "a second Controller; the first is in", "one of the two", False),
    (controller("limit: {}"), 3, "spec: unknown field limit", "did you mean limits?", True),
    (controller("limits: {prune: 5}"), 3, "spec.limits.prune: is not a map", "", True),
    (controller("limits: {prune: {count: -1}}"), 3, "count: is not a whole number from 0", "default is 5", True),
    (controller("limits: {prune: {count: 1.5}}"), 3, "count: is not a whole number", "default is 5", True),
    (controller("limits: {prune: {count: '5'}}"), 3, "count: is not a whole number", "default is 5", True),
    (controller("limits: {prune: {count: 010}}"), 3, "count: is not a whole number", "default is 5", False),
    (controller("limits: {prune: {percent: 101}}"), 3, "percent: is not a whole number from 0 to 100", "50", True),
    (controller("v1: {default: deny}"), 3, "spec.v1.default: is deny", "accept, warn, refuse", True),
    (controller("v1: {namespaces: {A: warn}}"), 3, "namespace 'A' is not", "rename", True),
    (controller("v1: {namespaces: {a: no}}"), 3, "spec.v1.namespaces.a: is not text", "quotes", True),
    (controller("retention: {deletedDays: 99999}"), 3, "deletedDays: is not a whole number", "30", True),
    (controller("auditMaxBytes: 1"), 3, "auditMaxBytes: is not a whole number from 65536", "default", True),
    ("- a\n- b\n", 1, "is not a map", "", True),
    (f"{VM}spec: {{}}\n", 5, "", "", False),
    (f"{HEAD}kind: [\n", 3, "", "", False),
]


@pytest.mark.parametrize(("text", "line", "what", "way_out", "told"), REFUSED)
def test_what_is_refused_is_told_with_its_line(
    place: Path, text: str, line: int, what: str, way_out: str, told: bool
) -> None:
    path = write(place, text)
    with pytest.raises(DocumentError) as caught:
        configuration.load(place)
    assert caught.value.where == f"{path}:{line}"
    assert what in str(caught.value)
    assert way_out in caught.value.way_out
    if told:
        assert False in schemas_say(text)


def test_a_store_that_is_twice_is_told_across_files(place: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        load(place, VM, store("vm", "kind: files, root: /b"))
    assert caught.value.where == f"{place / '1.yaml'}:1"
    assert f"{place / '0.yaml'}:1" in caught.value.what


def test_a_directory_that_is_missing_or_says_nothing_is_an_error(place: Path) -> None:
    for text, expected in ((None, "holds no *.yaml file"), ("# nothing\n", "holds no document")):
        if text is not None:
            write(place, text)
        with pytest.raises(SealerError) as caught:
            configuration.load(place)
        assert expected in str(caught.value)
        assert "leave --config out" in caught.value.way_out
    with pytest.raises(SourceError, match="no such file"):
        configuration.load(place / "none")
    with pytest.raises(SourceError, match="not a directory"):
        configuration.load(write(place, VM))


def test_a_file_that_would_be_passed_over_is_named(place: Path) -> None:
    write(place, VM)
    write(place, CONTROLLER, "limits.yml")
    with pytest.raises(SourceError) as caught:
        configuration.load(place)
    assert caught.value.way_out == f"mv {place / 'limits.yml'} {place / 'limits.yaml'}"


def test_what_an_editor_leaves_behind_does_not_count(place: Path) -> None:
    write(place, "broken: [", ".0.yaml.swp")
    write(place, "broken: [", ".1.yaml")
    write(place, "broken: [", "0.yaml~")
    assert "vm" in load(place, VM).stores


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_can_write_is_refused(place: Path, mode: int) -> None:
    path = write(place, VM)
    path.chmod(mode)
    with pytest.raises(Refused) as caught:
        configuration.load(place)
    assert "can be written by others" in caught.value.what
    assert caught.value.way_out == f"chmod go-w {path}"


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_directory_that_others_can_write_is_refused(place: Path, mode: int) -> None:
    write(place, VM)
    place.chmod(mode)
    with pytest.raises(Refused) as caught:
        configuration.load(place)
    assert caught.value.way_out == f"chmod go-w {place}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("which", ["file", "directory"])
def test_what_another_user_owns_is_refused(place: Path, which: str) -> None:
    path = write(place, VM)
    os.chown(path if which == "file" else place, 65534, 65534)
    with pytest.raises(Refused, match="belongs to user id 65534"):
        configuration.load(place)


def test_a_symlink_out_of_the_directory_is_refused_and_one_within_is_not(place: Path) -> None:
    inside = place / "..data"
    inside.mkdir(mode=0o755)
    write(inside, VM)
    (place / "a.yaml").symlink_to("..data/a.yaml")
    assert "vm" in configuration.load(place).stores
    inside.chmod(0o777)
    with pytest.raises(Refused, match="can be written by others"):
        configuration.load(place)
    inside.chmod(0o755)
    write(place.parent, VM, "outside.yaml")
    (place / "b.yaml").symlink_to("../outside.yaml")
    with pytest.raises(Refused) as caught:
        configuration.load(place)
    assert (caught.value.where, caught.value.what) == (
        str(place / "b.yaml"),
        "is a symlink to outside of its directory",
    )


def test_a_pipe_is_not_waited_for(place: Path) -> None:
    os.mkfifo(place / "a.yaml", 0o600)
    with pytest.raises(Refused, match="neither a file nor a directory"):
        configuration.load(place)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind as the remote ones will be, so that their fields are read before there is one."""
    known = ("address", "mount", "prefix", "credentials", "adopt")
    monkeypatch.setattr(reader, "STORES", {**reader.STORES, "vault": Fields(known, ("address",))})


def test_a_credential_is_a_place_and_is_read_when_it_is_needed(
    place: Path, vault: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place.parent / "token"
    spec = "kind: vault, address: 'https://v', mount: kv, prefix: a, credentials: "
    by_file = load(place, store("v", f"{spec}{{file: {path}}}")).stores["v"]
    by_env = load(place, store("v", f"{spec}{{env: VAULT_TOKEN}}")).stores["v"]
    assert by_file.credentials is not None
    assert by_env.credentials is not None
    path.write_text("planted-token\n")
    path.chmod(0o600)
    monkeypatch.setenv("VAULT_TOKEN", "planted-token")
    for each in (by_file, by_env):
        assert each.credentials is not None
        assert each.credentials.read() == "planted-token"
        shown = f"{each!r} {each.spec} {each.credentials!r}"
        assert "planted" not in shown
        assert "credentials" not in each.spec
        assert json.loads(each.spec) == {"address": "https://v", "kind": "vault", "mount": "kv", "prefix": "a"}
    assert by_file.uid == by_env.uid == uid_of("vault", address="https://v", mount="kv", prefix="a")
    path.chmod(0o640)
    with pytest.raises(SourceError, match="can be read by others"):
        by_file.credentials.read()
    path.unlink()
    with pytest.raises(SourceError, match="no such file"):
        by_file.credentials.read()
    monkeypatch.delenv("VAULT_TOKEN")
    with pytest.raises(SourceError, match="holds no credential"):
        by_env.credentials.read()


@pytest.mark.parametrize(
    "text", ["{}", "{file: /a, env: A}", "{file: token}", "{env: 'A B'}", "{env: ''}", "planted-token", "{token: x}"]
)
def test_a_credential_itself_is_never_part_of_the_configuration(place: Path, vault: None, text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load(place, store("v", f"kind: vault, address: 'https://v', credentials: {text}"))
    assert "spec.credentials" in str(caught.value)
    assert "planted" not in f"{caught.value} {caught.value.way_out}"


def context(**changes: object) -> table.Context:
    fields: dict[str, object] = {"state": None, "state_keys": tuple, "clock": lambda: 0, **changes}
    return table.Context(**fields)  # type: ignore[arg-type]


def test_each_kind_that_can_be_configured_can_be_built(place: Path) -> None:
    found = load(place, VM)
    assert set(table._KINDS) == set(reader.STORES)
    files = table.build(found.stores["vm"], context())
    assert isinstance(files, FilesStore)
    assert files.uid == found.stores["vm"].uid
    local = table.build(found.stores["local"], context(state=object()))
    assert isinstance(local, LocalStore)
    none = table.build(found.stores["local"], context())
    assert isinstance(none, MemoryStore)
    assert (none.uid, none.caps) == (local.uid, local.caps)
    assert none.target(Ref("a", "b")) == local.target(Ref("a", "b"))


def test_a_store_is_built_again_from_what_the_state_remembers(place: Path) -> None:
    root = place.parent / "root"
    config = load(place, store("vm", f"kind: files, root: {root}, allowDisk: true")).stores["vm"]
    again = table.rebuild(StoreSpec(config.uid, config.label, config.kind, config.spec), context())
    assert isinstance(again, FilesStore)
    assert again.uid == config.uid
    assert again._place == table.build(config, context())._place  # type: ignore[attr-defined]
    with pytest.raises(SourceError, match="of kind tape, which this program doesn't know"):
        table.rebuild(StoreSpec("0", "old", "tape", "{}"), context())
