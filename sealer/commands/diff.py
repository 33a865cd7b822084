"""`sealer diff [REV | A..B | A...B] [PATH...]`: which sealed items changed between two revisions; no key, no value.

One revision is compared with the work tree, with new files that Git doesn't track yet. Clusters and keys are named by
the `.sealer.yaml` and the bundles of the work tree, also for old revisions.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import console, git
from sealer.checking import candidates
from sealer.comparing import revisions
from sealer.emit import emit, refuse_format
from sealer.errors import UsageError
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.comparing.compare import Difference
    from sealer.comparing.revisions import Span
    from sealer.documents.document import Document, SealedSecret


def run(args: Sequence[str], *, format: str = "text", output: str | None = None) -> int:  # noqa: A002  # option's name
    """Report what changed: 0, whether anything did or not; 2 if a file of the new side can't be read."""
    from sealer.comparing import compare_report

    refuse_format(output)
    here = Path.cwd()
    text, paths = _arguments(here, args)
    between = revisions.span(here, text)
    differences, unread = _differences(here, between, paths)
    emit(compare_report.FORMATS[format](compare_report.Report(between.old, between.new, differences)), output)
    if not differences:
        sides = f"from {text}" if between.new is None else f"in {text}"
        console.note(f"no sealed secret differs {sides}")
    return console.CANNOT_TELL if unread else console.OK


def _arguments(here: Path, args: Sequence[str]) -> tuple[str, list[Path]]:
    """The revisions (HEAD, if none is named) and the paths. Raises UsageError where a word could be either."""
    if not args:
        return "HEAD", []
    first, is_path = args[0], os.path.lexists(args[0])
    is_range = ".." in first and not is_path
    is_revision = is_range or _resolves(here, first)
    if is_revision and is_path and not first.startswith(("./", "../", "/")):
        raise UsageError(
            f"{first} is both a revision and a path",
            way_out=f"sealer diff {quote(f'./{first}')}; or sealer diff {quote(f'HEAD..{first}')}",
        )
    if not is_revision and not is_path and not _was_tracked(here, first):
        raise UsageError("the first argument is neither a revision nor a path", way_out="sealer diff --help")
    revision, rest = (first, args[1:]) if is_revision and not is_path else ("HEAD", args)
    return revision, [Path(path) for path in rest]


def _resolves(here: Path, text: str) -> bool:
    try:
        revisions.span(here, text)
    except UsageError:
        return False
    return True


def _was_tracked(here: Path, path: str) -> bool:
    """Whether HEAD has this path: a deleted file or folder can still be named."""
    try:
        return bool(git.run(here, "ls-tree", "-z", "HEAD", "--", path.rstrip("/"), literal=True))
    except git.NoRepository:  # before the first commit
        return False


def _differences(here: Path, between: Span, paths: Sequence[Path]) -> tuple[list[Difference], bool]:
    from sealer.checking.lint_setting import Settings
    from sealer.checking.moved import Origins
    from sealer.checking.recipients import clusters_of
    from sealer.comparing.compare import compare

    top = git.root(here)
    old: list[Document] = []
    new: list[Document] = []
    unread = False
    for change in revisions.changes(here, between, paths, candidates.SUFFIXES):
        shown = os.path.relpath(top / change.path, here)
        before, _ = _documents(change.old, shown, between.old[:7])
        after, complete = _documents(change.new, shown, (between.new or "")[:7])
        old += before if complete else _still_there(before, after)
        new += after
        unread = unread or not complete
    settings = Settings(datetime.now(UTC), Origins(()))

    def clusters(doc: SealedSecret) -> tuple[str, ...]:
        setting = settings.of(Path(doc.place.file).parent)
        return clusters_of(doc, setting.known, setting.config)

    return compare(old, new, clusters, settings.of(here).known.named), unread


def _still_there(before: Sequence[Document], after: Sequence[Document]) -> list[Document]:
    """Of a file that can't be read whole: what can be compared. The rest may be there, and is not called removed."""
    from sealer.documents.document import SealedSecret

    left = {(each.namespace, each.name) for each in after if isinstance(each, SealedSecret)}
    return [each for each in before if isinstance(each, SealedSecret) and (each.namespace, each.name) in left]


def _documents(data: bytes | None, path: str, revision: str) -> tuple[Sequence[Document], bool]:
    """The documents of one side of a file, and whether all of them could be read; says so if not."""
    from sealer.checking.lint import is_helm_template
    from sealer.documents.document import parse

    if data is None or not candidates.may_concern(data) or is_helm_template(data):
        return (), True
    file = parse(data, path)
    problems = file.problems if b"SealedSecret" in data else ()
    for problem in problems:
        console.warn(f"not compared: {problem}" + (f" (at {revision})" if revision else ""))
    return file.documents, not problems
