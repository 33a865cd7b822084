"""Arithmetic as Sprig has it: integers wrap at 64 bits, and the functions in f count in decimal."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from typing import Any

from sealer.template.casting import to_float, to_int
from sealer.template.functions.random import below
from sealer.template.functions.table import Table
from sealer.template.language.constants import octal
from sealer.template.limits import Fault, Run
from sealer.template.text.printing import printed
from sealer.template.values import ANY, FLOAT64, INT, INT64, STRING, wrap

TABLE = define = Table()


@define("add1", ANY, result=INT64)
def _add1(value: Any) -> int:
    """One more, as an int64 that wraps; floats are cut, what is no number is 0."""
    return wrap(to_int(value) + 1)


@define("add", variadic=ANY, result=INT64)
def _add(*values: Any) -> int:
    """The sum as an int64 that wraps; floats are cut first (1.9 is 1), what is no number is 0."""
    return wrap(sum(map(to_int, values)))


@define("sub", ANY, ANY, result=INT64)
def _sub(left: Any, right: Any) -> int:
    """The first less the second, as an int64 that wraps; converted as add does. Piped, the value is the second."""
    return wrap(to_int(left) - to_int(right))


@define("mul", ANY, variadic=ANY, result=INT64)
def _mul(first: Any, *others: Any) -> int:
    """The product as an int64 that wraps at each step; converted as add does."""
    result = to_int(first)
    for other in others:
        result = int(wrap(result * to_int(other)))
    return wrap(result)


@define("div", ANY, ANY, result=INT64)
def _div(left: Any, right: Any) -> int:
    """The quotient as an int64, cut towards 0 where Python's floors: -7 by 2 is -3; refuses 0 as divisor."""
    return wrap(_divided(to_int(left), to_int(right))[0])


@define("mod", ANY, ANY, result=INT64)
def _mod(left: Any, right: Any) -> int:
    """The remainder as an int64, with the sign of the first where Python's has the second's; refuses 0 as divisor."""
    return wrap(_divided(to_int(left), to_int(right))[1])


def _divided(left: int, right: int) -> tuple[int, int]:
    """Quotient and remainder, cut towards zero."""
    if right == 0:
        raise Fault("integer divide by zero")
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient, left - quotient * right


@define("max biggest", ANY, variadic=ANY, result=INT64)
def _max(first: Any, *others: Any) -> int:
    """The largest, as an int64: 1.9 is 1, and what is no number 0; maxf compares floats."""
    return wrap(max(map(to_int, (first, *others))))


@define("min", ANY, variadic=ANY, result=INT64)
def _min(first: Any, *others: Any) -> int:
    """The least, as an int64: 1.9 is 1, and what is no number 0; minf compares floats."""
    return wrap(min(map(to_int, (first, *others))))


@define("maxf", ANY, variadic=ANY, result=FLOAT64)
def _maxf(first: Any, *others: Any) -> float:
    """The largest as a float64; what is no number is 0. NaN, if any is and none is +Inf."""
    values = list(map(to_float, (first, *others)))
    return math.nan if any(map(math.isnan, values)) and math.inf not in values else max(values, key=_order)


@define("minf", ANY, variadic=ANY, result=FLOAT64)
def _minf(first: Any, *others: Any) -> float:
    """The least as a float64; what is no number is 0. NaN, if any is and none is -Inf."""
    values = list(map(to_float, (first, *others)))
    return math.nan if any(map(math.isnan, values)) and -math.inf not in values else min(values, key=_order)


def _order(value: float) -> tuple[float, float]:
    """-0 is less than 0."""
    return (0.0, 0.0) if math.isnan(value) else (value, math.copysign(1, value))


@define("ceil", ANY, result=FLOAT64)
def _ceil(value: Any) -> float:
    """The next whole number up, as a float64, -0 too; what is no number is 0."""
    number = to_float(value)
    return math.copysign(float(math.ceil(number)), number) if math.isfinite(number) else number


@define("floor", ANY, result=FLOAT64)
def _floor(value: Any) -> float:
    """The next whole number down, as a float64; what is no number is 0."""
    number = to_float(value)
    return math.copysign(float(math.floor(number)), number) if math.isfinite(number) else number


@define("round", ANY, INT, variadic=FLOAT64, result=FLOAT64)
def _round(value: Any, places: int, *on: float) -> float:
    """`round VALUE PLACES`, as a float64: up from a fraction of one half on, or of a third argument.

    Not to even, as Python's; and below zero any fraction counts, so that -2.1 gives -3.
    """
    number = to_float(value)
    power = 10.0**places if -400 < places < 309 else (math.inf if places > 0 else 0.0)
    digit = power * number
    if not math.isfinite(digit):
        return _over(digit, power)
    up = math.modf(digit)[0] >= (on[0] if on else 0.5)
    rounded = math.copysign(float(math.ceil(digit) if up else math.floor(digit)), digit)
    return _over(rounded, power)


