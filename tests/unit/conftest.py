from concurrent.futures import Executor, Future

import pytest

from bayesnu.infer import executors


class Recording(Executor):
    """Says that it has two workers, does at once what it is handed, and records which functions that were."""

    workers = 2

    def __init__(self):
        self.functions = []

    def submit(self, fn, /, *args):
        inside = [function for function, *_ in args[0].values()] if fn is executors.do else [fn]
        self.functions += [function.__name__ for function in inside]
        future = Future()
        try:
            future.set_result(fn(*args))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def recording():
    """An executor that records what it was handed."""
    return Recording()
