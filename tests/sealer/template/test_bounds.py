"""What a template may use: memory in a process of its own, steps and bytes as counted, threads side by side."""

from __future__ import annotations

import base64
import gc
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import re2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sealer import template
from sealer.documents.document import Template
from sealer.errors import TemplateRefused
from sealer.template import rendering
from sealer.template.language import nodes, stream
from sealer.template.language.parser import parse
from sealer.template.language.statements import Program
from sealer.template.limits import MAX_BYTES, MAX_ELEMENTS, MAX_KEPT, MAX_STEPS, Fault, Meter

MEGABYTES = 400
"""More than a process may take for any template: the limits of one render let values of some 200 MB stand at once."""

# In a child with a bound on its memory, where what fills it ends in MemoryError: nothing but a refusal may come out.
CHILD = """
import json, resource, sys
from sealer.errors import TemplateRefused
from sealer.template import functions, rendering
for name in functions.MODULES:
    functions.find(name)
rendering.render("k", '{{ regexFind "a" "a" }}{{ bcrypt "a" }}{{ (genCA "a" 1).Cert }}', {}, rendering.run())
bound = int(sys.argv[1]) << 20
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + bound, used + bound))
for text in json.load(sys.stdin):
    try:
        rendering.render("k", text, {"x": b"hello"}, rendering.run())
        said = ""
    except TemplateRefused as error:
        said = error.what
    except BaseException as error:
        said = "RAISED " + type(error).__name__
    print(json.dumps(said), flush=True)
"""

REFUSED = [
    '{{ repeat 1000000000 "abc" }}',
    '{{ range 10 }}{{ $x := repeat 1000000 "a" }}{{ end }}',
    '{{ $x := "a" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}',
    "{{ range until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}",
    '{{ printf "%9999999d" 1 }}',
    '{{ printf "%999999d" (until 100000) }}',
    '{{ printf "%.999999f" (list 1.5 1.5 (list 1.5 1.5) 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5) }}',
    '{{ printf (repeat 1000 "%999999[1]d") 1 }}',
    '{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}',
    '{{ define "a" }}{{ template "a" . }}{{ template "a" . }}{{ end }}{{ template "a" (until 1000) }}',
    "{{ $l := until 1000 }}{{ range 60 }}{{ $l = concat $l $l }}{{ end }}",
    "{{ $l := until 100000 }}{{ $m := list }}{{ range 10000 }}{{ $m = append $m (concat $l $l) }}{{ end }}",
    "{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}",
    "{{ $d := dict }}{{ range 300000 }}{{ $_ := set $d (toString .) (list 1 2 3) }}{{ end }}",
    '{{ $d := dict "a" 1 }}{{ range 60 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ deepCopy $d }}',
    "{{ $l := until 100000 }}{{ $m := dict }}{{ range 1000 }}{{ $_ := set $m (toString .) (rest $l) }}{{ end }}",
    "{{ until 2000000000 }}",
    "{{ untilStep 0 2000000000 1 }}",
    "{{ seq 2000000000 }}",
    "{{ range 1000 }}{{ $x := until 199999 }}{{ end }}",
    '{{ indent 1000000 (repeat 1000 "\\n") }}',
    '{{ nindent 2000000000 "a" }}',
    '{{ $x := repeat 100 "a" }}{{ range 100 }}{{ $x = b64enc $x }}{{ end }}',
    '{{ $x := "&" }}{{ range 100 }}{{ $x = html $x }}{{ $x = print $x $x }}{{ end }}',
    '{{ $x := "a" }}{{ range 100 }}{{ $x = toJson $x }}{{ end }}',
    '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ toJson $d }}',
    '{{ $d := dict }}{{ $_ := set $d "a" (list $d $d) }}{{ toPrettyJson $d }}',
    '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ printf "%v" $d }}',
    '{{ fromJson (repeat 1000000 "[") }}',
    '{{ regexReplaceAll "" (repeat 1000000 "a") "bbbbbbbbbbbbb" }}',
    '{{ regexReplaceAll "a" (repeat 1000000 "a") "" }}',
    '{{ regexFindAll "" (repeat 1000000 "a") -1 }}',
    '{{ regexMatch "((a{100}){100}){100}" (repeat 1000000 "a") | ternary (fail "") (fail "") }}',
    '{{ regexMatch "(a?){1000}b" (repeat 1000000 "a") }}',
    '{{ splitList "" (repeat 1000000 "a") }}',
    '{{ join (repeat 1000000 "x") (until 1000) }}',
    '{{ replace "" (repeat 1000 "b") (repeat 100000 "a") }}',
    '{{ wrapWith 1 (repeat 1000 "b") (repeat 100000 "a") }}',
    '{{ toDate (repeat 500000 "Jan") (repeat 500000 "Jan") }}',
    "{{ randAlphaNum 2000000000 }}",
    "{{ randBytes 2000000000 }}",
    "{{ range 1000 }}{{ $x := bcrypt `x` }}{{ end }}",
    '{{ range 1000 }}{{ $x := derivePassword 1 "long" "p" "u" "s" }}{{ end }}',
    '{{ range 1000 }}{{ $x := genCA "a" 1 }}{{ end }}',
    '{{ genCA "a" 1000000000 }}',
    "{{ $x := 1 }}" * 100_000,
    '{{ define "a" }}{{ end }}' * 100_000,
    "{{ 1 " + "| print " * 100_000 + "}}",
    "{{ print " + "1 " * 100_000 + "}}",
    '{{ buildCustomCert (repeat 500000 "aaaa") (repeat 300000 "aaaa") }}',
]
RENDERED = [
    '{{ repeat 1000000 "a" }}',
    "{{ until 190000 | len }}",
    '{{ repeat 190000 "1," | printf "[%s1]" | fromJson | len }}',
    '{{ repeat 600000 "[]," | printf "[%s1]" | fromJson | len }}',
    '{{ $x := repeat 1000000 "aB" | camelcase }}',
    '{{ int (repeat 1000000 "9") }}',
    '{{ htpasswd "a" "b" }}{{ derivePassword 1 "long" "p" "u" "s" }}{{ (genCA "a" 1).Cert }}',
    "{{ mulf 1e300 1e300 1e-300 1e-300 }}",
    r'{{ regexMatch (repeat 4500 "\\pL") "" }}',
    r'{{ regexMatch (repeat 4500 "\\pL|") "" }}',
    '{{ regexMatch (repeat 4500 "a{1000}") "" }}',
    r'{{ regexMatch "\\pL{700}" "" }}{{ regexMatch "\\pL{300}x" "" }}{{ regexMatch "\\pL{300}y" "" }}',
    '{{ $x := repeat 300 (randAscii 30) }}{{ range until 60 }}{{ regexMatch (printf "[a-m].{12}%d$" .) $x }}{{ end }}',
]


