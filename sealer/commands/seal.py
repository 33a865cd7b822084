"""`sealer seal`: Secret manifests, or items, into SealedSecrets (DESIGN section 11).

All inputs are read and sealed before the first file is written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sealer import console, files
from sealer.configuration import config
from sealer.documents import document
from sealer.documents.document import File, SealedSecret
from sealer.emit import refuse_format
from sealer.errors import SealerError, UsageError
from sealer.report import count, table, wrapped
from sealer.sealing import parallel, sealedfile, source
from sealer.sealing.manifests import Done, Input, Job, Output, Plain, Sealing
from sealer.sealing.resolver import Resolver
from sealer.sealing.sealedfile import Change
from sealer.sealing.source import Items
from sealer.sealing.targets import Flags, Said
from sealer.secret import Secret

__all__ = ["Items", "run"]

_STDIN = "-"


def run(
    sources: Sequence[str],
    *,
    output: str | None,
    in_place: bool,
    merge: bool,
    items: Items,
    format: str | None,  # noqa: A002  # the option's name
    allow_empty: bool,
    flags: Flags,
) -> int:
    """Seal everything that is named; each file is written once all could be sealed."""
    _check(sources, output, in_place=in_place, merge=merge, items=items, form=format)
    sealing = Sealing(Resolver(flags), allow_empty=allow_empty)
    inputs = [_of_items(items)] if items else _inputs(sources)
    path = Path(output) if output else None
    form = _form(format, path)
    outputs = _outputs(sealing, inputs, path, in_place=in_place, merge=merge, form=form)
    for text in sealing.resolver.warnings:
        console.warn(text)
    if in_place or path:
        sealedfile.write_all([Change(each.path, each.data) for each in outputs if each.path])
        _report(outputs, console.out, _in_history(outputs))
    else:
        console.out_bytes(_stream(outputs))
        _report(outputs, console.note, {})
    return console.OK


def _check(
    sources: Sequence[str], output: str | None, *, in_place: bool, merge: bool, items: Items, form: str | None
) -> None:
    """Refuse options that contradict each other, before anything is read."""
    refuse_format(output)
    from_stdin = not sources or _STDIN in sources
    if items and sources:
        raise UsageError("FILE and items (--from-file, --from-env-file) both say what to seal", way_out="choose one")
    if items.type is not None and not items:
        raise UsageError("--type is for a Secret made of items", way_out="add --from-file or --from-env-file")
    if in_place and (items or from_stdin):
        raise UsageError("--in-place needs files", way_out="sealer seal --in-place FILE...; or -o FILE")
    if in_place and output:
        raise UsageError("--in-place and -o both say where to write", way_out="leave one of them out")
    if in_place and form:
        raise UsageError("--in-place keeps each file's format", way_out="leave --format out")
    if merge and not output:
        raise UsageError("--merge keeps items of the file that -o names", way_out="add -o FILE")
    if output and len(sources) > 1:
        raise _several()
    for path in sources if in_place else ():
        files.refuse_special(path)


def _several() -> UsageError:
    return UsageError("several files can't go to one", way_out="sealer seal --in-place FILE...")


def _form(form: str | None, output: Path | None) -> str | None:
    """The format that is asked for, by option or by the ending of a new file."""
    if output is None:
        return form
    ending = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}.get(output.suffix.lower())
    if form and ending and form != ending:
        raise UsageError(f"--format says {form}, {output.name} says {ending}", way_out="leave --format out")
    return form or ending


def _of_items(items: Items) -> Input:
    # Name and namespace come from the flags and the rule; of this Secret only items and type count.
    secret = Secret("", None, items.read(), items.type or "Opaque")
    return Input("", None, b"", "yaml", (Plain(secret, Said("")),))


def _inputs(sources: Sequence[str]) -> list[Input]:
    """Every input, each once; of directories the files that hold a Secret in plaintext."""
    found: dict[str, Input] = {}
    for word in sources or (_STDIN,):
        if word == _STDIN:
            found[_STDIN] = _named(_stdin(), "stdin", None)
        elif os.path.isdir(word):
            found |= _directory(Path(word))
        else:
            found[os.path.realpath(word)] = _named(files.read(word), config.shown(word), Path(word))
    return list(found.values())


def _stdin() -> bytes:
    if source.at_terminal():
        console.note("reading a Secret manifest from the terminal, up to Ctrl-D")
    return source.stdin(files.MAX_DOCUMENT)


def _named(data: bytes, where: str, path: Path | None) -> Input:
    """An input that was named: to hold nothing to seal is an error, unless it is sealed already."""
    file = _readable(document.parse(data, where))
    given = Input.of(file, data, path)
    if given.secrets:
        return given
    if not any(isinstance(each, SealedSecret) for each in file.documents):
        raise UsageError("holds no Secret", where=where, way_out="name a file with a manifest of kind: Secret")
    console.note(f"{console.line(where)}: already sealed")
    return given


def _directory(top: Path) -> dict[str, Input]:
    found = {}
    for real, path in _walk(top):
        data = files.read(path)
        if b"Secret" not in data:  # spares parsing what can hold none
            continue
        file = document.parse(data, config.shown(path))
        if file.problems and b"{{" in data:
            console.warn(f"{file.path}: left out, looks like a template that Helm has yet to render")
            continue
        given = Input.of(_readable(file), data, path, empty=False)
        if given.secrets:
            found[real] = given
    if not found:
        console.note(f"{console.line(config.shown(top))}: nothing to seal")
    return found


def _readable(file: File) -> File:
    if file.problems:
        raise file.problems[0]
    return file


def _walk(top: Path) -> Iterator[tuple[str, Path]]:
    """Manifests below a directory, in order, with their real paths; what begins with a dot and links are left out."""
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        real = os.path.realpath(folder)
        for name in sorted(names):
            path = Path(folder, name)
            wanted = name.lower().endswith(sealedfile.ENDINGS) and not name.startswith(".")
            if wanted and path.is_file() and not path.is_symlink():
                yield os.path.join(real, name), path


def _outputs(
    sealing: Sealing, inputs: Sequence[Input], path: Path | None, *, in_place: bool, merge: bool, form: str | None
) -> list[Output]:
    """The new content of everything; nothing is written yet."""
    given = [each for each in inputs if each.secrets]
    if path is not None and len(given) > 1:  # of a directory: only now is it known how many hold a Secret
        raise _several()
    if path is not None and path.exists() and given:
        data, file = sealedfile.read(path)
        if data.strip():
            return [sealing.onto(given[0], path, data, file, merge=merge)]
    jobs = [sealing.job(each, each.path if in_place else path, form) for each in given]
    return list(console.progress(parallel.each(Job.output, jobs), total=len(jobs), doing="sealing"))


def _stream(outputs: Sequence[Output]) -> bytes:
    """Several files as one stream: JSON values behind each other, or YAML documents with `---` between them."""
    if all(each.format == "json" for each in outputs):
        return b"".join(each.data for each in outputs)
    parts = [each.data if each.data.endswith(b"\n") else each.data + b"\n" for each in outputs]
    return b"".join(part if i == 0 or part.startswith(b"---") else b"---\n" + part for i, part in enumerate(parts))


def _in_history(outputs: Sequence[Output]) -> Mapping[Path, str]:
    """Which of the files HEAD or the index hold in plaintext. Without Git nothing is said: sealing is done."""
    from sealer.checking.history import plaintext_in_history

    before = {each.before for each in outputs if each.before}

    def holds(data: bytes, path: str) -> bool:
        if data in before:  # the usual case: committed as it stood here
            return True
        from sealer.checking import lint

        return lint.holds_plaintext(data, path)

    try:
        return plaintext_in_history([each.path for each in outputs if each.path], holds=holds)
    except SealerError:
        return {}


def _report(outputs: Sequence[Output], say: Callable[[str], None], history: Mapping[Path, str]) -> None:
    done = [(each, one) for each in outputs for one in each.done]
    rows = [(f"sealed {one.title}", one.path, one.how) for _, one in done]
    for (output, one), lines in zip(done, table(rows), strict=True):
        say("\n".join([*lines, *wrapped(_contents(output, one))]))
        if output.path and output.path in history and one is output.done[-1]:
            console.note("\n".join(_exposed(output, history[output.path])))


def _contents(output: Output, one: Done) -> str:
    parts = [count(len(one.items), "item") + (f": {', '.join(one.items)}" if one.items else "")]
    if one.kept:
        parts.append(f"kept: {', '.join(one.kept)}")
    if one.dropped:
        parts.append(f"dropped: {', '.join(one.dropped)} (--merge keeps them)")
    if output.others:
        parts.append(f"{count(output.others, 'other document')} untouched")
    return "; ".join(parts)


def _exposed(output: Output, commit: str) -> list[str]:
    number = sum(len(one.items) for one in output.done)
    values = {1: "its value", 2: "both values"}.get(number, f"all {number:,} values")
    holder = f"commit {commit} holds" if commit else "the index of Git holds"
    lines = wrapped(f"warning: {holder} this file in plaintext: change {values}")
    return [lines[0].replace("warning:", console.style("warning:", "yellow", sys.stderr), 1), *lines[1:]]
