"""`--fix`: seals in the work tree what `sealer seal --in-place` takes. It never runs `git add`: that is a person's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sealer import console
from sealer.errors import SealerError
from sealer.shell import quote

if TYPE_CHECKING:
    from hooks.finding import Finding


def fix(findings: Sequence[Finding]) -> list[str]:
    """Seal each file that can be; the files that were sealed. What fails is reported, the others go on."""
    from sealer.commands import seal
    from sealer.sealing.targets import Flags

    sealed = []
    for path in dict.fromkeys(one.path for one in findings if one.sealable):
        try:
            if not os.path.isfile(path):
                raise SealerError("is staged, but not in the work tree", where=path, way_out=f"git restore {path}")
            seal.run(
                [path],
                output=None,
                in_place=True,
                merge=False,
                items=seal.Items(),
                format=None,
                allow_empty=False,
                flags=Flags.of(None, None, None, None, None, None),
            )
            sealed.append(path)
        except SealerError as error:
            console.report(error)
    if sealed:
        console.note(f"nothing was staged; look at it, then: git add {' '.join(map(quote, sealed))}")
    return sealed
