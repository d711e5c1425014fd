"""Where numbers come from, and how they were obtained."""

from typing import Literal

from bayesnu.schema.record import Record

Status = Literal["released", "typed", "digitised", "recalled", "inferred"]


class Source(Record):
    """Where numbers come from: a reference, the place in it, how the numbers were obtained, and the files' hashes."""

    reference: str
    where: str
    status: Status
    arxiv: str = ""
    doi: str = ""
    note: str = ""
    covers: tuple[str, ...] = ()
    """Fields of this declaration, as dotted paths, whose values come from here."""
    files: dict[str, str] = {}
    """File name -> SHA-256 of its bytes."""