def _over(number: float, power: float) -> float:
    if power == 0:
        return math.nan if number == 0 or math.isnan(number) else math.copysign(math.inf, number)
    return number / power


_CONTEXT = Context(prec=2000, Emax=MAX_EMAX, Emin=MIN_EMIN)


def _decimals(first: float, others: tuple[Any, ...], step: Callable[[Decimal, Decimal], Decimal]) -> float:
    """A fold over numbers as decimals of their shortest digits, which gives 0.3 for 0.1 and 0.2."""
    result = _decimal(first)
    for other in others:
        result = step(result, _decimal(to_float(other)))
        if len(result.as_tuple().digits) > _DIGITS:
            raise Fault("takes more digits than can be counted")
    return float(result) or 0.0  # Decimals of Go know no -0.


_DIGITS = 1900


def _decimal(value: float) -> Decimal:
    if not math.isfinite(value):
        raise Fault("can't count with what is no finite number")
    return Decimal(repr(value))


@define("addf", variadic=ANY, result=FLOAT64)
def _addf(*values: Any) -> float:
    """The sum as a float64, counted in decimal: 0.1 and 0.2 give 0.3. Refuses NaN and infinities."""
    return _decimals(0.0, values, _CONTEXT.add)


@define("add1f", ANY, result=FLOAT64)
def _add1f(value: Any) -> float:
    """One more, as a float64, counted as addf does."""
    return _decimals(to_float(value), (1,), _CONTEXT.add)


@define("subf", ANY, variadic=ANY, result=FLOAT64)
def _subf(first: Any, *others: Any) -> float:
    """The first less each of the others, as a float64, counted as addf does."""
    return _decimals(to_float(first), others, _CONTEXT.subtract)


@define("mulf", ANY, variadic=ANY, result=FLOAT64)
def _mulf(first: Any, *others: Any) -> float:
    """The product as a float64, counted as addf does."""
    return _decimals(to_float(first), others, _CONTEXT.multiply)


@define("divf", ANY, variadic=ANY, result=FLOAT64)
def _divf(first: Any, *others: Any) -> float:
    """The first by each of the others, as a float64, to 16 places in decimal; refuses 0 as divisor."""
    return _decimals(to_float(first), others, _quotient)


def _quotient(left: Decimal, right: Decimal) -> Decimal:
    """To 16 places, halves away from zero."""
    if right == 0:
        raise Fault("decimal division by 0")
    exact = Fraction(left) / Fraction(right) * 10**16
    whole, rest = divmod(abs(exact), 1)
    whole += rest >= Fraction(1, 2)
    return Decimal(-int(whole) if exact < 0 else int(whole)).scaleb(-16, _CONTEXT)


@define("randInt", INT, INT, result=INT, draws=True)
def _rand_int(run: Run, least: int, bound: int) -> int:
    """`randInt LEAST BOUND`: an int from LEAST to before BOUND; refuses a BOUND that is not larger."""
    if bound - least <= 0:
        raise Fault("invalid argument: the bound must be larger than the least number")
    return least + below(run, bound - least)


@define("atoi", STRING, result=INT)
def _atoi(data: bytes) -> int:
    """Decimal digits as an int, 0 for any other text (` 1`, `1_0`, `0x1`); `012` is 12. Too large is the largest."""
    text = data.decode("latin-1")
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isascii() or not digits.isdecimal():
        return 0
    number = int(text) if len(digits) < 4000 else (1 << 70) * (-1 if text[0] == "-" else 1)
    return min(max(number, -(1 << 63)), (1 << 63) - 1)


@define("int", ANY, result=INT)
def _int(value: Any) -> int:
    """As an int of 64 bits: floats cut, text as Go's constants (`0x1f`; `012` is 10); 0 for all else, `1.5` too."""
    return to_int(value)


@define("int64", ANY, result=INT64)
def _int64(value: Any) -> int:
    """As int, but of the type int64."""
    return wrap(to_int(value))


@define("float64", ANY, result=FLOAT64)
def _float64(value: Any) -> float:
    """As a float64, text too; 0 for what is no number."""
    return to_float(value)


@define("toDecimal", ANY, result=INT64)
def _to_decimal(value: Any) -> int:
    """Octal digits as a number, as file modes are written."""
    return wrap(octal(printed([value])) or 0)
