"""Whether a tree has the shape of its record: every misfit at its exact place, with what would fit there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect

from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import Problem
from bayesnu.schema import Record

LONGEST = 80
"""Characters of a wrong value that a message shows."""


def misfits(file: str, tree: Mapping[str, Any], kind: type[Record]) -> list[Problem]:
    """All that keeps a tree from being this record; empty where nothing does."""
    return list(_misfits(file, "", tree, inspect.type_info(kind)))


def _misfits(file: str, field: str, value: object, wanted: inspect.Type) -> Iterator[Problem]:
    match wanted:
        case inspect.UnionType():
            yield from _of_union(file, field, value, wanted)
        case inspect.StructType() if isinstance(value, dict):
            yield from _of_record(file, field, value, wanted)
        case inspect.DictType() if isinstance(value, dict):
            for key, inner in value.items():
                yield from _misfits(file, _join(field, key), inner, wanted.value_type)
        case inspect.VarTupleType() if isinstance(value, list):
            for index, inner in enumerate(value):
                yield from _misfits(file, f"{field}[{index}]", inner, wanted.item_type)
        case inspect.TupleType() if isinstance(value, list) and len(value) == len(wanted.item_types):
            for index, (inner, item) in enumerate(zip(value, wanted.item_types, strict=True)):
                yield from _misfits(file, f"{field}[{index}]", inner, item)
        case inspect.LiteralType():
            if value not in wanted.values:
                yield _not_one_of(file, field, value, [str(v) for v in wanted.values])
        case _:
            if not _fits(value, wanted):
                hint = "write the number without quotes" if _is_quoted_number(value, wanted) else "mend the value"
                yield Problem(file, field, shown(value), described(wanted), hint)


def _of_record(file: str, field: str, value: Mapping[str, Any], wanted: inspect.StructType) -> Iterator[Problem]:
    known = {f.name: f for f in wanted.fields}
    for key, inner in value.items():
        if key in known:
            yield from _misfits(file, _join(field, key), inner, known[key].type)
        elif key != wanted.tag_field:
            expected = f"one of the keys {', '.join(known)}" if known else "no key but its kind"
            hint = did_you_mean(key, known.keys() - value.keys()) or did_you_mean(key, known) or "remove it"
            yield Problem(file, _join(field, key), f"unknown key {key!r}", expected, hint)
    for name, entry in known.items():
        if entry.required and name not in value:
            yield Problem(file, _join(field, name), f"no key {name!r}", described(entry.type), "add the key")


def _of_union(file: str, field: str, value: object, wanted: inspect.UnionType) -> Iterator[Problem]:
    """Absent values are no concern of ours: TOML has none. Several records are told apart by their tag."""
    options = [t for t in wanted.types if not isinstance(t, inspect.NoneType)]
    if len(options) == 1:
        yield from _misfits(file, field, value, options[0])
        return
    records = {str(t.tag): t for t in options if isinstance(t, inspect.StructType)}
    tag_field = next(str(t.tag_field) for t in records.values())
    if not isinstance(value, dict):
        expected = f"a table {{ {tag_field} = ... }} with {tag_field} one of {', '.join(records)}"
        yield Problem(file, field, shown(value), expected, "write it as a table")
    elif tag_field not in value:
        expected = f"one of {', '.join(records)}"
        yield Problem(file, _join(field, tag_field), f"no key {tag_field!r}", expected, "add the key")
    elif value[tag_field] not in list(records):
        yield _not_one_of(file, _join(field, tag_field), value[tag_field], list(records))
    else:
        yield from _of_record(file, field, value, records[value[tag_field]])


def _not_one_of(file: str, field: str, value: object, allowed: Sequence[str]) -> Problem:
    return Problem(file, field, shown(value), f"one of {', '.join(allowed)}",
                   did_you_mean(str(value), allowed) or "choose one of them")  # fmt: skip


def _fits(value: object, wanted: inspect.Type) -> bool:
    """Whether a single value converts; the library that converts decides."""
    plain = {inspect.StrType: str, inspect.IntType: int, inspect.FloatType: float, inspect.BoolType: bool}
    if type(wanted) not in plain:
        return isinstance(wanted, inspect.AnyType | inspect.CustomType)
    try:
        msgspec.convert(value, plain[type(wanted)])
    except msgspec.ValidationError:
        return False
    return True


def _is_quoted_number(value: object, wanted: inspect.Type) -> bool:
    if not isinstance(value, str) or not isinstance(wanted, inspect.FloatType | inspect.IntType):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _join(field: str, key: str) -> str:
    return f"{field}.{key}" if field else key


def shown(value: object) -> str:
    """A TOML value for a message: what it says, and what it is.

    >>> shown("19.3 m")
    "'19.3 m', a text"
    """
    names = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", list: "a list"}
    if isinstance(value, dict):
        return f"a table with the keys {', '.join(value) or 'none'}"
    text = repr(value) if type(value) in names else str(value)
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"{short}, {names.get(type(value), 'a date or time')}"


def described(wanted: inspect.Type) -> str:
    """What a type of the schema is called in TOML.

    >>> described(inspect.type_info(tuple[tuple[float, float], ...]))
    'a list, each entry a list of 2: a number, a number'
    """
    match wanted:
        case inspect.UnionType():
            options = [t for t in wanted.types if not isinstance(t, inspect.NoneType)]
            tags = [str(t.tag) for t in options if isinstance(t, inspect.StructType) and t.tag]
            return f"a table of kind {' or '.join(tags)}" if tags else " or ".join(described(t) for t in options)
        case inspect.VarTupleType():
            return f"a list, each entry {described(wanted.item_type)}"
        case inspect.TupleType():
            return f"a list of {len(wanted.item_types)}: {', '.join(described(t) for t in wanted.item_types)}"
        case inspect.StructType():
            return f"a table with the keys {', '.join(f.name for f in wanted.fields if f.required)}"
        case inspect.DictType():
            return "a table"
        case inspect.LiteralType():
            return f"one of {', '.join(str(v) for v in wanted.values)}"
    names = {inspect.StrType: "a text", inspect.IntType: "a whole number", inspect.FloatType: "a number"}
    return names.get(type(wanted), "true or false" if isinstance(wanted, inspect.BoolType) else "a value")
