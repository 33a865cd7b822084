"""Rule files, expressions, templates: what is read, what is refused and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import re2

from hooks.engine import checksum, pack, rule_files, shape, syntax, template
from hooks.engine.spec import assigned
from sealer.errors import DocumentError
from tests.hooks.engine.specs import FILES, SPECS

HEAD = "version: 1\nrules:\n  - id: demo-key\n    description: a key\n"


def refused(text: str) -> str:
    with pytest.raises(DocumentError) as caught:
        pack.parse(text.encode(), "r.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    pattern: '(a'\n", "r.yaml:5: rule demo-key: the pattern lacks a ')'"),
        ("    pattern: 'a*'\n", "r.yaml:5: rule demo-key: the pattern matches the empty text"),
        ("    pattern: '(?=a)b'\n", "r.yaml:5: rule demo-key: the pattern looks ahead, which RE2 can't"),
        ("    pattern: 'ab'\n    checksum: nope\n", "r.yaml:3: rule demo-key: there is no such checksum"),
        ("    pattern: 'ab'\n    color: red\n", "r.yaml:3: rules[0]: has a field that is not part of the format"),
        ("    pattern: 'ab'\n    keywords: [AB]\n", "r.yaml:6: rules[0].keywords[0]: is not of the form ^[^A-Z]+$"),
        ("    assigned: {names: [x_key], value: 'a)|(b'}\n", "r.yaml:5: rule demo-key: the pattern has a ')' wi"),
    ],
)
def test_what_is_refused_says_where(body: str, said: str) -> None:
    assert refused(HEAD + body).startswith(said)


def test_an_outline_is_all_of_a_rule_but_its_tree() -> None:
    outlined = pack.load(FILES, outlined=FILES)
    assert outlined == [replace(rule, tree=shape.EMPTY) for rule in SPECS]
    assert outlined != SPECS


def test_what_our_tests_have_checked_is_read_as_well() -> None:
    assert pack.load(FILES, checked=FILES) == SPECS


def test_an_assigned_rule_is_what_its_pattern_is() -> None:
    ours = [rule for rule in SPECS if rule.assigned]
    assert len(ours) > 100
    for rule in ours:
        whole = replace(rule, tree=pack.read(rule.pattern))
        assert (rule.group, rule.window, rule.rank) == (whole.group, whole.window, whole.rank)


@pytest.mark.parametrize(
    ("pattern", "begin"),
    [
        (r"\bsk_live_([0-9a-z]{24,99})\b", [rb"sk\x5flive\x5f[0-9a-z]{8}"]),
        (r"\bqz_([0-9a-z]{34})\b", [rb"\bqz\x5f[0-9a-z]{34}\b"]),
        (r"(?:abcd|xyzw)=[0-9]{3}-[0-9]{9}x", [rb"(?:abcd|xyzw)\x3d[0-9]{3}\x2d[0-9]{5}"]),
        (r"abcde(?:[a-z]{2}[0-9]){4}", [rb"abcde(?:[a-z]{2}[0-9]){4}"]),
        (r"abcde[a-z]+x[0-9]{9}", [rb"abcde[a-z]+x[0-9]{9}"]),
    ],
)
def test_of_a_form_as_much_is_looked_for_as_tells_it(pattern: str, begin: list[bytes]) -> None:
    (rule,) = pack.parse((HEAD + f"    pattern: '{pattern}'\n").encode(), "r.yaml")
    assert list(rule.expressions()) == begin


def test_each_name_is_looked_for_by_itself() -> None:
    body = "    assigned: {names: [demo_key, ab], value: '[a-f0-9]{32}'}\n"
    (rule,) = pack.parse((HEAD + body).encode(), "r.yaml")
    assert rule.expressions() == (
        rb"[Dd][Ee][Mm][Oo]\x5f[Kk][Ee][Yy]",
        rb"(?:\b|\x5f)[Aa][Bb]",
    )


def test_ids_are_unique_over_files(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(HEAD + "    pattern: 'ab'\n")
    with pytest.raises(DocumentError, match=r"rule demo-key is in .*a\.yaml:3 already"):
        pack.load(rule_files(str(tmp_path)))


def test_a_rule_as_it_is_read() -> None:
    body = (
        "    pattern: 'k(?:_)(?P<x>a)(?P<value>[0-9]{4,8})'\n    examples:\n      true: [a]\n      false:\n      - b\n"
    )
    (rule,) = pack.parse((HEAD + body).encode(), "r.yaml")
    assert (rule.group, rule.window, rule.line) == (2, 11, 3)
    assert rule.expressions() == (rb"k\x5fa[0-9]{4}",)
    assert [one.text for one in (*rule.found, *rule.passed)] == ["a", "b"]


PATTERNS = [
    r"a|bc",
    r"(?i)sk_[a-z]{2,4}\b",
    r"\Aab?$",
    r"(?m)^x=([^\n]+?)$",
    r"[[:alpha:]]\d\s\S\W",
    r"[^\x00-\x1f\-\]a-c]{2}\.",
    r"(?s:.)b(?i:C)d{2}",
    r"\Qa.b\E+c",
    r"x{,3}y{2,}z",
    r"a(?:|b){1,3}c",
    r"(?:a(?i)b|B)c",
]
TEXTS = ["ab", "bc", "sk_abc SK_xyz1 sk_ab", "x=1\nx=22\r\n", "a1 b-", "~~.", "\nbCdd", "a.b.bc", "a.bbc", "x{,3}yyz"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_rendered_expression_means_the_same(pattern: str) -> None:
    """RE2 finds the same with the expression as it is given and as it is written for vectorscan."""
    tree = syntax.parse(pattern)
    latin = re2.Options()
    latin.encoding = re2.Options.Encoding.LATIN1
    given, rendered = re2.compile(pattern.encode(), latin), re2.compile(shape.render(tree), latin)
    least, most = shape.width(tree)
    for text in (*map(str.encode, TEXTS), b"".join(map(str.encode, TEXTS)), bytes(range(256)) * 2):
        assert bool(given.search(text)) == bool(rendered.search(text))
        for match in given.finditer(text):
            assert least <= len(match[0]) <= (most or len(text))
    re2.compile(shape.render(shape.trimmed(tree)), latin)


@pytest.mark.parametrize(
    ("pattern", "keywords", "held"),
    [
        (r"\b(sk|rk)_live_[a-z]{9}", ["sk_live_", "rk_live_"], True),
        (r"\b(sk|rk)_live_[a-z]{9}", ["sk_live_"], False),
        (r"(?i)data(?:dog)?[ _]key=x", ["data"], True),
        (r"(?i)data(?:dog)?[ _]key=x", ["datadog"], False),
        (r"(?:ab|[a-z]+)cd", ["abcd"], False),
        (r"[a-z]+(?:abcd){1,2}", ["abcd"], True),
    ],
)
def test_whether_a_keyword_is_in_every_match(pattern: str, keywords: list[str], held: bool) -> None:
    assert shape.holds(syntax.parse(pattern), keywords) is held


@pytest.mark.parametrize(
    "text",
    [
        "DEMO_KEY=@",
        'demo_key: "@"',
        '"demo_key": "@",',
        "os.environ['DEMO_KEY'] = '@'",
        "- name: DEMO_KEY\n  value: @\n",
        '<add key="demo_key" value="@"/>',
        "<demo_key>@</demo_key>",
        'demo_key := "@"',
        'val demo_key: String = "@"',
        '\\"demo_key\\":\\"@\\"',
        "setenv('DEMO_KEY', '@')",
    ],
)
def test_how_a_value_may_be_assigned(text: str) -> None:
    value = template.expand("{hex:32}", text)
    found = re2.search(assigned(["demo_key"], "[a-f0-9]{32}"), text.replace("@", value))
    assert found is not None
    assert found["value"] == value
    assert re2.search(assigned(["demo_key"], "[a-f0-9]{31}"), text.replace("@", value)) is None


def test_templates() -> None:
    text = template.expand("{{{alnum:12}}} {hex:4}-{uuid}", "seed")
    assert text == template.expand("{{{alnum:12}}} {hex:4}-{uuid}", "seed")
    assert text != template.expand("{{{alnum:12}}} {hex:4}-{uuid}", "another")
    assert (text[0], text[13], len(text)) == ("{", "}", 14 + 1 + 4 + 1 + 36)
    for wrong in ("{alnum}", "{nope:3}", "{", "a}"):
        with pytest.raises(template.TemplateError):
            template.expand(wrong, "seed")


FIELDS = {"wif": "base58check", "base58check": "base58check", "bech32": "bech32", "github": "github", "npm": "npm",
          "grafana": "grafana", "pypi": "pypi", "jwt": "jwt", "json": "json"}  # fmt: skip
PREFIXES = {"github": "ghp_", "npm": "npm_", "grafana": "glsa_", "pypi": "pypi-", "bech32": "nsec", "json": "ops_"}


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_a_checksum_fits_what_was_made_and_no_other(field: str) -> None:
    value = template.expand(f"{{{field}:{PREFIXES.get(field, '')}}}", "seed").encode()
    check = checksum.CHECKS[FIELDS[field]]
    assert check(value)
    assert not check(value[: len(value) // 2])
    assert not check(b"")
    if field not in ("jwt", "json", "pypi"):
        assert not check(value[:-1] + (b"2" if value[-1:] != b"2" else b"3"))


def test_checksums_as_their_vendors_publish_them() -> None:
    assert checksum.base62_crc(b"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == b"0mLq17"
    assert checksum.grafana_crc(b"glsa_" + b"yscW25imSKJIuav8zF37RZmnbiDvB05G") == b"fcaaf58a"
    assert checksum.bech32(b"A12UEL5L")