def test_memory_is_bounded() -> None:
    texts = [*REFUSED, *RENDERED]
    command = [sys.executable, "-c", CHILD, str(MEGABYTES)]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) == len(texts), (texts[len(said)], done.stderr[-500:])
    assert [text for text, what in zip(texts, said, strict=True) if bool(what) is not (text in REFUSED)] == []
    raised = {text: what for text, what in zip(texts, said, strict=True) if "RAISED" in what or "can't handle" in what}
    assert raised == {}


def test_steps_are_counted_to_the_last() -> None:
    run = rendering.run()
    run.spend(MAX_STEPS)
    with pytest.raises(Fault, match="2,000,000 steps"):
        run.spend(1)


@pytest.mark.parametrize("function", ["snakecase", "kebabcase"])
def test_words_of_a_long_name_take_steps_before_they_are_sought(function: str) -> None:
    with pytest.raises(TemplateRefused, match=f"error calling {function}: takes more than 2,000,000 steps"):
        rendering.render("k", f'{{{{ {function} (repeat 1100000 "/") }}}}', {}, rendering.run())
    assert rendering.render("k", f'{{{{ {function} (repeat 400000 "a") | len }}}}', {}, rendering.run()) == b"400000"


@pytest.mark.parametrize("function", ["title", "untitle", "swapcase", "camelcase", "shuffle"])
def test_characters_of_a_long_text_take_steps_before_they_are_walked_over(function: str) -> None:
    run = rendering.run(random=lambda count: pytest.fail("walked over"))
    with pytest.raises(TemplateRefused, match=f"error calling {function}: takes more than 2,000,000 steps"):
        rendering.render("k", f"{{{{ {function} .x }}}}", {"x": b"\xff" * MAX_BYTES}, run)
    assert (
        rendering.render("k", f"{{{{ {function} .x | len }}}}", {"x": b"a" * 1_000_000}, rendering.run()) == b"1000000"
    )


def test_bytes_are_counted_to_the_last() -> None:
    run = rendering.run()
    run.grow(MAX_BYTES)
    with pytest.raises(Fault, match="4 MiB"):
        run.grow(1)


def test_elements_are_counted_to_the_last() -> None:
    meter = Meter()
    meter.take(MAX_ELEMENTS)
    with pytest.raises(Fault, match="200,000 elements"):
        meter.take()


