"""What can go wrong, said so that a physicist can act on it."""

from collections.abc import Sequence
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong with a declaration: where, what was found, what was expected, what to do."""

    file: str
    field: str
    found: str
    expected: str
    hint: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.field}" if self.field else self.file
        return f"{where}\n  found:    {self.found}\n  expected: {self.expected}\n  to do:    {self.hint}"


class BayesnuError(Exception):
    """Any error that this package raises on purpose; the command line turns it into exit code 2."""


class DeclarationError(BayesnuError):
    """A file, a field or an argument that does not say what it must."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PredictionError(BayesnuError):
    """A prediction that was asked for outside the range in which it is valid."""


class ConvergenceError(BayesnuError):
    """A run that failed its diagnostics; `failures` names each quantity with its value and its limit."""

    def __init__(self, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        super().__init__("the run did not converge:\n  " + "\n  ".join(self.failures))


def is_interrupt(error: BaseException | None) -> bool:
    """Whether an interrupt is behind an error: one that comes while compiled code returns is turned into another.

    >>> is_interrupt(KeyboardInterrupt()), is_interrupt(SystemError())
    (True, False)
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
