"""Where independent work runs: one after the other, in processes, on a cluster, or on any Executor of Python.

Nothing heavy is imported here: a worker sets its number of threads before it loads NumPy.
"""

import contextlib
import importlib.util
import itertools
import logging
import math
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, NamedTuple

from bayesnu.errors import BayesnuError, DeclarationError, Problem
from bayesnu.infer import threads

Job = tuple[Any, ...]
"""A function and its arguments."""

NAMES = "serial, processes:N, dask:local or dask:ADDRESS"
ALLOWED_FAILURES = 20
"""A piece of work is given up when so many workers have died of it: batch systems kill for reasons of theirs."""

TASK_SECONDS, PROBES = 0.5, 4
"""A cluster takes milliseconds to hand out a piece of work: short ones go together, but each worker gets a few."""
CONNECT_SECONDS = 10.0

_CARGO: dict[str, Any] = {}
"""In a worker: what was shipped to it when it started."""


def executor(text: str, cargo: Mapping[str, Any] | None = None) -> Executor:
    """An executor from its name; `cargo` goes to each worker once, when it starts.

    "serial"; "processes:4"; "dask:local", a cluster of all cores of this machine; "dask:tcp://HOST:8786", the scheduler
    of a running one. A script that asks for processes or dask:local keeps its work under `if __name__ == "__main__":`,
    because workers import it.

    >>> with executor("serial") as one:
    ...     one.submit(pow, 2, 3).result()
    8
    """
    kind, _, number = text.partition(":")
    if text == "serial":
        return Serial()
    if kind == "processes" and number.isdecimal() and int(number) > 0:
        return Processes(int(number), cargo or {})
    if kind == "dask" and number:
        return Cluster(number, cargo or {})
    raise _wrong(text, "write for instance processes:4")


@contextlib.contextmanager
def given_or_own(wanted: Executor | str | None, cargo: Mapping[str, Any]) -> Iterator[Executor]:
    """The executor that is given, which stays open; or one of our own from its name, with its cargo, for the block.

    >>> with given_or_own(None, {}) as one:
    ...     workers(one)
    1
    """
    if isinstance(wanted, Executor):
        yield wanted
    else:
        with executor(wanted or "serial", cargo) as own:
            yield own


def _wrong(text: str, hint: str) -> DeclarationError:
    return DeclarationError(Problem("command line", "executor", repr(text), NAMES, hint))


def workers(executor: Executor | None) -> int:
    """How many pieces of work may run at once, as far as that is known; of a foreign executor, more than one.

    >>> workers(Serial())
    1
    """
    return int(getattr(executor, "workers", 2)) if executor is not None else 1


class Serial(Executor):
    """Each piece of work is done when it is submitted."""

    workers = 1

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
        self.cargo, self.workers = frozenset(cargo), workers
        start = multiprocessing.get_context("spawn")
        super().__init__(workers, mp_context=start, initializer=_receive, initargs=(pickle.dumps(dict(cargo)),))

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand it to a worker, which may have to be started."""
        with _sheltered():
            return super().submit(fn, *args, **kwargs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Wait for what is running; after an error nothing more is begun, and an interrupt ends what is."""
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._end_workers()
        self.shutdown(wait=True, cancel_futures=kind is not None)
        return None

    def _end_workers(self) -> None:
        """At once; of a result that a worker has sent by half, the pool then knows that nothing more will come."""
        processes = list((self._processes or {}).values())
        for process in processes:
            process.terminate()
        for process in processes:
            wait([process.sentinel])
        # The pool waits for the rest of a message as long as anybody could write it, this process included.
        self._result_queue._writer.close()  # type: ignore[attr-defined]


@contextlib.contextmanager
def _sheltered() -> Iterator[None]:
    """While workers start, one thread for each, and no interrupt: only their parent shall act on it."""
    before = {name: os.environ.get(name) for name in threads.VARIABLES}
    os.environ.update(dict.fromkeys(threads.VARIABLES, "1"))
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


def leave_interrupts_to_the_parent() -> None:
    """In a worker: a terminal sends Ctrl-C to all processes, and one acts on it for all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _receive(cargo: bytes) -> None:
    leave_interrupts_to_the_parent()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    _CARGO.update(pickle.loads(cargo))


def _end_with_the_parent() -> None:
    """A parent that is killed tells nobody: its workers would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


