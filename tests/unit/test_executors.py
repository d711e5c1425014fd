"""Executors: the same answers wherever the work runs, one thread each, and a clean end."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bayesnu.errors import BayesnuError, DeclarationError
from bayesnu.infer import executors, threads

INTERRUPTED = """
import sys, time
from bayesnu.infer import executors
if __name__ == "__main__":
    with executors.executor("processes:2") as pool:
        first = [pool.submit(time.sleep, 0.1) for _ in range(2)]
        [f.result() for f in first]
        rest = [pool.submit(time.sleep, 0.5) for _ in range(400)]
        print("ready", flush=True)
        [f.result() for f in rest]
"""


HALF_SENT = """
import os, struct
from bayesnu.infer import executors
if __name__ == "__main__":
    with executors.executor("processes:1") as pool:
        pool.submit(os.getpid).result()
        # What a worker leaves that is ended while it sends a result: the length, and some of so many bytes.
        os.write(pool._result_queue._writer.fileno(), struct.pack("!i", 1000) + bytes(10))
        raise KeyboardInterrupt
"""


@pytest.mark.parametrize("text", ["", "processes", "processes:0", "processes:two", "threads:2", "dask", "dask:"])
def test_a_wrong_name_says_what_is_right(text):
    with pytest.raises(DeclarationError, match="serial, processes:N, dask:local or dask:ADDRESS"):
        executors.executor(text)


@pytest.mark.parametrize("text", ["dask:local", "dask:tcp://127.0.0.1:8786"])
def test_a_cluster_names_its_extra(text, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DeclarationError, match=r"bayesnu\[cluster\]"):
        executors.executor(text)


def test_serial_work_raises_where_it_is_asked_for():
    with executors.executor("serial") as one:
        assert one.submit(divmod, 7, 2).result() == (3, 1)
        failed = one.submit(divmod, 7, 0)
    with pytest.raises(ZeroDivisionError):
        failed.result()


def test_an_interrupt_ends_serial_work():
    def interrupt():
        raise KeyboardInterrupt

    with executors.executor("serial") as one, pytest.raises(KeyboardInterrupt):
        one.submit(interrupt)


def test_processes_have_one_thread_and_their_cargo():
    before = {name: os.environ.get(name) for name in threads.VARIABLES}
    with executors.executor("processes:1", {"load": [1, 2]}) as pool:
        parcel = executors.parcel(pool, "load", [1, 2])
        assert parcel.content is None
        assert pool.submit(executors.opened, parcel).result() == [1, 2]
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
        other = executors.parcel(pool, "other", "carried along")
        assert pool.submit(executors.opened, other).result() == "carried along"
    assert {name: os.environ.get(name) for name in threads.VARIABLES} == before


def test_any_executor_gets_the_value_itself():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        parcel = executors.parcel(pool, "load", 5)
        assert pool.submit(executors.opened, parcel).result() == 5


def test_work_comes_as_it_is_done_and_is_taken_back_after_an_error():
    jobs = {"slow": (time.sleep, 0.2), "fast": (divmod, 7, 2)}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert [name for name, _ in executors.completed(pool, jobs)] == ["fast", "slow"]
    done = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        more = {"wrong": (divmod, 7, 0), **{str(i): (time.sleep, 0.2) for i in range(100)}}
        started = time.monotonic()
        with pytest.raises(ZeroDivisionError):
            done += [name for name, _ in executors.completed(pool, more)]
    assert time.monotonic() - started < 5
    assert not done


def test_short_jobs_go_out_together():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        submitted = []

        class Counting(executors.Serial):
            workers = 2

            def submit(self, fn, /, *args):
                submitted.append(args)
                return pool.submit(fn, *args)

        jobs = {str(i): (divmod, i, 3) for i in range(100)}
        assert dict(executors.completed(Counting(), jobs)) == {str(i): divmod(i, 3) for i in range(100)}
    assert len(submitted) == 2 + 8  # Each of two workers: one to measure, then four of 13 or fewer.


def test_serial_work_is_there_before_the_next_begins():
    order = []
    jobs = {str(i): (order.append, i) for i in range(3)}
    for name, _ in executors.completed(executors.Serial(), jobs):
        assert order == list(range(int(name) + 1))


def test_a_worker_that_dies_is_reported():
    with (
        executors.executor("processes:1") as pool,
        pytest.raises(BayesnuError, match=r"a worker process died.*--resume"),
    ):
        list(executors.completed(pool, {"killed": (os._exit, 9)}))


def test_what_runs_beside_is_taken_back_with_the_rest():
    with executors.ahead(executors.Serial(), {"a": (divmod, 1, 0)}) as futures:
        assert futures == {}
    with (
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        pytest.raises(KeyError),
        executors.ahead(pool, {str(i): (time.sleep, 0.1) for i in range(50)}) as futures,
    ):
        raise KeyError
    assert sum(f.cancelled() for f in futures.values()) >= 48


ORPHAN = """
import os, time
from bayesnu.infer import executors
if __name__ == "__main__":
    pool = executors.executor("processes:1")
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
def test_no_worker_outlives_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        worker = int(command.stdout.readline())
        command.kill()
    until = time.monotonic() + 10
    while _alive(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "zombie" not in Path(f"/proc/{process}/status").read_text() if Path("/proc").is_dir() else True


@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
def test_an_interrupt_ends_processes_without_a_word_from_them(tmp_path):
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    command = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with command:
        assert command.stdout is not None
        assert command.stderr is not None
        assert command.stdout.readline() == "ready\n"
        started = time.monotonic()
        # As a terminal does it: to the whole group.
        os.killpg(command.pid, signal.SIGINT)
        said = command.stderr.read()
    assert time.monotonic() - started < 10
    assert said.count("Traceback") == 1
    assert said.strip().endswith("KeyboardInterrupt")
    assert command.returncode != 0


@pytest.mark.skipif(sys.platform == "win32", reason="another kind of pipe")
def test_an_interrupt_while_a_result_is_sent_ends_all_the_same(tmp_path):
    script = tmp_path / "half_sent.py"
    script.write_text(HALF_SENT)
    done = subprocess.run([sys.executable, str(script)], stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert done.stderr.strip().endswith("KeyboardInterrupt")
