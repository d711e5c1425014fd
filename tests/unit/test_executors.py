"""Executors: the same answers wherever the work runs, one thread each, and a clean end."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import time

import pytest

from bayesnu.errors import DeclarationError
from bayesnu.infer import executors

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


@pytest.mark.parametrize("text", ["", "processes", "processes:0", "processes:-1", "processes:two", "threads:2"])
def test_a_wrong_name_says_what_is_right(text):
    with pytest.raises(DeclarationError, match="serial or processes:N"):
        executors.executor(text)


@pytest.mark.parametrize("text", ["dask:local", "dask:tcp://127.0.0.1:8786"])
def test_a_cluster_names_its_extra(text):
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
    before = {name: os.environ.get(name) for name in executors.THREADS}
    with executors.executor("processes:1", {"load": [1, 2]}) as pool:
        parcel = executors.parcel(pool, "load", [1, 2])
        assert parcel.content is None
        assert pool.submit(executors.opened, parcel).result() == [1, 2]
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
        other = executors.parcel(pool, "other", "carried along")
        assert pool.submit(executors.opened, other).result() == "carried along"
    assert {name: os.environ.get(name) for name in executors.THREADS} == before


def test_any_executor_gets_the_value_itself():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        parcel = executors.parcel(pool, "load", 5)
        assert pool.submit(executors.opened, parcel).result() == 5


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
