"""What a run is doing, on standard error: a live line on a terminal, a line now and then elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

HEARTBEAT_S = 10.0


class Step:
    """One activity under way; `done(n, total)` moves its bar, `seconds` is how long it has taken."""

    def __init__(self, text: str) -> None:
        self.text, self.started = text, time.perf_counter()
        self.finished: float | None = None
        self.count, self.total = 0, 0

    def done(self, count: int, total: int) -> None:
        """Tell how far the activity is."""
        self.count, self.total = count, total

    @property
    def seconds(self) -> float:
        """Seconds that it took, or has taken so far."""
        return (self.finished or time.perf_counter()) - self.started

    def __str__(self) -> str:
        part = f" {self.count}/{self.total}" if self.total else ""
        return f"{self.text}{part} ({self.seconds:.0f} s)"


class Reporter(NamedTuple):
    """Where progress goes; a quiet one says nothing."""

    quiet: bool = False

    def say(self, text: str) -> None:
        """One line."""
        if not self.quiet:
            _console().print(text, highlight=False, markup=False)

    @contextmanager
    def step(self, text: str) -> Iterator[Step]:
        """Show that something is happening for as long as it does."""
        step = Step(text)
        if self.quiet:
            yield step
        elif _console().is_terminal:
            with _live(step):
                yield step
        else:
            with _heartbeat(step, self):
                yield step
        step.finished = time.perf_counter()
        if not self.quiet and step.seconds > 1:
            self.say(f"  {step.text}: {step.seconds:.1f} s")


def _console() -> Console:
    return Console(stderr=True)


@contextmanager
def _ticking(period_s: float, act: Callable[[], None]) -> Iterator[None]:
    """Call act() every period until the block ends."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(period_s):
            act()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _live(step: Step) -> Iterator[None]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console(), transient=True) as bars:
        task = bars.add_task(step.text, total=None)
        with _ticking(0.2, lambda: bars.update(task, completed=step.count, total=step.total or None)):
            yield


@contextmanager
def _heartbeat(step: Step, reporter: Reporter) -> Iterator[None]:
    with _ticking(HEARTBEAT_S, lambda: reporter.say(f"  {step}")):
        yield
