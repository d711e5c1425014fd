"""How numbers, symbols and units are written: the same words in every table and figure."""

import math


def number(value: float | None) -> str:
    """Three significant digits, a dash where there is none.

    >>> [number(v) for v in (42.9330056, 200.0, 0.0, None)]
    ['42.9', '200', '0', '-']
    """
    if value is None or math.isnan(value):
        return "-"
    return "0" if value == 0 else f"{value:#.3g}".rstrip(".")


def interval(low: float | None, high: float | None) -> str:
    """A closed interval, with infinity where it has no end.

    >>> interval(0.0, None)
    '[0, inf]'
    """
    return f"[{'-inf' if low is None else number(low)}, {'inf' if high is None else number(high)}]"


def alike(low: float, high: float) -> str:
    """An interval from draws, its lower end to no more decimals than the upper one.

    >>> alike(0.00439, 54.7679)
    '[0.0, 54.8]'
    """
    end = number(high)
    decimals = len(end.partition(".")[2])
    return interval(low, high) if "e" in end else f"[{low:.{decimals}f}, {end}]"


def percent(level: float) -> str:
    """A probability as a percentage.

    >>> percent(0.9), percent(0.683)
    ('90', '68.3')
    """
    return f"{100 * level:.6g}"


def split_unit(unit: str) -> tuple[float, str]:
    """The number in front of a unit, and its name.

    >>> split_unit("1e-10 mu_B"), split_unit("rad")
    ((1e-10, 'mu_B'), (1.0, 'rad'))
    """
    prefix, _, name = unit.rpartition(" ")
    try:
        return float(prefix or "1"), name
    except ValueError:
        return 1.0, unit


def convert(value: float, unit: str, target: str) -> float | None:
    """A value in another multiple of its unit, or None where the units differ.

    >>> convert(4.2, "1e-9 mu_B", "1e-10 mu_B"), convert(1.0, "rad", "mu_B")
    (42.0, None)
    """
    (factor, name), (wanted, wanted_name) = split_unit(unit), split_unit(target)
    return float(f"{value * factor / wanted:.12g}") if name == wanted_name else None


def unit_latex(unit: str) -> str:
    r"""A unit for an axis label, empty for a pure number.

    >>> print(unit_latex("1e-10 mu_B"))
    $10^{-10}\,\mu_B$
    """
    factor, name = split_unit(unit)
    if name in ("", "1") and factor == 1:
        return ""
    exponent = math.log10(factor)
    power = f"10^{{{exponent:.0f}}}" if exponent.is_integer() else f"{factor:g}"
    symbol = rf"\mu_{name[3:]}" if name.startswith("mu_") else rf"\mathrm{{{name}}}"
    return f"${symbol}$" if factor == 1 else rf"${power}\,{symbol}$"


def axis_label(latex: str, unit: str) -> str:
    """Symbol and unit for an axis."""
    written = unit_latex(unit)
    return f"${latex}$ [{written}]" if written else f"${latex}$"
