"""Declarations and tables as files: TOML to records, CSV to columns of finite numbers."""

import csv
import io
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bayesnu.catalog import shapes, validation
from bayesnu.errors import DeclarationError, Problem
from bayesnu.schema import Record


def read_toml(file: Path) -> dict[str, Any]:
    """The raw content of a declaration; every number in it is finite."""
    text = _text(file, "a TOML file", "utf-8")
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DeclarationError(_syntax_problem(file, text, error)) from None
    validation.raise_if(validation.not_finite(str(file), tree))
    return tree


def _text(file: Path, expected: str, encoding: str) -> str:
    try:
        return file.read_text(encoding=encoding)
    except FileNotFoundError:
        problem = Problem(str(file), "", f"no file {file.name!r}", expected, "add the file or mend its name")
    except UnicodeDecodeError as error:
        problem = Problem(str(file), f"byte {error.start}", str(error), "text in UTF-8", "save the file as UTF-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = Problem(str(file), "", f"unreadable: {reason}", expected, "name a readable file")
    raise DeclarationError(problem)


def _syntax_problem(file: Path, text: str, error: Exception) -> Problem:
    """What the parser says, with the line that it says it of."""
    message = "tables nested too deeply" if isinstance(error, RecursionError) else str(error)
    named = re.search(r"\(at line (\d+), ", message)
    lines = text.splitlines()
    if named is None or not 0 < int(named[1]) <= len(lines):
        return Problem(str(file), "", message, "valid TOML", "mend the file")
    line = int(named[1])
    once = "a key or a table may appear once; " if "overwrite" in message or "twice" in message else ""
    found = f"{message}: {lines[line - 1].strip()[: shapes.LONGEST]}"
    return Problem(str(file), f"line {line}", found, "valid TOML", f"{once}mend the line")


def convert[R: Record](file: Path, tree: dict[str, Any], kind: type[R]) -> R:
    """A tree as a record, or everything that does not fit it."""
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        fallback = Problem(str(file), "", str(error), f"a declaration of {kind.__name__}", "mend the value")
        raise DeclarationError(shapes.misfits(str(file), tree, kind) or fallback) from None


# --- tables -----------------------------------------------------------------------------------------------------------


class Table(NamedTuple):
    """The rows of a CSV and the lines on which they stand."""

    file: Path
    lines: tuple[int, ...]
    rows: tuple[dict[str, str], ...]

    def numbers(self, column: str) -> tuple[float, ...]:
        """One column as finite numbers."""
        return tuple(self.number(index, column) for index in range(len(self.rows)))

    def number(self, index: int, column: str) -> float:
        """One cell as a finite number."""
        return validation.finite_number(str(self.file), self._place(index, column), self.rows[index][column])

    def whole_number(self, index: int, column: str) -> int:
        """One cell as a whole number."""
        value = self.number(index, column)
        if value != round(value):
            found, where = repr(self.rows[index][column]), self._place(index, column)
            raise DeclarationError(Problem(str(self.file), where, found, "a whole number", "mend the cell"))
        return round(value)

    def _place(self, index: int, column: str) -> str:
        return f"line {self.lines[index]}, column {column}"


def read_csv(file: Path, columns: Sequence[str]) -> Table:
    """The rows of a CSV that must have these columns."""
    text = _text(file, "a CSV beside its declaration", "utf-8-sig")
    reader = csv.reader(io.StringIO(text))
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DeclarationError(
            Problem(str(file), f"line {reader.line_num}", str(error), "a CSV", "mend the line")
        ) from None
    if len(rows) < 2:
        raise DeclarationError(Problem(str(file), "", f"{len(rows)} lines", "a header and rows", "add the rows"))
    header = rows[0][1]
    validation.raise_if(validation.column_problems(str(file), header, columns))
    validation.raise_if(
        Problem(
            str(file),
            f"line {line}",
            f"{len(row)} cells: {','.join(row)}",
            f"{len(header)}, one a column",
            "mend the line",
        )
        for line, row in rows[1:]
        if len(row) != len(header)
    )
    return Table(file, tuple(n for n, _ in rows[1:]), tuple(dict(zip(header, row, strict=True)) for _, row in rows[1:]))
