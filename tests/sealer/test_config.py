"""`.sealer.yaml`: what it says is read, and each mistake is named with file, line, path and a way out."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer import schema
from sealer.configuration import config
from sealer.configuration.rules import match
from sealer.documents import yamlio
from sealer.errors import DocumentError, SourceError, UsageError
from sealer.formats.binding import Scope

if TYPE_CHECKING:
    from sealer.configuration.config import Config

DESIGN = """\
version: 1
source: github.com/example/shop
clusters:
  staging:
    url: https://sealer.staging.example.com/v1/keys
  prod:
    url: https://sealer.prod.example.com/v1/keys
    envelope: v2
  dev-alice: {}
  recovery: {}
rules:
  - path: clusters/{cluster}/{namespace}/{name}.yaml
  - path: shared/{namespace}/{name}.yaml
    clusters: [staging, prod, recovery]
    scope: namespace-wide
  - path: vm/billing/**/*.yaml
    clusters: [prod]
    namespace: billing
    stores: [vault-prod]
run: {files: [clusters/dev-alice/payments/*.yaml]}
scan: {exclude: ["**/testdata/**"], disable: [generic-password], baseline: .sealer/baseline.yaml}
"""
ONE = "version: 1\nclusters: {prod: {}}\n"


def _load(folder: Path, text: str) -> Config:
    path = folder / ".sealer.yaml"
    path.write_text(text)
    return config.load(path)


def test_the_page_of_the_design_is_read(tmp_path: Path) -> None:
    loaded = _load(tmp_path, DESIGN)
    assert loaded.root == tmp_path.resolve()
    assert loaded.source == "github.com/example/shop"
    assert list(loaded.clusters) == ["staging", "prod", "dev-alice", "recovery"]
    assert loaded.clusters["prod"].url == "https://sealer.prod.example.com/v1/keys"
    assert (loaded.clusters["prod"].envelope, loaded.clusters["staging"].envelope) == ("v2", None)
    assert [rule.line for rule in loaded.rules] == [12, 13, 16]
    assert loaded.rules[1].scope is Scope.NAMESPACE_WIDE
    assert loaded.rules[2].stores == ("vault-prod",)
    assert loaded.run_files == ("clusters/dev-alice/payments/*.yaml",)
    assert loaded.scan.exclude == ("**/testdata/**",)
    assert (loaded.scan.disable, loaded.scan.baseline) == (("generic-password",), ".sealer/baseline.yaml")
    found = match(loaded, "clusters/prod/web/db.yaml")
    assert found is not None
    assert (found.clusters, found.namespace, found.name) == (("prod",), "web", "db")


def test_the_least_that_may_be_written(tmp_path: Path) -> None:
    loaded = _load(tmp_path, ONE)
    assert (list(loaded.clusters), loaded.rules, loaded.source) == (["prod"], (), None)
    assert loaded.keys == tmp_path.resolve() / ".sealer" / "keys"


def _rule(line: str) -> str:
    return f"version: 1\nclusters: {{prod: {{}}, staging: {{}}}}\nrules:\n  - {line}\n"


# (text, line, path, said)
MISTAKES = [
    ("", 1, "", "empty"),
    ("- a\n", 1, "", "map"),
    ("version: 1\n---\nversion: 1\n", 3, "", "one document"),
    ("clusters: {prod: {}}\n", 1, "", "version is missing"),
    ("version: 2\nclusters: {prod: {}}\n", 1, "version", "version"),
    ("version: '1'\nclusters: {prod: {}}\n", 1, "version", "version"),
    ("version: 1.0\nclusters: {prod: {}}\n", 1, "version", "version"),
    ("version: 1\n", 1, "", "no cluster"),
    ("version: 1\nclusters: {}\n", 2, "clusters", "no cluster"),
    ("version: 1\nclusters: [prod]\n", 2, "clusters", "map"),
    ("version: 1\nversion: 1\nclusters: {prod: {}}\n", 2, "", "twice"),
    ("version: 1\nclusters: {prod: {}}\nrule: []\n", 3, "", "unknown field rule"),
    ("version: 1\nclusters:\n  Prod: {}\n", 3, "clusters.Prod", "DNS-1123"),
    ("version: 1\nclusters:\n  prod:\n", 3, "clusters.prod", "empty"),
    ("version: 1\nclusters:\n  no: {}\n", 3, "clusters", "boolean"),
    ("version: 1\nclusters:\n  prod:\n    urls: x\n", 4, "clusters.prod", "unknown field urls"),
    ("version: 1\nclusters:\n  prod:\n    url: http://localhost/keys\n", 4, "clusters.prod.url", "plain http"),
    ("version: 1\nclusters:\n  prod:\n    url: https://a:b@example.com/\n", 4, "clusters.prod.url", "password"),
    ("version: 1\nclusters:\n  prod:\n    url: ftp://example.com/\n", 4, "clusters.prod.url", "https"),
    ("version: 1\nclusters:\n  prod:\n    url: https://\n", 4, "clusters.prod.url", "https"),
    ("version: 1\nclusters:\n  prod:\n    url: 'https://[::1'\n", 4, "clusters.prod.url", "URL"),
    ("version: 1\nclusters:\n  prod:\n    envelope: v3\n", 4, "clusters.prod.envelope", "envelope v3"),
    (ONE + "source: https://github.com/example/shop\n", 3, "source", "URL"),
    (ONE + "source: a b\n", 3, "source", "source id"),
    (ONE + "source: 12\n", 3, "source", "text"),
    (ONE + "source: ''\n", 3, "source", "empty"),
    (ONE + "rules: {}\n", 3, "rules", "list"),
    (_rule("{}"), 4, "rules[0]", "path is missing"),
    (_rule("path: 12"), 4, "rules[0].path", "text"),
    (_rule("{path: a/*.yaml, cluster: prod}"), 4, "rules[0]", "unknown field cluster"),
    (_rule("{path: a/*.yaml, clusters: [prd]}"), 4, "rules[0].clusters[0]", "unknown cluster prd"),
    (_rule("{path: a/*.yaml, clusters: []}"), 4, "rules[0].clusters", "empty list"),
    (_rule("{path: a/*.yaml, clusters: prod}"), 4, "rules[0].clusters", "list"),
    (_rule("{path: a/*.yaml, clusters: [prod, prod]}"), 4, "rules[0].clusters[1]", "twice"),
    (_rule("{path: '{cluster}/*.yaml', clusters: [prod]}"), 4, "rules[0].clusters", "fixed twice"),
    (_rule("{path: '{namespace}/*.yaml', namespace: web}"), 4, "rules[0].namespace", "fixed twice"),
    (_rule("{path: '{name}.yaml', name: web}"), 4, "rules[0].name", "fixed twice"),
    (_rule("path: '{name}/{name}.yaml'"), 4, "rules[0].path", "twice"),
    (_rule("path: ../other/*.yaml"), 4, "rules[0].path", "'..'"),
    (_rule("path: /etc/*.yaml"), 4, "rules[0].path", "not below"),
    (_rule("{path: a/*.yaml, scope: cluster}"), 4, "rules[0].scope", "unknown scope cluster"),
    (_rule("{path: a/*.yaml, namespace: We_b}"), 4, "rules[0].namespace", "DNS-1123"),
    (_rule("{path: a/*.yaml, name: -x}"), 4, "rules[0].name", "DNS-1123"),
    (_rule("{path: a/*.yaml, stores: [Vault]}"), 4, "rules[0].stores[0]", "DNS-1123"),
    (_rule("path: a/*.yaml\n  - path: a/*.yaml"), 5, "rules[1]", "never used"),
    (ONE + "run: {file: []}\n", 3, "run", "unknown field file"),
    (ONE + "run: {files: ['{name}.yaml']}\n", 3, "run.files[0]", "captures"),
    (ONE + "run: {files: [../x.yaml]}\n", 3, "run.files[0]", "'..'"),
    (ONE + "scan: {exclude: ['/x']}\n", 3, "scan.exclude[0]", "not below"),
    (ONE + "scan: {disable: [A_B]}\n", 3, "scan.disable[0]", "id of a rule"),
    (ONE + "scan: {baseline: '*.yaml'}\n", 3, "scan.baseline", "one file"),
    (ONE + "scan: {strict: 'yes'}\n", 3, "scan.strict", "neither true nor false"),
    (ONE + "scan: {baseline: ../b.yaml}\n", 3, "scan.baseline", "'..'"),
]


@pytest.mark.parametrize(("text", "line", "path", "said"), MISTAKES)
def test_each_mistake_is_named(tmp_path: Path, text: str, line: int, path: str, said: str) -> None:
    with pytest.raises(DocumentError) as refused:
        _load(tmp_path, text)
    error = refused.value
    assert said in str(error)
    assert (error.line, error.path) == (line, path)
    assert error.where.endswith(f".sealer.yaml:{line}")
    assert error.way_out or said in ("map", "one document", "list")


def test_the_scanner_needs_no_cluster(tmp_path: Path) -> None:
    text = "version: 1\nscan: {strict: true, exclude: [a.txt]}\n"
    found = _load(tmp_path, text)
    assert (found.clusters, found.scan.strict, found.scan.exclude) == ({}, True, ("a.txt",))
    schema.validate(yamlio.load_config(text.encode(), "x"), "sealer-config", file="x")
    for more in ("run: {files: []}\n", "rules: []\n", "clusters: {}\n"):
        with pytest.raises(DocumentError, match="no cluster"):
            _load(tmp_path, text + more)


def test_a_near_miss_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as refused:
        _load(tmp_path, ONE + "rulez: []\n")
    assert refused.value.way_out == "did you mean rules?"


def test_a_password_in_a_url_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as refused:
        _load(tmp_path, "version: 1\nclusters: {prod: {url: 'https://me:hunter22@example.com/'}}\n")
    assert "hunter22" not in str(refused.value) + refused.value.way_out


def test_the_schema_takes_what_the_reader_takes(tmp_path: Path) -> None:
    for text in (DESIGN, ONE, _rule("path: a/*.yaml")):
        _load(tmp_path, text)
        schema.validate(yamlio.load_config(text.encode(), "x"), "sealer-config", file="x")


@pytest.mark.parametrize(
    "text",
    [text for text, _, path, said in MISTAKES if said in ("text", "list", "empty list", "path is missing", "DNS-1123")]
    + [text for text, _, _, said in MISTAKES if said.startswith(("unknown field", "unknown scope", "fixed twice"))],
)
def test_the_schema_refuses_what_has_the_wrong_form(text: str) -> None:
    with pytest.raises(DocumentError):
        schema.validate(yamlio.load_config(text.encode(), "x"), "sealer-config", file="x")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["prod", "v1", "a/*.yaml"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["version", "clusters", "rules", "path", "prod", "run", "files", "scan", "source", "x"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_nothing_but_a_document_error_comes_out(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    with contextlib.suppress(DocumentError):
        _load(tmp_path_factory.mktemp("any"), json.dumps(value))


def test_the_nearest_file_upward_is_found(tmp_path: Path) -> None:
    _load(tmp_path, ONE)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    found = config.find(inner / "not-there.yaml")
    assert found is not None
    assert found.root == tmp_path.resolve()
    _load(inner, ONE)
    nearer = config.find(inner)
    assert nearer is not None
    assert nearer.root == inner.resolve()


def test_without_one_a_way_out_is_said(tmp_path: Path) -> None:
    assert config.find(tmp_path) is None
    with pytest.raises(SourceError) as refused:
        config.require(tmp_path)
    assert refused.value.way_out == "sealer init"


def test_a_path_is_relative_to_where_it_really_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = _load(tmp_path, ONE)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert loaded.relative(tmp_path / "link" / "x.yaml") == "real/x.yaml"
    monkeypatch.chdir(tmp_path / "real")
    assert loaded.relative("x.yaml") == "real/x.yaml"
    assert loaded.relative("../x.yaml") == "x.yaml"
    for outside in ("../../x.yaml", "/etc/passwd"):
        with pytest.raises(UsageError, match="outside"):
            loaded.relative(outside)


def test_a_folder_that_links_outside_is_outside(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (repository / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="outside"):
        _load(repository, ONE).relative(repository / "link" / "x.yaml")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="larger"):
        _load(tmp_path, "#" * (config.MAX_CONFIG + 1))


def test_a_message_names_the_file_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _load(tmp_path, ONE).file == ".sealer.yaml"
    monkeypatch.chdir("/")
    if not tmp_path.is_relative_to(os.sep + "nowhere"):
        assert _load(tmp_path, ONE).file.endswith(".sealer.yaml")
