"""One thread for linear algebra: chains, walkers and points are what runs in parallel here.

The matrices of a fit are small. Threads that are woken for each of them cost more than they bring: several times the
time of a profile where the cores have other work.
"""

import functools
import os
from collections.abc import Callable

from threadpoolctl import threadpool_limits

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What the libraries for linear algebra read when they are loaded."""


def one_thread[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """While this function runs, linear algebra has one thread.

    >>> one_thread(abs)(-2)
    2
    """

    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with threadpool_limits(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited


def one_thread_unless_told() -> None:
    """For a process that is ours, before it loads NumPy; what the user has set stays."""
    for name in VARIABLES:
        os.environ.setdefault(name, "1")
