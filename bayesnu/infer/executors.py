"""Where independent work runs: one after the other, in processes, or on any `concurrent.futures.Executor`.

Nothing heavy is imported here: a worker sets its number of threads before it loads NumPy.
"""

import contextlib
import itertools
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from types import TracebackType
from typing import Any, NamedTuple

from bayesnu.errors import DeclarationError, Problem

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Each worker has one: the workers are what runs in parallel."""

_CARGO: dict[str, Any] = {}
"""In a worker: what was shipped to it when it started."""


def executor(text: str, cargo: Mapping[str, Any] | None = None) -> Executor:
    """An executor from its name: "serial" or "processes:4"; `cargo` goes to each worker once, when it starts.

    A script that asks for processes keeps its work under `if __name__ == "__main__":`, because workers import it.

    >>> with executor("serial") as one:
    ...     one.submit(pow, 2, 3).result()
    8
    """
    kind, _, number = text.partition(":")
    if text == "serial":
        return Serial()
    if kind == "processes" and number.isdecimal() and int(number) > 0:
        return Processes(int(number), cargo or {})
    expected, hint = "serial or processes:N", "write for instance processes:4"
    if kind == "dask":
        hint = "a cluster needs the extra: pip install 'bayesnu[cluster]'; this version cannot use it by name yet"
    raise DeclarationError(Problem("command line", "executor", repr(text), expected, hint))


class Serial(Executor):
    """Each piece of work is done when it is submitted."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it now; an interrupt is not kept for later."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Processes(ProcessPoolExecutor):
    """New processes (not forks: those share locks with threads), each with one thread for linear algebra."""

    def __init__(self, workers: int, cargo: Mapping[str, Any]) -> None:
        self.cargo = frozenset(cargo)
        start = multiprocessing.get_context("spawn")
        super().__init__(workers, mp_context=start, initializer=_receive, initargs=(pickle.dumps(dict(cargo)),))

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand it to a worker, which may have to be started."""
        with _sheltered():
            return super().submit(fn, *args, **kwargs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Wait for what is running; after an error or an interrupt, nothing more is begun."""
        self.shutdown(wait=True, cancel_futures=kind is not None)
        return None


@contextlib.contextmanager
def _sheltered() -> Iterator[None]:
    """While workers start, one thread for each, and no interrupt: only their parent shall act on it."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    main = threading.current_thread() is threading.main_thread() and hasattr(signal, "pthread_sigmask")
    if main:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        if main:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _receive(cargo: bytes) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _CARGO.update(pickle.loads(cargo))


class Parcel(NamedTuple):
    """A value on its way to a worker, or only its key where the worker has it already."""

    key: str
    content: Any


def parcel(executor: Executor, key: str, value: Any) -> Parcel:
    """What to hand to an executor's workers with each piece of work."""
    there = isinstance(executor, Processes) and key in executor.cargo
    return Parcel(key, None if there else value)


def opened(parcel: Parcel) -> Any:
    """The value, in the worker."""
    return _CARGO[parcel.key] if parcel.content is None else parcel.content


def gathered(executor: Executor, tick: Callable[[Future[Any]], None], jobs: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Results in the order of the jobs; an error or an interrupt takes back what has not begun."""
    futures: list[Future[Any]] = []
    try:
        for function, *arguments in jobs:
            futures.append(executor.submit(function, *arguments))
            futures[-1].add_done_callback(tick)
        return [future.result() for future in futures]
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def counter(progress: Callable[[int, int], None] | None, total: int) -> Callable[[Future[Any]], None]:
    """What tells `progress` of each piece of work that is done."""
    count = itertools.count(1)
    return lambda future: progress(next(count), total) if progress else None
