"""What is printed: a paper's declaration, and the published numbers that it is compared with."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bayesnu import catalog
from bayesnu.catalog import facts, shelf
from bayesnu.catalog.shelf import Catalog
from bayesnu.schema import Deviation, Paper, Source

Key = tuple[str, str, str, str]
"""Paper, table, row, column."""

NOT_PRINTED = "not printed"
"""What stands for the value of a cell that the paper shows in a figure only: ours stands alone."""


class Printed(NamedTuple):
    """One number as it is printed, and where it comes from."""

    key: Key
    unit: str
    value: str
    source: str
    status_of_source: str

    @property
    def number(self) -> float | None:
        """The value, where it is a number."""
        return _number(self.value)

    @property
    def bound(self) -> float | None:
        """The number of a printed '< number'."""
        return _number(self.value[1:]) if self.value.startswith("<") else None

    @property
    def place(self) -> str:
        """The cell in words."""
        return " | ".join(self.key[1:])


def read(shelf_of: Catalog, name: str) -> tuple[Path, Paper]:
    """A paper's declaration, and its file."""
    file = shelf.look_up("papers", name, shelf.papers(shelf_of), "command line", "paper")
    return file, catalog.read_paper(file)[0]


def deviations(name: str, shelf_of: Catalog | None = None) -> dict[str, Deviation]:
    """The known disagreements with a paper."""
    return dict(read(shelf_of or catalog.open_catalog(), name)[1].deviations)


def printed_by(where: Catalog, file: Path, paper: Paper) -> list[Printed]:
    """Every number of the paper's own table, and of those that are compared beside it."""
    return [row for name in (file.stem, *paper.beside) for row in _numbers(where, file, name)]


def _numbers(where: Catalog, file: Path, name: str) -> Iterator[Printed]:
    field = "beside" if name != file.stem else ""
    table_file = shelf.look_up("published papers", name, shelf.published(where), str(file), field)
    declared, table = facts.published_at(table_file)
    source = next(iter(declared.sources.values()))
    for row in table.rows:
        key = (name, row["table"], row["row"], row["column"])
        yield Printed(key, row["unit"], row["value"], in_words(source), source.status)


def in_words(source: Source) -> str:
    """Reference, place and note of a source."""
    identifier = f" (arXiv:{source.arxiv})" if source.arxiv else ""
    note = f"; {' '.join(source.note.split())}" if source.note else ""
    return f"{source.reference}{identifier}, {source.where}{note}"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
