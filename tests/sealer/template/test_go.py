"""Every case beside Go's own text/template with Sprig: the same bytes, or refused by both, at the same place."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import random
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from inspect import isfunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sealer.errors import TemplateRefused
from sealer.template import functions, rendering
from sealer.template.language import call, expressions, nodes
from sealer.template.values import ANY, VALUE, Function, type_of

if TYPE_CHECKING:
    import pytest

    from sealer.template.limits import Run

CASES = Path(__file__).parent / "cases"
DATA = {
    "x": b"hello",
    "y": b"",
    "n": b"12",
    "u": "h\u00e9llo \u4e16".encode(),
    "b": b"\xff\x00a",
    "multi": b"a\nb\n",
    "json": b'{"a":[1,2.5,null,{"b":"c"}],"z":true}',
}
_NAME = re.compile(r"@([a-z]+)(2?)")
_PLACE = re.compile(r"^template: k:(\d+)")
SEED = 20261126
STAGES = ("upper", "quote", "len", "print", "toJson", 'printf "%v|%T"', "default 5", "not")
FUNCTIONS = [
    "eq",
    "lt",
    "and",
    "or",
    "add",
    "sub",
    "mul",
    "list",
    "dict",
    "print",
    "printf",
    "index",
    "upper",
    "repeat",
    "trunc",
    "join",
    "split",
    "contains",
    "ternary",
    "default",
    "first",
    "append",
    "has",
    "get",
    "set",
    "len",
    "html",
    "toJson",
    "int",
    "float64",
    "cat",
    "quote",
]
OPERANDS = (
    *([".x", ".y", ".n", ".u", ".missing", ".", "$", "$.x", "1", "-2", "3.5", "0", "true", "false", "nil"]),
    *('"a"', '"a,b"', "`r`", "(list 1 2)", '(dict "k" "v")'),
)


def asked(program: Path, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    feed = "\n".join(json.dumps(request) for request in requests)
    environment = {**os.environ, "TZ": "UTC"}
    done = subprocess.run([program], input=feed, capture_output=True, text=True, check=True, env=environment)
    return [json.loads(line) for line in done.stdout.splitlines()]


def differences(program: Path, templates: Sequence[str]) -> list[str]:
    """Each template that we render otherwise than Go, or refuse elsewhere."""
    data = {key: base64.b64encode(value).decode() for key, value in DATA.items()}
    requests = [{"op": "render", "name": "k", "template": text, "data": data} for text in templates]
    found: list[str] = []
    for text, answer in zip(templates, asked(program, requests), strict=True):
        theirs = base64.b64decode(answer["value"]) if "value" in answer else None
        try:
            ours, said = rendering.render("k", text, DATA, rendering.run()), ""
        except TemplateRefused as error:
            ours, said = None, error.what
        if ours != theirs:
            found.append(f"{text!r}: Go {theirs!r} {answer.get('refused', '')}, we {ours!r} {said}")
        elif ours is None and not _same_place(answer["refused"], said):
            found.append(f"{text!r}: Go {answer['refused']}, we {said}")
    return found


def _same_place(theirs: str, ours: str) -> bool:
    """The line: Go points to the node that it evaluated last, which may be another of the same action."""
    place = _PLACE.match(theirs)
    return place is None or place[1] == re.findall(r"line (\d+),", ours)[0]


def products() -> list[str]:
    cases: list[str] = []
    for filled, sample in _products():
        made = list(filled)
        cases += made[:: max(1, len(made) // sample) if sample else 1]
    return cases


def _products() -> Iterator[tuple[Iterator[str], int]]:
    """For each template and each of its functions what becomes of it, and how many of those are wanted: 0 for all."""
    spec = yaml.safe_load((CASES / "products.yaml").read_text())
    for group in spec["groups"]:
        for template, name in itertools.product(group["templates"], group.get("functions", "-").split()):
            yield _filled(template.replace("@function", name), spec["sets"]), group.get("sample", 0)


def constructs() -> list[str]:
    cases: list[str] = yaml.safe_load((CASES / "constructs.yaml").read_text())
    return cases


def cases_of_functions() -> dict[str, list[str]]:
    """The cases of functions.yaml by the function that each is of."""
    cases: dict[str, list[str]] = {}
    for names, templates in yaml.safe_load((CASES / "functions.yaml").read_text()).items():
        for name in names.split():
            cases.setdefault(name, []).extend(template.replace("@function", name) for template in templates)
    return cases


def _filled(template: str, sets: dict[str, list[str]]) -> Iterator[str]:
    names = list(dict.fromkeys(_NAME.findall(template)))
    for values in itertools.product(*(sets[name] for name, _ in names)):
        chosen = dict(zip(names, values, strict=True))
        yield _NAME.sub(lambda found, chosen=chosen: chosen[found[1], found[2]], template)  # type: ignore[misc]


def test_products_of_values(go_templates: Path) -> None:
    cases = products()
    assert len(cases) > 15_000
    assert differences(go_templates, cases) == []


def test_constructs(go_templates: Path) -> None:
    assert differences(go_templates, constructs()) == []


def test_functions(go_templates: Path) -> None:
    assert differences(go_templates, list(itertools.chain(*cases_of_functions().values()))) == []


def test_the_functions_are_those_of_go(go_templates: Path) -> None:
    assert sorted(functions.MODULES) == asked(go_templates, [{"op": "names"}])[0]["names"]


def test_each_function_is_in_the_list_of_its_module() -> None:
    for module in set(functions.MODULES.values()):
        listed = {name for name, place in functions.MODULES.items() if place == module}
        assert set(import_module(f"sealer.template.functions.{module}").TABLE) == listed, module


def test_each_function_says_what_it_does() -> None:
    calls = {name: functions.find(name).call for name in functions.MODULES}
    # Anything but a function of ours, a lambda or a partial one, has no docstring or that of something else.
    silent = [name for name, call in calls.items() if not (isfunction(call) and call.__name__ != "<lambda>")]
    silent += [name for name, call in calls.items() if not (call.__doc__ or "").strip()]
    assert silent == []


def test_each_function_has_cases() -> None:
    own = cases_of_functions()
    called = {name: _called(templates) for name, templates in own.items()}
    assert [name for name, names in called.items() if name not in names] == []
    everywhere = set(own) | _called(constructs()) | _called(next(filled) for filled, _ in _products())
    assert set(functions.MODULES) - everywhere == set(), "write cases for these in cases/functions.yaml"
    assert everywhere - set(functions.MODULES) == set()


def _called(templates: Iterable[str]) -> set[str]:
    """All functions that the right ones of these templates call."""
    names: set[str] = set()
    for text in templates:
        with contextlib.suppress(TemplateRefused):
            tree = rendering.parsed("k", text)
            names.update(nodes.functions(itertools.chain(tree.nodes, *tree.defined.values())))
    return names


def test_generated_templates(go_templates: Path) -> None:
    drawn = _Grammar(random.Random(SEED))
    assert differences(go_templates, [drawn.text(4) for _ in range(4000)]) == [], f"seed {SEED}"


class _Grammar:
    """Templates by chance, mostly right ones."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._loops = 0

    def text(self, depth: int) -> str:
        return "".join(self._piece(depth) for _ in range(self._draw.randint(1, 3)))

    def _piece(self, depth: int) -> str:
        kind = self._draw.randrange(12 if depth else 4)
        if kind < 2:
            return self._draw.choice(["text", " ", "\n", "  \n x", "é"])
        if kind < 6:
            return self._action(self._pipe(depth))
        inner = self.text(depth - 1)
        otherwise = self._action("else") + self.text(depth - 1) if self._draw.random() < 0.4 else ""
        end = self._action("end")
        if kind < 8:
            word = self._draw.choice(["if", "with"])
            return self._action(f"{word} {self._pipe(depth - 1)}") + inner + otherwise + end
        if kind < 10:
            return self._range(depth, otherwise, end)
        if kind < 11:
            return self._action(f"$v := {self._pipe(depth - 1)}") + self._action("$v")
        return self._action(f'block "b{self._draw.randrange(1000)}" {self._pipe(depth - 1)}') + self.text(0) + end

    def _range(self, depth: int, otherwise: str, end: str) -> str:
        over = self._draw.choice(["(list 1 2 3)", "(dict `a` 1 `b` 2)", "3", ".x", "(list)", "(until 3)", "nil", "."])
        head = self._draw.choice(["", "$i, $e := ", "$e := "])
        self._loops += 1
        leave = self._draw.choice(["", self._action("break"), self._action("continue"), self._action(".")])
        inner = self.text(depth - 1) + leave
        self._loops -= 1
        return self._action(f"range {head}{over}") + inner + otherwise + end

    def _action(self, body: str) -> str:
        left, right = self._draw.choice(["{{", "{{ ", "{{- "]), self._draw.choice(["}}", " }}", " -}}"])
        return left + body + right

    def _pipe(self, depth: int) -> str:
        stages = [self._command(depth)]
        while self._draw.random() < 0.3:
            stages.append(
                self._draw.choice(["upper", "quote", "len", "print", "toJson", 'printf "%v|%T"', "default 5", "not"])
            )
        return " | ".join(stages)

    def _command(self, depth: int) -> str:
        if not depth or self._draw.random() < 0.4:
            return self._operand(0)
        name = self._draw.choice(FUNCTIONS)
        return " ".join([name, *(self._operand(depth - 1) for _ in range(self._draw.randint(0, 3)))])

    def _operand(self, depth: int) -> str:
        if depth and self._draw.random() < 0.3:
            return f"({self._pipe(depth - 1)})"
        return self._draw.choice(OPERANDS)


def test_what_functions_give_is_of_the_type_that_they_declare(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: set[str] = set()

    def watched(function: Function, arguments: Sequence[Any], run: Run, at: int) -> Any:
        result = call.call(function, arguments, run, at)
        if function.result not in (ANY, VALUE) and type_of(result) != function.result:
            wrong.add(f"{function.name}: {type_of(result).name}")
        return result

    monkeypatch.setattr(expressions, "call", watched)
    rendering.forget()
    for text in products()[::7]:
        with contextlib.suppress(TemplateRefused):
            rendering.render("k", text, DATA, rendering.run())
    rendering.forget()
    assert wrong == set()