class Cluster(Executor):
    """A cluster of dask.distributed: what a worker was doing when it died is done again by another."""

    def __init__(self, address: str, cargo: Mapping[str, Any]) -> None:
        if not importlib.util.find_spec("distributed"):
            raise _wrong(f"dask:{address}", "a cluster needs the extra: pip install 'bayesnu[cluster]'")
        import dask
        from distributed import Client, LocalCluster

        dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_FAILURES})
        # dask warns of workers that are slow to leave, and of work that an interrupt cut short.
        quiet = {"dashboard_address": None, "silence_logs": logging.ERROR}
        local = {"n_workers": os.cpu_count(), "threads_per_worker": 1, **quiet}
        self._own = LocalCluster(**local) if address == "local" else None
        try:
            self._client = Client(self._own or address, set_as_default=False, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise _wrong(f"dask:{address}", f"no scheduler there ({error}): start one with `dask scheduler`") from None
        if self._own is not None:
            self._client.run(leave_interrupts_to_the_parent)
        self.cargo = frozenset(cargo)
        self.workers = max(2, sum(self._client.nthreads().values()))
        self._shipment = _shipment(pickle.dumps(dict(cargo))) if cargo else None
        if self._shipment is not None:
            self._client.register_plugin(self._shipment)
        self._executor = self._client.get_executor(pure=False)

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand it to the scheduler."""
        future: Future[T] = self._executor.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, and end it where it is our own."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        if self._shipment is not None:
            self._client.unregister_worker_plugin(self._shipment.name)
        self._client.close()
        if self._own is not None:
            self._own.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """After an error or an interrupt, nothing more is waited for."""
        self.shutdown(cancel_futures=kind is not None)
        return None


def _shipment(cargo: bytes) -> Any:
    """What the scheduler hands to each worker once, also to those that join later."""
    from distributed import WorkerPlugin

    # Here, because only dask's extra has the class that it must descend from.
    class Shipment(WorkerPlugin):  # type: ignore[misc]
        name = f"bayesnu-{os.getpid()}-{id(cargo)}"

        def setup(self, worker: Any) -> None:
            load_cargo(cargo)

    return Shipment()


def load_cargo(cargo: bytes) -> None:
    """In a worker: unpack what was shipped to it."""
    _CARGO.update(pickle.loads(cargo))


class Parcel(NamedTuple):
    """A value on its way to a worker, or only its key where the worker has it already."""

    key: str
    content: Any


def parcel(executor: Executor, key: str, value: Any) -> Parcel:
    """What to hand to an executor's workers with each piece of work."""
    there = key in getattr(executor, "cargo", ())
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


def completed(executor: Executor, jobs: Mapping[str, Job]) -> Iterator[tuple[str, Any]]:
    """Names and results as they come; an error or an interrupt takes back what has not begun.

    Many short jobs go out in batches of TASK_SECONDS, after a few that say how long one takes.
    """
    names, width = list(jobs), workers(executor)
    probes = names[:width] if 1 < width < len(names) / PROBES else names
    seconds = 0.0
    for done in _each(executor, [{name: jobs[name]} for name in probes]):
        seconds = max(seconds, done.seconds)
        yield from done.results
    rest = names[len(probes) :]
    size = min(math.ceil(TASK_SECONDS / max(seconds, 1e-3)), math.ceil(len(rest) / (PROBES * width)))
    batches = [{name: jobs[name] for name in batch} for batch in itertools.batched(rest, max(size, 1))]
    for done in _each(executor, batches):
        yield from done.results


class Done(NamedTuple):
    """What some jobs gave, and how long the whole took."""

    results: list[tuple[str, Any]]
    seconds: float


def do(jobs: Mapping[str, Job]) -> Done:
    """In a worker: some jobs, one after the other."""
    began = time.perf_counter()
    results = [(name, function(*arguments)) for name, (function, *arguments) in jobs.items()]
    return Done(results, time.perf_counter() - began)


def _each(executor: Executor, batches: Iterable[Mapping[str, Job]]) -> Iterator[Done]:
    futures: list[Future[Done]] = []
    try:
        for batch in batches:
            futures.append(executor.submit(do, batch))
            if futures[-1].done():
                yield futures.pop().result()
        for future in as_completed(list(futures)):
            futures.remove(future)
            yield future.result()
    except BrokenExecutor:
        raise BayesnuError(
            "a worker process died (killed, or out of memory); where an output file was named, what is finished is"
            " kept beside it, and --resume goes on from there"
        ) from None
    finally:
        for future in futures:
            future.cancel()


@contextlib.contextmanager
def ahead(executor: Executor | None, jobs: Mapping[str, Job]) -> Iterator[dict[str, Future[Any]]]:
    """Work that goes on beside what is done here; none of it where nothing can run beside."""
    beside = None if isinstance(executor, Serial) else executor
    futures = {name: beside.submit(*job) for name, job in jobs.items()} if beside else {}
    try:
        yield futures
    finally:
        for future in futures.values():
            future.cancel()


def counter(progress: Callable[[int, int], None] | None, total: int) -> Callable[[Future[Any]], None]:
    """What tells `progress` of each piece of work that is done."""
    count = itertools.count(1)
    return lambda future: progress(next(count), total) if progress else None
