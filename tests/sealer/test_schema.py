"""Schemas: found in a checkout and in a wheel, valid themselves, and errors that quote nothing."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import sealer
from sealer import schema
from sealer.documents import yamlio
from sealer.errors import DocumentError, SourceError

NAMES = sorted(path.name.removesuffix(".v1.json") for path in schema.folder().glob("*.v1.json"))


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_one_and_has_its_name(name: str) -> None:
    loaded = schema.load(name)
    Draft202012Validator.check_schema(loaded)
    assert loaded["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert loaded["$id"].endswith(f"/{name}.v1.json")
    assert loaded["title"]


def test_ours_are_there() -> None:
    assert {"sealer-config", "trust", "pinned-keys"} <= set(NAMES)


@pytest.mark.parametrize("name", ["nothing", "../schemas/trust", "trust.v1", "", "Trust"])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(SourceError, match="no schema"):
        schema.path(name)


def test_in_a_wheel_they_stand_inside_the_package(tmp_path: Path) -> None:
    """Laid out as the wheel lays it out, beside a folder called `schemas` that is somebody else's."""
    package = tmp_path / "sealer"
    package.mkdir()
    for name in ("__init__", "schema", "errors"):
        shutil.copy(Path(sealer.__file__).with_name(f"{name}.py"), package)
    shutil.copytree(schema.folder(), package / "schemas")
    (tmp_path / "schemas").mkdir()
    code = "from sealer import schema; print(schema.path('trust'))"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(package / "schemas" / "trust.v1.json")


def test_looking_for_a_schema_imports_no_jsonschema() -> None:
    code = "import sys; from sealer import schema; schema.load('trust'); print('jsonschema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    ("text", "line", "path", "said"),
    [
        ("version: 1\nclusters:\n  prod:\n    url: VALUE\n", 4, "clusters.prod.url", "is not of the form ^https:"),
        ("version: 1\nclusters:\n  prod: VALUE\n", 3, "clusters.prod", "is not an object"),
        ("version: 1\nclusters: {prod: {}}\nrules:\n  - {}\n", 4, "rules[0]", "lacks path"),
        ("version: 1\nclusters:\n  prod:\n    VALUE: 1\n", 4, "clusters.prod", "not part of the format"),
        ("version: 1\nclusters:\n  prod:\n    envelope: VALUE\n", 4, "clusters.prod.envelope", '"v1" or "v2"'),
        ("version: 1\nclusters: {}\n", 2, "clusters", "empty"),
        ("version: 2\nclusters: {prod: {}}\n", 1, "version", "is not 1"),
    ],
)
def test_an_error_names_line_and_path_and_no_value(text: str, line: int, path: str, said: str) -> None:
    value = secrets.token_hex(8)
    data = text.replace("VALUE", value).encode()
    with pytest.raises(DocumentError) as refused:
        schema.validate(yamlio.load_config(data, "f"), "sealer-config", file="f", node=yamlio.load(data, "f"))
    error = refused.value
    assert said in str(error)
    assert (error.line, error.path) == (line, path)
    assert value not in str(error)


def test_a_reference_to_another_schema_stays_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(name: str, value: dict[str, Any]) -> None:
        (tmp_path / f"{name}.v1.json").write_text(json.dumps(value))

    base = "https://sealer.dev/schemas"
    put("whole", {"$id": f"{base}/whole.v1.json", "$ref": "part.v1.json"})
    put(
        "part",
        {"$id": f"{base}/part.v1.json", "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "null"},
    )
    monkeypatch.setattr(schema, "folder", lambda: tmp_path)
    schema.validate(None, "whole", file="f")
    with pytest.raises(DocumentError, match="is not null"):
        schema.validate(1, "whole", file="f")
