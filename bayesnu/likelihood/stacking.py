"""Two models as one: what a sum of analyses shares, and what must agree."""

from typing import Any

import msgspec

from bayesnu.catalog import validation
from bayesnu.errors import DeclarationError, Problem
from bayesnu.schema import Resolved


def joined(a: Resolved, b: Resolved) -> Resolved:
    """Two models as one; a name that means two things is an error."""
    joined = {}
    for role in ("parameters", "nuisances", "fixed"):
        mine, theirs = getattr(a, role), getattr(b, role)
        for name in mine.keys() & theirs.keys():
            if _meaning(mine[name]) != _meaning(theirs[name]):
                found, expected = str(_meaning(theirs[name])), f"as in {a.name}: {_meaning(mine[name])}"
                hint = "equal names are one parameter: rename one of them"
                raise DeclarationError(Problem(b.file, f"{role}.{name}", found, expected, hint))
        joined[role] = mine | {n: _both(mine[n], v) if n in mine else v for n, v in theirs.items()}
    citations = {msgspec.json.encode(c): c for c in (*a.citations, *b.citations)}
    name = a.name if a.name == b.name else f"{a.name}+{b.name}"
    model = Resolved(name=name, file=a.file, title=f"{a.title}; {b.title}", setups=a.setups + b.setups,
                     published=(), citations=tuple(citations.values()), **joined)  # fmt: skip
    validation.raise_if(validation.resolved_problems(model))
    return model


def _meaning(entry: Any) -> tuple[object, ...]:
    """What must agree for two declarations to be one parameter: its prior (or value), unit and knob."""
    return tuple(getattr(entry, key, None) for key in ("prior", "value", "unit", "knob"))


def _both(mine: Any, theirs: Any) -> Any:
    """A shared nuisance scales what it scales in either."""
    if getattr(mine, "scales", None) is None or mine.scales == theirs.scales:
        return mine
    united = {
        key: () if not (getattr(mine.scales, key) and getattr(theirs.scales, key))
        else tuple(dict.fromkeys(getattr(mine.scales, key) + getattr(theirs.scales, key)))
        for key in mine.scales.__struct_fields__
    }  # fmt: skip
    return msgspec.structs.replace(mine, scales=msgspec.structs.replace(mine.scales, **united))