def test_what_is_written_counts_as_well_as_what_is_made() -> None:
    half = 'x{{ $x := repeat 1000000 "a" }}{{ $x }}'
    assert len(rendering.render("k", half, {}, rendering.run())) == 1_000_001
    with pytest.raises(TemplateRefused, match="makes more than 4 MiB"):
        rendering.render("k", half + "{{ $x }}{{ $x }}{{ $x }}", {}, rendering.run())


def test_a_run_holds_for_all_that_is_rendered_with_it() -> None:
    run = rendering.run()
    text = '{{ range 4 }}{{ $x := repeat 300000 "a" }}{{ end }}'
    for _ in range(3):
        rendering.render("k", text, {}, run)
    with pytest.raises(TemplateRefused, match="makes more than 4 MiB"):
        rendering.render("k", text, {}, run)
    rendering.render("k", text, {}, rendering.run())


def test_threads_render_one_parsed_template_by_themselves() -> None:
    text = (
        '{{ define "t" }}<{{ range $i, $e := . }}{{ if eq $e "3" }}{{ continue }}{{ end }}'
        "{{ $i }}{{ $e }}{{ end }}>{{ end }}"
        '{{ $n := .n }}{{ $d := dict }}{{ range until 200 }}{{ $_ := set $d (printf "%03d" .) $n }}{{ end }}'
        '{{ template "t" (splitList "," "1,2,3,4") }}{{ $n }}{{ toJson $d | sha256sum }}{{ $x := repeat 600000 $n }}'
    )

    def rendered(number: int) -> bytes:
        return rendering.render("k", text, {"n": b"%04d" % number}, rendering.run())

    rendering.forget()
    with ThreadPoolExecutor(8) as pool:
        # Each makes more than half of what one may: limits that were shared would refuse all but one.
        together = list(pool.map(rendered, range(64)))
    assert together == [rendered(number) for number in range(64)]
    assert len(set(together)) == 64


