"""`sealer check`: offline and without a key, what would not open, what is not sealed as it should be, what is plain.

The work tree is judged, not the index: pre-commit stashes what is not staged, so that in a hook the two are the same.
YAML and cryptography cost more to import than a clean run takes, so that they are imported once a file needs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sealer import console
from sealer.checking import candidates, lint_report
from sealer.checking.lint_report import Explained, Report
from sealer.configuration import config
from sealer.emit import emit, refuse_format
from sealer.errors import SourceError


def run(
    paths: Sequence[str],
    *,
    explain: bool = False,
    format: str = "text",  # noqa: A002  # the option's name
    output: str | None = None,
) -> int:
    """Check and report; 1 if anything is an error, 2 if something could not be read."""
    refuse_format(output)
    report = examine(paths, explain=explain)
    emit(lint_report.FORMATS[format](report), output)
    if output is not None:
        console.note(report.counts)
    for path, message in report.unread.items():
        console.report(SourceError(message, where=path))
    if not paths and not report.files and not report.errors and _read(candidates.find(["."]))[0]:
        console.note("only files that Git tracks were looked at; for new ones too: sealer check .")
    return console.NO if report.errors else console.CANNOT_TELL if report.unread else console.OK


def examine(paths: Sequence[str], *, explain: bool = False, now: datetime | None = None) -> Report:
    """The report on these paths, or on everything. Raises SourceError for a path that isn't there."""
    to_come = [path for path in paths if explain and not os.path.lexists(path)]
    named = [path for path in paths if path not in to_come]
    found = candidates.find(named) if named or not paths else []
    contents, unread = _read(found)
    if not contents and not explain and not _has_config(found):
        return Report(unread=unread)
    explained = (found if paths else list(contents)) + to_come if explain else None
    return _judge(contents, unread, explained, [path for path in found if _is_config(path)], now or datetime.now(UTC))


def _read(paths: Sequence[str]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The bytes of files that may hold a Secret, and of the others why they could not be read."""
    contents: dict[str, bytes] = {}
    unread: dict[str, str] = {}
    for path in paths:
        try:
            data = candidates.read(path)
        except SourceError as error:
            unread[path] = error.what
            continue
        if data is not None and candidates.may_concern(data):
            contents[path] = data
    return contents, unread


def _has_config(found: Iterable[str]) -> bool:
    here = Path.cwd()
    return any((folder / config.NAME).is_file() for folder in (here, *here.parents)) or any(map(_is_config, found))


def _is_config(path: str) -> bool:
    return os.path.basename(path) == config.NAME


def _judge(
    contents: Mapping[str, bytes],
    unread: Mapping[str, str],
    explained: Sequence[str] | None,
    config_files: Iterable[str],
    now: datetime,
) -> Report:
    from sealer.checking import lint
    from sealer.checking.explain import explain
    from sealer.checking.lint_setting import Settings
    from sealer.checking.moved import Origins
    from sealer.documents.document import Other, SealedSecret, parse

    progress = console.progress(contents.items(), total=len(contents), doing="Checking")
    files = {path: parse(data, path) for path, data in progress}
    sealed = [each for file in files.values() for each in file.documents if isinstance(each, SealedSecret)]
    settings = Settings(now, Origins((each.namespace, each.name) for each in sealed))
    settings.of(Path.cwd())
    for path in config_files:
        settings.of(Path(path).parent)
    seen = lint.Seen()
    problems = [
        problem
        for path, file in files.items()
        for problem in lint.check_file(file, contents[path], settings.of(Path(path).parent), seen)
    ]
    reports: list[Explained] | None = None
    if explained is not None:
        reports = [
            explain(path, files.get(path), contents.get(path), settings.of(Path(path).parent)) for path in explained
        ]
    holding = sum(any(not isinstance(each, Other) for each in file.documents) for file in files.values())
    return Report(sorted([*settings.problems, *problems]), unread, reports, holding, len(sealed))
