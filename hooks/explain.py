"""`sealer scan explain`: what a rule looks for, in words, how to revoke what it finds, and how to accept it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hooks.options import Parser
from hooks.rule import ERROR
from sealer import console
from sealer.errors import UsageError

if TYPE_CHECKING:
    from hooks.engine.spec import Spec
    from hooks.rule import Rule

_EPILOG = """\
Examples:
  sealer-scan explain
  sealer-scan explain stripe
  sealer-scan explain kubernetes-secret"""

# Rules that need code of their own, and whose description leaves something to say.
_WORDS = {
    "kubernetes-secret": "A value under `data` or `stringData` of a Secret, in YAML, JSON, a List or a template."
    " Sealed, encrypted (SOPS), referenced, templated and empty values are none.",
    "kustomize-secret": "A value among the `literals` of a `secretGenerator` of kustomize.",
    "private-key": "A PEM block of any kind, a file of PuTTY or an age identity whose body has the entropy of a key;"
    " also in one line, with escapes, or in base64. A header alone is none.",
    "encrypted-private-key": "A private key as above whose body is under a passphrase. It only warns.",
    "env-file": "A line of a `.env` file whose name says that it is a credential, or whose value is one. Settings,"
    " public names and files made to be copied (.env.example) are none.",
}
_BY_NAME = (
    "A literal beside a name that says what it is, in code, configuration or prose. Placeholders, references,"
    " templates, hashes and words are none."
)
_SHORTEST_WORD = 3


@dataclass(frozen=True, slots=True)
class Known:
    """A rule, and its file's words for it where it has one."""

    rule: Rule
    spec: Spec | None = None


def main(argv: Sequence[str]) -> int:
    """The command; the exit code comes back."""
    options = _parser().parse_args(argv)
    return console.run(lambda: _run(options.rule))


def known() -> dict[str, Known]:
    """Every rule by its id, in order: our own, and those of this repository."""
    from hooks import credential, engine, rule
    from hooks.engine import examples, pack

    found = {one.id: Known(one) for one in rule.RULES.values()}
    found |= {one.id: Known(one) for one in vars(credential).values() if isinstance(one, rule.Rule)}
    ours = engine.rule_files(engine.RULES)
    specs = pack.load([*ours, *engine.rule_files(engine.custom())], outlined=frozenset(ours))
    examples.check(engine.own(specs))
    for spec in specs:
        found[spec.id] = Known(rule.Rule(spec.id, spec.description, spec.severity, spec.remediation), spec)
    return dict(sorted(found.items()))


def check_ids(ids: Sequence[str]) -> None:
    """Raises UsageError if one of these is the id of no rule, since nothing would be found then."""
    from hooks import scanner

    names = {*known(), *(scanner.extra.ids() if scanner.extra else ())}
    for name in ids:
        if name not in names:
            like = ", ".join(nearest(name, sorted(names)))
            raise UsageError("--rule names no rule", way_out=f"one of these: {like}" if like else "sealer-scan explain")


def nearest(name: str, names: Sequence[str]) -> list[str]:
    """Names that are like one, or that hold it; the best first."""
    import difflib

    holding = [one for one in names if name and name in one]
    close = difflib.get_close_matches(name, names, n=5, cutoff=0.5)
    return list(dict.fromkeys([*holding[:5], *close]))[:5]


def _run(name: str | None) -> int:
    rules = known()
    if name is None:
        _list(list(rules.values()))
        console.out(f"{len(rules)} rules; one of them: sealer scan explain RULE; those with a word: explain WORD")
        return console.OK
    if name not in rules and (found := _with_word(name, rules)):
        _list(found)
        console.out(f"{len(found)} of {len(rules)} rules; one of them: sealer scan explain RULE")
        return console.OK
    if name not in rules:
        like = ", ".join(nearest(name, list(rules)))
        raise UsageError("no rule has this id", way_out=f"one of these: {like}" if like else "sealer scan explain")
    for line in explained(rules[name]):
        console.out(line)
    return console.OK


def _with_word(word: str, rules: dict[str, Known]) -> list[Known]:
    """The rules that have a word in their id or in what they say of themselves."""
    if len(word) < _SHORTEST_WORD:
        return []
    word = word.lower()
    return [one for one in rules.values() if word in f"{one.rule.id} {one.rule.description.lower()}"]


def _list(rules: Sequence[Known]) -> None:
    width = max(len(one.rule.id) for one in rules)
    for one in rules:
        warns = "" if one.rule.severity == ERROR else " (warning)"
        console.out(f"{one.rule.id:<{width}}  {one.rule.description}{warns}")


def explained(one: Known) -> Iterator[str]:
    """What is said of a rule, line by line."""
    from hooks.report import remedy
    from sealer.report import wrapped

    name = one.rule.id
    warns = "warning: shown, and fails with --strict alone" if one.rule.severity != ERROR else ERROR
    yield f"{name}  {warns}"
    yield from wrapped(f"{one.rule.description[:1].upper()}{one.rule.description[1:]}.")
    yield ""
    yield "What is found"
    for text in _matched(one):
        yield from wrapped(text)
    yield ""
    yield "How to revoke it"
    for _, text in remedy(one.rule) or [("", "Change the value where it is used; what was in Git is known to others.")]:
        yield from wrapped(text)
    yield ""
    yield "How to accept one"
    yield f"  here       end the line with  # sealer:allow {name} REASON"
    yield f"  by value   sealer scan baseline --rule {name} --reason TEXT"
    yield f"  all        in .sealer.yaml:  scan: {{disable: [{name}]}}"


def _matched(one: Known) -> Iterator[str]:
    from hooks.engine.template import in_words

    spec = one.spec
    if spec is None:
        yield _WORDS.get(one.rule.id, _BY_NAME)
        return
    yield "A text like one of these, of that form:" if spec.found else "A text of the form that its file has."
    for example in spec.found[:4]:
        yield f"  {in_words(example.text)}" + (f"  (in {example.path})" if example.path else "")
    if spec.passed:
        yield "But none like these:"
        for example in spec.passed[:3]:
            yield f"  {in_words(example.text)}"
    if spec.entropy:
        yield f"It has at least {spec.entropy:g} bits of entropy a character."
    if spec.checksum:
        from hooks.engine.checksum import ONLY_A_SUM

        if spec.checksum in ONLY_A_SUM:
            yield f"One whose checksum is wrong ({spec.checksum}) is a warning: it was not issued as it stands."
        else:
            yield f"Its checksum or inner form has to be right ({spec.checksum})."
    if spec.only:
        yield f"Only in {', '.join(spec.only)}."
    if spec.never:
        yield f"Not in {', '.join(spec.never)}."
    from hooks.engine import RULES

    if spec.file and not os.path.abspath(spec.file).startswith(RULES):
        yield f"Its rule is in {spec.file}:{spec.line}."


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="sealer-scan explain",
        description="What a rule looks for, and what to do about what it finds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("rule", metavar="RULE", nargs="?", help="the id of a rule, or a word in some; none: all")
    return parser
