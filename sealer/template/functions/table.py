"""How functions are declared: one table a module, an entry for each name (CONTRIBUTING, "a function of templates").

define = Table()

@define("trunc", INT, STRING, result=STRING)
def _trunc(length: int, text: bytes) -> bytes:
    "`trunc LENGTH TEXT`: units, what it refuses, and where a reader of Python would expect something else."
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sealer.template.values import ANY, Function, Type

_Call = TypeVar("_Call", bound=Callable[..., Any])


class Table(dict[str, Function]):
    """The functions of a module by name."""

    def __call__(
        self,
        names: str,
        *parameters: Type,
        variadic: Type | None = None,
        result: Type = ANY,
        run: bool = False,
        draws: bool = False,
    ) -> Callable[[_Call], _Call]:
        """Declare a function under these names, apart by spaces.

        `run`: it gets the Run first. `draws`: it asks for random numbers or the clock, so that two renders may differ.
        """

        def declare(call: _Call) -> _Call:
            for name in names.split():
                self[name] = Function(name, call, parameters, variadic, result, run or draws, draws)
            return call

        return declare
