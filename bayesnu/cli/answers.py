"""Answers as JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any

import click


def lists(table: Mapping[str, Any]) -> dict[str, list[float]]:
    """Arrays as lists of plain floats."""
    return {key: [float(v) for v in values] for key, values in table.items()}


def print_json(answer: Any) -> None:
    """Print an answer as JSON, null where a number is missing."""
    click.echo(json.dumps(_finite(answer), indent=2))


def _finite(value: Any) -> Any:
    """JSON knows no NaN: null where there is no number."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
