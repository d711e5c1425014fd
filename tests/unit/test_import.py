"""What `import bayesnu` costs, what it offers, and that the examples in its docstrings run."""

import doctest
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys

import pytest

import bayesnu

HEAVY = ("pymc", "pytensor", "arviz", "arviz_stats", "matplotlib", "numba", "nutpie", "xarray", "scipy.stats")
OWN_SECONDS = 0.5

COST = f"""
import json, sys, time
before = time.process_time()
import bayesnu
seconds = time.process_time() - before
print(json.dumps([seconds, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def in_a_new_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_importing_is_cheap_and_loads_nothing_heavy():
    seconds, loaded = in_a_new_process(COST)
    assert loaded == []
    assert seconds < OWN_SECONDS


@pytest.mark.parametrize("module", ["bayesnu.catalog", "bayesnu.schema", "bayesnu.errors"])
def test_declarations_need_no_sampler(module):
    code = f"import json, sys, {module}; print(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"
    assert in_a_new_process(code) == []


def test_predictions_need_neither_pymc_nor_plots():
    code = f"""
import json, sys, bayesnu
bayesnu.load("coherent-csi-effective").log_prob([10.0, 1.0, 1.0])
print(json.dumps([n for n in {HEAVY!r} if n in sys.modules and n != "scipy.stats"]))
"""
    assert in_a_new_process(code) == []


@pytest.mark.parametrize("name", bayesnu.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(bayesnu, name)
    if name == "__version__":
        assert value.count(".") == 2
        return
    assert inspect.getdoc(value)
    assert inspect.getdoc(value) != inspect.getdoc(type(value))
    assert name in dir(bayesnu)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = bayesnu.no_such_thing


class Examples(doctest.DocTestFinder):
    """Those of decorated functions as well."""

    def _from_module(self, module, object):
        return super()._from_module(module, inspect.unwrap(object))


MODULES = [found.name for found in pkgutil.walk_packages(bayesnu.__path__, "bayesnu.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    module, runner = importlib.import_module(name), doctest.DocTestRunner()
    failed = [example.name for example in Examples().find(module) if runner.run(example).failed]
    assert failed == []


def test_examples_are_found_behind_decorators():
    found = {e.name: e.examples for e in Examples().find(importlib.import_module("bayesnu.infer.profile"))}
    assert found["bayesnu.infer.profile.profile"]
