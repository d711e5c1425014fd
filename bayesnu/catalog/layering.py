"""A declaration as layers: what it extends, its variant, the readings laid over it, and which one a field is from."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import DeclarationError, Problem

Tree = dict[str, Any]

ROLES = ("parameters", "nuisances", "fixed")


class Layer(NamedTuple):
    """What one place in one file says."""

    file: Path
    field: str
    """Dotted path of the table in the file that says it; empty for the file itself."""
    tree: Tree


# --- one over the other -----------------------------------------------------------------------------------------------


def merged(parent: Tree, child: Tree) -> Tree:
    """The child over its parent: tables by key, but a table with a `kind` and a quantity's role as a whole."""
    claimed = {name for role in ROLES for name in _table(child, role)}
    kept = {
        key: {n: v for n, v in value.items() if n not in claimed or n in _table(child, key)}
        if key in ROLES and isinstance(value, dict)
        else value
        for key, value in parent.items()
    }
    return _merged_tables(kept, child)


def _table(tree: Tree, key: str) -> Tree:
    """A table, empty where there is something else: its shape is checked later."""
    value = tree.get(key, {})
    return value if isinstance(value, dict) else {}


def _merged_tables(parent: Tree, child: Tree) -> Tree:
    result = dict(parent)
    for key, value in child.items():
        mergeable = isinstance(value, dict) and isinstance(parent.get(key), dict) and "kind" not in value
        result[key] = _merged_tables(parent[key], value) if mergeable and key != "restrict" else value
    return result


def overlaid(tree: Tree, file: Path, field: str, values: Mapping[str, object]) -> tuple[Tree, Layer]:
    """A copy of the tree in which each dotted path has the overlay's value, and the layer that this makes.

    >>> overlaid({"a": {"b": 1, "c": 2}}, Path("x.toml"), "", {"a.b": 3})[0]
    {'a': {'b': 3, 'c': 2}}
    """
    marks: Tree = {}
    for path, value in values.items():
        tree = _with_value(tree, path.split("."), value, Problem(str(file), f"{field}.{path}", "", "", ""))
        _mark(marks, path.split("."))
    return tree, Layer(file, field, marks)


def _mark(marks: Tree, path: Sequence[str]) -> None:
    """Note that the value under a path is replaced as a whole; None stands for any such value."""
    head, *rest = path
    if not rest:
        marks[head] = None
    elif marks.get(head, {}) is not None:
        _mark(marks.setdefault(head, {}), rest)


def _with_value(tree: Tree, path: Sequence[str], value: object, at: Problem) -> Tree:
    head, *rest = path
    if not rest:
        return {**tree, head: value}
    if not isinstance(tree.get(head), dict):
        tables = [key for key, inner in tree.items() if isinstance(inner, dict)]
        raise DeclarationError(
            at._replace(found=f"no table {head!r} to change", expected=f"one of {', '.join(tables) or 'none'}",
                        hint=did_you_mean(head, tables) or "mend the path")
        )  # fmt: skip
    return {**tree, head: _with_value(tree[head], rest, value, at)}


def flattened(variant: Tree) -> dict[str, object]:
    """A variant's overlay: `backgrounds.a = {...}` in TOML arrives as nested tables of one key each."""
    flat: dict[str, object] = {}
    for key, value in variant.items():
        if key == "backgrounds" and isinstance(value, dict):
            flat |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            flat[key] = value
    return flat


# --- where a field comes from -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def placed(file: Path, layers: Sequence[Layer]) -> Iterator[None]:
    """Problems of a layered declaration are said of the file and the table that the field comes from."""
    try:
        yield
    except DeclarationError as error:
        raise DeclarationError(relocated(error.problems, file, layers)) from None


def relocated(problems: Sequence[Problem], file: Path, layers: Sequence[Layer]) -> list[Problem]:
    """The problems of this file, each where its field comes from; layers from the first to the last laid."""
    found = []
    for problem in problems:
        if problem.file != str(file):
            found.append(problem)
            continue
        layer = _origin(problem.field, layers)
        field = f"{layer.field}.{problem.field}" if layer.field else problem.field
        found.append(problem._replace(file=str(layer.file), field=field))
    return found


def _origin(field: str, layers: Sequence[Layer]) -> Layer:
    """The last layer that sets the field or replaces a table around it, else the one that comes closest."""
    parts = re.sub(r"\[\d+\]", "", field).split(".")
    newest_first = list(reversed(layers))
    matches = [_match(layer.tree, parts) for layer in newest_first]
    return newest_first[matches.index(max(matches, key=lambda m: m if not m[0] else (True, 0)))]


def _match(tree: Tree, parts: Sequence[str]) -> tuple[bool, int]:
    """Whether a layer settles a field, and how many parts of its path it has."""
    value: Any = tree
    for depth, part in enumerate(parts):
        if depth and (not isinstance(value, dict) or "kind" in value):
            return True, depth
        if part not in value:
            return False, depth
        value = value[part]
    return True, len(parts)
