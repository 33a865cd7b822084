"""`--fix`: seals in the work tree what can be sealed there, and says what can't. It never stages: that is a person's.

Manifests are sealed in place. A `.env` file has no namespace and no name, which nobody may guess: it is sealed only
into the file that `--to` names, and stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hooks.dotenv import is_env_file
from hooks.rule import ENV_FILE
from sealer import console
from sealer.errors import SealerError, UsageError
from sealer.report import count
from sealer.shell import quote

if TYPE_CHECKING:
    from hooks.finding import Finding


def fix(findings: Sequence[Finding], to: str | None = None, *, staged: bool = False) -> list[Finding]:
    """Seal each file that can be; the findings that are left. What fails is reported, the others go on.

    What is staged still holds the values, so that nothing of it is done.
    """
    written = []
    for path in dict.fromkeys(one.path for one in findings if one.sealable):
        try:
            if not os.path.isfile(path):
                way_out = f"git restore {quote(path)}"
                raise SealerError("is staged, but not in the work tree", where=path, way_out=way_out)
            _seal([path], in_place=True)
            written.append(path)
        except SealerError as error:
            console.report(_for_fix(error, path))
    sealed = set(written)
    # Of an environment file all is sealed, whatever rule found a value in it.
    env = list(dict.fromkeys(one.path for one in findings if _is_env(one)))
    if to is not None and not env:
        console.warn(f"--to {console.line(quote(to))} was not needed: no .env file holds a finding")
    elif to is not None:
        try:
            _seal_env(env, to)
            written.append(to)
        except SealerError as error:
            console.report(error)
    elif env:
        said = (
            f"to seal {console.line(quote(env[0]))}: sealer-scan --fix --to secrets/NAMESPACE/NAME.yaml {quote(env[0])}"
        )
        console.note(said)
    left = sum(not one.sealable and one.path not in env for one in findings)
    if left:
        console.note(f"{count(left, 'finding')} can't be sealed by --fix: see what is said to each")
    if written:
        still = "what is staged still holds the values" if staged else "nothing was staged"
        console.note(f"{still}; look at it, then: git add {' '.join(map(quote, written))}")
    return list(findings) if staged else [one for one in findings if not (one.sealable and one.path in sealed)]


def _is_env(one: Finding) -> bool:
    return one.rule.id == ENV_FILE.id or ("!" not in one.path and is_env_file(one.path))


def _for_fix(error: SealerError, path: str) -> SealerError:
    """An error of `sealer seal`, whose options --fix does not have, with the command that has them."""
    if "--" not in error.way_out or error.way_out.startswith("sealer"):
        return error
    option = error.way_out.partition("--")[2].partition(";")[0].strip()
    way_out = f"sealer seal --in-place --{option} {quote(path)}"
    return SealerError(error.what, where=error.where, way_out=way_out)


def _seal_env(paths: Sequence[str], to: str) -> None:
    if len(paths) > 1:
        raise UsageError(f"--to names one file, and {len(paths)} .env files hold values", way_out="name a PATH as well")
    _seal([], output=to, env=(paths[0],))
    name = quote(paths[0])
    console.note(f"{console.path(paths[0])} still holds the values: git rm --cached {name}, and name it in .gitignore")


def _seal(paths: list[str], *, output: str | None = None, in_place: bool = False, env: tuple[str, ...] = ()) -> None:
    from sealer.commands import seal
    from sealer.sealing.targets import Flags

    with contextlib.redirect_stdout(sys.stderr):  # stdout has the report
        seal.run(
            paths,
            output=output,
            in_place=in_place,
            merge=False,
            items=seal.Items(env),
            format=None,
            allow_empty=False,
            flags=Flags.of(None, None, None, None, None, None),
        )
