"""A longer run than the tests make: coverage leads templates through lexer, parser, evaluator and functions.

    make fuzz              # installs atheris, and runs the scanner's and this one, one after the other
    python -m tests.sealer.template.fuzz_atheris [FOLDER-OF-INPUTS] -max_total_time=600 -rss_limit_mb=4096

What it holds: a text renders or is refused by TemplateRefused, and what Python would print of the refusal holds no part
of the item that the template reads. The first byte of an input says how the rest is read: as the text itself, or as
numbers of words of the language, since random bytes rarely make the call of a function. An input that breaks a rule is
written to `crash-*`; to run one again, name it in place of the folder.
"""

from __future__ import annotations

import random
import sys
import traceback
from collections.abc import Sequence

from sealer.errors import TemplateRefused

VALUE = "q7Zt1Xw9Kd3Vn5Rb8Ym2Lc4H"
PART = 8
"""So many characters of the value, one after another, would show it."""
STEPS = 20_000
"""A hundredth of what a render may take: most of what can happen does so before."""
ITEMS = {"v": VALUE.encode(), "e": b"", "b": b"\xff\0a", "n": b"12", "j": b'{"a":[1,2.5,null,{"b":"c"}]}'}
WORDS = r"""{{ ¦{{- ¦ }}¦ -}}¦(¦)¦ := ¦ = ¦ | ¦, ¦. ¦.v ¦.v.x ¦.e ¦.b ¦.n ¦.j ¦$ ¦$x ¦$x := ¦$i, $x := ¦$.v ¦nil ¦true ¦
0 ¦-1 ¦3 ¦2.5 ¦1e300 ¦0x1p-2 ¦1i ¦'a' ¦9223372036854775807 ¦"" ¦"a" ¦"v" ¦"@" ¦"," ¦`a,b` ¦"%v" ¦
"%#v" ¦"%+q" ¦"%08.3f" ¦"%-*d" ¦"%[2]x" ¦"2006-01-02" ¦
"Mon Jan _2 15:04:05.000 MST" ¦"1.2.3-a+b" ¦"^1 - 2 || >3" ¦"(a|b)*?" ¦"$1" ¦
"1h2m" ¦"UTC" ¦"http://a:b@c/d?e#f" ¦if ¦else ¦else if ¦range ¦with ¦end ¦break ¦continue ¦define "a" ¦block "a" ¦
template "a" ¦é¦/* a */¦.Unix ¦.Format ¦.AddDate ¦.Month ¦.Major ¦.IncPatch ¦._0 ¦{{ range ¦{{ end }}¦{{ if ¦
{{ with ¦{{ else }}¦{{ define "a" }}¦{{ $x := ¦{{ template "a" . }}""".replace("\n", "").split("¦")
_SLOW = frozenset(("bcrypt", "htpasswd", "derivePassword", "genPrivateKey"))
"""Left out, with all that draw keys of certificates: another's code, a thousand times as slow as the rest."""
_FILLING = 200
"""Words that an input may pick."""


def main() -> int:
    """Run until the time is over, or something is found."""
    try:
        import atheris  # type: ignore[import-not-found]
    except ImportError:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["sealer.template"]):
        from sealer.template import functions, references, rendering
        from sealer.template.limits import MAX_STEPS, Run

        for name in functions.MODULES:  # each module is imported when it is first asked for
            functions.find(name)
    words = [*WORDS, *(f"{name} " for name in sorted(functions.MODULES) if _fast(name))]

    def one(data: bytes) -> None:
        text = _text(data, words)
        run = Run(lambda: 1_700_000_000 * 10**9, lambda count: random.Random(count).randbytes(count))
        run.spend(MAX_STEPS - STEPS)
        try:
            rendering.render("k", text, ITEMS, run)
        except TemplateRefused as error:
            _check(error)
        else:
            list(references.references(rendering.parsed("k", text)))
            rendering.draws("k", text)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
    return 0


def _fast(name: str) -> bool:
    return name not in _SLOW and "Cert" not in name and "CA" not in name


def _text(data: bytes, words: Sequence[str]) -> str:
    if data[:1] < b"\x40":
        # The value stands where a template reads it, not in the text: names are told.
        return data[1:].decode("utf-8", "replace").replace(VALUE[:PART], "")
    picked = (int.from_bytes(data[at : at + 2]) % len(words) for at in range(1, min(len(data), 2 * _FILLING), 2))
    return "".join(words[number] for number in picked).replace("@", VALUE)


def _check(error: TemplateRefused) -> None:
    told = "".join(traceback.format_exception(error)) + repr(error) + str(error.way_out) + repr(error.args)
    low = told.lower()
    parts = {VALUE[at : at + PART].lower() for at in range(len(VALUE) - PART + 1)}
    if any(part in low or part[::-1] in low for part in parts):
        raise AssertionError("a refusal shows the value")


if __name__ == "__main__":
    sys.exit(main())
