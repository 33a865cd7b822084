"""What a template may use: memory in a process of its own, steps and bytes as counted, threads side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sealer.errors import TemplateRefused
from sealer.template import rendering
from sealer.template.limits import MAX_BYTES, MAX_ELEMENTS, MAX_STEPS, Fault, Meter

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

    rendering.compiled.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        # Each makes more than half of what one may: limits that were shared would refuse all but one.
        together = list(pool.map(rendered, range(64)))
    assert together == [rendered(number) for number in range(64)]
    assert len(set(together)) == 64