PATTERNS = '{{ range $i := until 100000 }}{{ $x := regexMatch (printf "PATTERN%d" $i) "" }}{{ end }}'


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        (r"\\pL{300}x", 3),
        (r"\\pL{1000}x", 20),
        ("(", 20),
        (r"(?i)[" + r"\\PL" * 500 + "]", 10),
        ("(?:" + "a{1000}" * 500 + ")", 10),
    ],
    ids=["large", "refused late", "refused at once", "classes", "repetitions"],
)
def test_patterns_take_steps_for_what_compiling_them_takes(
    pattern: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []
    compiled = re2.compile

    def counted(text: bytes, options: re2.Options) -> Any:
        made.append(text)
        return compiled(text, options)

    monkeypatch.setattr(re2, "compile", counted)
    for _ in range(2):
        made.clear()
        with pytest.raises(TemplateRefused, match="error calling regexMatch: takes more than 2,000,000 steps"):
            rendering.render("k", PATTERNS.replace("PATTERN", pattern), {}, rendering.run())
        assert 0 < len(made) <= most, "and as many when another render has compiled them before"


@pytest.mark.parametrize(
    "text",
    [
        r'{{ range 20000 }}{{ $x := regexMatch "^[a-z]+(-[a-z0-9]+){1,5}$" "my-name-1" }}{{ end }}',
        r'{{ range 5000 }}{{ $x := regexReplaceAll "\\pL+" "a b" "c" }}{{ end }}',
        r'{{ range 20000 }}{{ $x := regexMatch "no pattern (" "a" }}{{ end }}',
        r'{{ range until 4000 }}{{ $x := regexFind (printf "^key%d=(.*)$" .) "key7=x" }}{{ end }}',
    ],
)
def test_ordinary_patterns_in_a_loop_are_far_from_the_limit(text: str) -> None:
    run = rendering.run()
    rendering.render("k", text, {}, run)
    run.spend(MAX_STEPS // 2)


def test_patterns_are_kept_in_no_other_place_than_a_render() -> None:
    kept = re2._Regexp._make.cache_info
    rendering.render("k", '{{ regexMatch "a+" "a" }}{{ regexMatch "(" "a" }}', {}, rendering.run())
    assert kept().currsize == 0


def test_a_run_keeps_what_it_made_last() -> None:
    run, made = rendering.run(), list[int]()
    for number in [*range(MAX_KEPT), 0, MAX_KEPT, 0, 1]:
        run.keep(number, partial(made.append, number))
    assert made == [*range(MAX_KEPT), MAX_KEPT, 1]


def _pem(bits: int) -> str:
    key = rsa.generate_private_key(65537, bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The keys that are loaded and proven."""
    found: list[bytes] = []
    load = serialization.load_pem_private_key

    def counted(pem: bytes, password: None, **words: bool) -> Any:
        if not words:
            found.append(pem)
        return load(pem, password, **words)

    monkeypatch.setattr(serialization, "load_pem_private_key", counted)
    return found


def test_a_key_is_loaded_once_and_each_signature_takes_steps(loaded: list[bytes]) -> None:
    values = {"key": _pem(4096).encode()}
    text = '{{ range COUNT }}{{ $x := genSelfSignedCertWithKey "a" nil nil 1 $.key }}{{ end }}'
    rendering.render("k", text.replace("COUNT", "50"), values, rendering.run())
    with pytest.raises(TemplateRefused, match="takes more than 2,000,000 steps"):
        rendering.render("k", text.replace("COUNT", "200"), values, rendering.run())
    assert len(loaded) == 2, "once in each render"


def test_each_other_key_takes_steps(loaded: list[bytes]) -> None:
    text = '{{ range until 1000 }}{{ $x := genCAWithKey "a" 1 (printf "%d\\n%s" . $.key) }}{{ end }}'
    with pytest.raises(TemplateRefused, match="takes more than 2,000,000 steps"):
        rendering.render("k", text, {"key": _pem(4096).encode()}, rendering.run())
    assert 0 < len(loaded) < 5


def test_a_key_whose_prime_takes_seconds_to_prove_is_refused_unproven(loaded: list[bytes]) -> None:
    def number(value: int) -> bytes:
        return _der(2, value.to_bytes(value.bit_length() // 8 + 1))

    def _der(kind: int, data: bytes) -> bytes:
        size = len(data).to_bytes(2)
        return bytes([kind, 0x82]) + size + data if len(data) > 127 else bytes([kind, len(data)]) + data

    p, q = 2**4423 - 1, 2**127 - 1
    numbers = [0, p * q, 65537, 3, p, q, 1, 1, 1]
    body = base64.encodebytes(_der(0x30, b"".join(map(number, numbers))))
    kind = b"RSA " + b"PRIVATE KEY-----\n"
    values = {"key": b"-----BEGIN " + kind + body + b"-----END " + kind}
    with pytest.raises(TemplateRefused, match="error calling genCAWithKey: takes more than 2,000,000 steps"):
        rendering.render("k", '{{ genCAWithKey "a" 1 .key }}', values, rendering.run())
    assert loaded == []


def _alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(each, kind) for each in gc.get_objects())


def test_only_short_templates_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counted(item: str, text: str, *words: Any) -> nodes.Tree:
        parsed.append(text)
        return parse(item, text, *words)

    monkeypatch.setattr(rendering, "parse", counted)
    rendering.forget()
    before = _alive(nodes.Tree), _alive(Program)
    for number in range(3):
        rendering.render("k", f"{number}" + "{{ 1 }}" * 1_000, {}, rendering.run())
    assert len(parsed) == 3, "each is parsed once"
    assert (_alive(nodes.Tree), _alive(Program)) == before
    for _ in range(3):
        rendering.render("k", "{{ 1 }}", {}, rendering.run())
    assert parsed[3:] == ["{{ 1 }}"]
    for number in range(200):
        rendering.compiled("k", f"{number}" + "{{ 1 }}")
    assert _alive(nodes.Tree) < before[0] + 100
    rendering.forget()


@pytest.mark.parametrize("length", [100, 1_000], ids=["short ones", "long ones"])
def test_templates_of_one_document_share_their_tokens(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stream.MAX_TOKENS == 50_000
    monkeypatch.setattr(stream, "MAX_TOKENS", 20_000)
    # Five tokens each, text, and one at the end.
    text = "{{ 1 }}" * length
    count = 20_000 // (5 * length + 2)
    data = {f"k{number:05}": text + f"{number:5}" for number in range(count + 1)}
    few = Template(data=dict(list(data.items())[: count - 1]))
    template.check(few)
    assert len(template.render(few, {})) == count - 1
    assert not template.draws(few)
    many = Template(data=data)
    last = rf"item k{count:05}, line 1, column \d+: has more than 20,000 parts"
    for refused in (lambda: template.check(many), lambda: template.render(many, {}), lambda: template.draws(many)):
        with pytest.raises(TemplateRefused, match=last):
            refused()
    assert [item for item, _ in template.refused(many)] == [f"k{count:05}"]
    template.check(many, only=f"k{count:05}")


def test_templates_that_are_refused_take_of_what_the_others_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_TOKENS", 20_000)
    bad = "{{ 1 }}" * 500 + "{{ end }}"
    many = Template(data={f"k{number:05}": bad for number in range(10)} | {"z": "{{ 1 }}"})
    said = {item: error.what for item, error in template.refused(many)}
    assert "unexpected end" in said["k00000"]
    assert "20,000 parts" in said["z"]
