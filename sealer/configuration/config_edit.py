"""Writing `.sealer.yaml`: a first one, and one more cluster in one that stands. Pure: bytes in, bytes out."""

from __future__ import annotations

from pathlib import Path

from sealer.configuration import config_reader
from sealer.documents import append, yamlio
from sealer.documents.node import BOM, Kind, decode, resolve
from sealer.errors import DocumentError

SKIP_RENDERING = "# +argocd:skip-file-rendering"
"""The first line of every YAML file of ours: Argo CD takes it for a manifest otherwise."""

RULE = "secrets/{namespace}/{name}.yaml"

_FIRST = """\
{skip}
# Which clusters this repository seals for, and which path stands for which secret.
version: 1
source: {source}
"""
_CLUSTERS = """\
clusters:
{cluster}rules:  # the first that matches a path decides
  - path: {rule}
    clusters: [{name}]
"""


def first(*, source: str, cluster: str, url: str | None) -> bytes:
    """The `.sealer.yaml` of a repository that had none: one cluster, one rule."""
    entry = _entry(cluster, url, "  ", "\n")
    source = source if resolve(source) is Kind.STR else f'"{source}"'
    name = _scalar(cluster)
    top = _FIRST.format(skip=SKIP_RENDERING, source=source)
    return (top + _CLUSTERS.format(cluster=entry, rule=RULE, name=name)).encode("utf-8")


def with_cluster(data: bytes, file: str, *, cluster: str, url: str | None) -> bytes:
    """`data` with one more cluster; every other byte stays. Raises DocumentError where that can't be done."""
    text, bom = decode(data, file)
    top = yamlio.load(data, file)
    clusters = top.get("clusters") if top else None
    if top is not None and top.kind is Kind.MAP and not top.style and clusters is None:
        return _with_first(data, text, file, cluster, url)
    if top is None or clusters is None or clusters.style or clusters.alias or not clusters.own:
        way_out = f"add it by hand: {cluster}: {{}}"
        line = clusters.line if clusters else 1
        what = "the clusters are not written one a line, so that none is added"
        raise DocumentError(what, file=file, line=line, path="clusters", way_out=way_out)
    start = clusters.items[0][0].start
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    ending = "\r\n" if "\r\n" in text else "\n"
    edited = append.insert(text, append.behind(text, clusters), _entry(cluster, url, indent, ending), ending)
    after = ((BOM if bom else "") + edited).encode("utf-8")
    config_reader.read(after, Path("/"), file)
    return after


def _with_first(data: bytes, text: str, file: str, cluster: str, url: str | None) -> bytes:
    """A file that was for the scanner alone, with its first cluster and a rule behind."""
    ending = "\r\n" if "\r\n" in text else "\n"
    block = _CLUSTERS.format(cluster=_entry(cluster, url, "  ", "\n"), rule=RULE, name=_scalar(cluster))
    gap = b"" if text.endswith("\n") else ending.encode()
    after = data + gap + block.replace("\n", ending).encode("utf-8")
    config_reader.read(after, Path("/"), file)
    return after


def _entry(cluster: str, url: str | None, indent: str, ending: str) -> str:
    name = _scalar(cluster)
    if url is None:
        return f"{indent}{name}: {{}}{ending}"
    return f"{indent}{name}:{ending}{indent}  url: {_scalar(url)}{ending}"


def _scalar(text: str) -> str:
    # `no` is a cluster's name to us and a boolean to YAML; a URL may hold ` #`, which begins a comment.
    plain = resolve(text) is Kind.STR and not any(mark in text for mark in (" ", "#", "'", '"'))
    return text if plain else "'" + text.replace("'", "''") + "'"
