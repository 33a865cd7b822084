"""Every JSON that a command prints, and every file that one writes, is what its schema says; a page lists them."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.main import get_command

from controller import main as controller_main
from sealer import cli, paths, schema
from sealer.documents import yamlio
from sealer.errors import DocumentError
from sealer.formats import backup, passphrase
from tests import planted
from tests.planted import DB
from tests.sealer.shop import manifest

WEB = "secrets/shop/web.yaml"
VALUE = secrets.token_hex(8)
NAMES = sorted(path.name.removesuffix(".v1.json") for path in schema.folder().glob("*.json"))
# Commands that take --format json -> runs, each with its exit code, and the schema of what is printed. The runs come in
# this order in one repository; `None` is a Secret of Kubernetes.
PRINTED: dict[str, list[tuple[str, int, str | None]]] = {
    "sealer keys list": [("", 0, "pinned-keys")],
    "sealer seal": [(f"{WEB}.plain", 0, "sealed-secret")],
    "sealer check": [(DB, 0, "check"), ("", 1, "check"), (f"--explain {DB} {WEB}.plain", 1, "check")],
    "sealer-check": [(DB, 0, "check"), ("", 1, "check")],
    "sealer scan": [("--exclude *.plain", 0, "findings"), ("", 1, "findings")],
    "sealer-scan": [("--staged", 1, "findings"), ("--range HEAD~1..HEAD", 0, "findings")],
    "sealer diff": [("", 0, "diff"), ("HEAD~1..HEAD", 0, "diff")],
    "sealer unseal": [(DB, 0, None)],
    "sealer render": [(DB, 0, None)],
    "sealer-controller keys list": [("", 0, "key-list")],
    "sealer-controller apply": [
        (". --dry-run", 1, "plan"),
        (".", 1, "apply"),
        (".", 1, "apply"),
        (". --dry-run", 1, "plan"),
    ],
    "sealer-controller status": [("", 1, "status"), ("--failed", 1, "status")],
    "sealer-controller get": [("payments/db", 0, None)],
    "sealer-controller audit verify": [("", 0, "audit-verify")],
    "sealer-controller audit query": [("", 0, "audit-query"), ("--verb get", 0, "audit-query")],
}


def validate(value: Any, name: str) -> None:
    """Valid; and not with a field more, so that the schema tells all that there is."""
    schema.validate(value, name, file=name)
    assert value.get("version") == 1 or value["apiVersion"]
    with pytest.raises(DocumentError):
        schema.validate({**value, "another": 1}, name, file=name)


def _with_json(group: Any, name: str) -> Iterator[str]:
    """The commands that offer `--format json`."""
    for word, command in group.commands.items():
        path = f"{name} {word}"
        if getattr(command, "commands", None):
            yield from _with_json(command, path)
        elif any("--format" in each.opts for each in command.params):
            yield path


def test_each_command_that_prints_json_is_here() -> None:
    found = {*_with_json(get_command(cli.app), "sealer"), "sealer scan", "sealer-scan", "sealer-check"}
    found |= {*_with_json(get_command(controller_main.app), "sealer-controller")}
    assert found == set(PRINTED)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a sealed file, one that doesn't open, and a manifest in plaintext."""
    monkeypatch.chdir(tmp_path)
    run("sealer-controller init --cluster prod")
    run("sealer init --no-hooks")
    run(f"sealer set {DB} password", VALUE)
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    _git("add", ".")
    _git("commit", "-q", "-m", "one")
    run("sealer set secrets/payments/moved.yaml password", VALUE)
    sealed = Path("secrets/payments/moved.yaml").read_text()
    Path("secrets/payments/bad.yaml").write_text(sealed.replace("moved", "bad"))
    _git("add", ".")
    _git("commit", "-q", "-m", "two")
    run(f"sealer set {DB} password", VALUE)
    Path(f"{WEB}.plain").parent.mkdir()
    Path(f"{WEB}.plain").write_text(manifest("web", "shop", password=VALUE))
    _git("add", ".")
    return tmp_path


def _git(*words: str) -> None:
    subprocess.run(["git", *words], check=True)


def run(words: str, stdin: str = "", code: int = 0) -> str:
    """A command that ends with `code`; its stdout."""
    done = planted.run(words.split(), stdin.encode())
    assert done.code == code, done.all.decode()
    return done.out.decode()


def test_what_is_printed(repository: Path) -> None:
    for command, runs in PRINTED.items():
        for arguments, code, name in runs:
            value = json.loads(run(f"{command} {arguments} --format json", code=code))
            if name is None:
                assert (value["apiVersion"], value["kind"]) == ("v1", "Secret")
            else:
                validate(value, name)


def test_each_line_of_a_report_is_what_its_schema_says(repository: Path) -> None:
    lines = [json.loads(line) for line in run("sealer-scan --format jsonl", code=1).splitlines()]
    assert {line["kind"] for line in lines} == {"finding", "run"}
    for line in lines:
        validate(line, "findings-line")


def test_what_is_written(repository: Path) -> None:
    ring = paths.keyrings() / "prod"
    validate(json.loads((ring / "keyring.json").read_bytes()), "keyring")
    validate(json.loads(Path(".sealer/keys/prod.bundle").read_bytes()), "key-bundle")
    validate(json.loads(paths.trust_file().read_bytes()), "trust")
    validate(yamlio.load_config(Path(".sealer.yaml").read_bytes(), "x"), "sealer-config")
    validate(yamlio.load_config(Path(DB).read_bytes(), "x"), "sealed-secret")
    Path("secret").write_text(VALUE)
    run("sealer-controller keys backup ring.backup --passphrase-file secret")
    plain = passphrase.unwrap(backup.PEM_BACKUP, Path("ring.backup").read_text(), VALUE)
    validate(json.loads(plain), "backup")


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_valid_and_on_the_page(name: str) -> None:
    loaded = schema.load(name)
    jsonschema.Draft202012Validator.check_schema(loaded)
    assert loaded["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert loaded["$id"] == f"https://sealer.dev/schemas/{name}.v1.json"
    assert loaded["title"]
    page = (schema.folder() / "README.md").read_text()
    table = page.partition("## 12. The JSON Schemas")[2]
    assert len(re.findall(rf"^\| `{name}\.v1\.json` \| .+ \|$", table, re.MULTILINE)) == 1


def test_the_page_names_no_other() -> None:
    page = (schema.folder() / "README.md").read_text()
    assert set(re.findall(r"`([-a-z]+)\.v1\.json`", page)) == set(NAMES)
