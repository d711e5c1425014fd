"""Small declarations written by the tests: experiments that bring their own templates, and models that use them.

Not a test module. Test files load it with `runpy.run_path`, because pytest's importlib mode knows no packages here.
"""

import csv
import hashlib
import json
from pathlib import Path

SOURCE = {"reference": "Written by a test", "where": "nowhere", "status": "typed", "doi": "10.0000/none"}
SM_FIXED = {"sin2_theta_w": {"value": 0.2312, "unit": "1"}}
NO_SIGNAL = (("nu_e", "sm-pp", 0, 0.0),)
"""Template rows of an experiment that sees backgrounds only."""


def toml(value):
    """A value as one line of TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value)


def write(file, tree):
    """A declaration, one line a key; returns its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(k)} = {toml(v)}\n" for k, v in tree.items()), encoding="utf-8")
    return file


def experiment(root, name, rows, observed, *, variance=None, backgrounds=None, standard_model="coherent-csi-sm"):
    """An experiment with `templates = FILE`: Poisson, or Gaussian where a variance per bin is given."""
    folder = Path(root) / "data" / "experiments" / name
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "templates.csv"
    with table.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([("flux", "term", "bin", "counts"), *rows])
    declared = {key: {"counts": [float(n) for n in counts]} for key, counts in (backgrounds or {}).items()}
    statistic = {"kind": "poisson"}
    if variance is not None:
        # Subtracted, it enters the variance only: so a test may choose any variance.
        declared["spread"] = {"counts": [float(v) for v in variance], "subtracted": True}
        statistic = {"kind": "gaussian", "variance": {"spread": 1.0}}
    covers = ["counts", "statistic", "backgrounds", "templates"]
    files = {table.name: hashlib.sha256(table.read_bytes()).hexdigest()}
    tree = {
        "title": name, "revision": 1, "dataset": name, "standard_model": standard_model, "flux": "pion-decay-at-rest",
        "templates": table.name, "observable": {"name": "n", "unit": "1"}, "statistic": statistic,
        "counts": {"bins": [[float(b), b + 1.0] for b in range(len(observed))], "observed": list(map(float, observed))},
        "backgrounds": declared, "sources": {"test": {**SOURCE, "covers": covers, "files": files}},
    }  # fmt: skip
    return write(folder / "experiment.toml", tree)


def model(root, name, experiments, *, interaction=("sm",), parameters=None, nuisances=None, fixed=SM_FIXED, **other):
    """A model at tree level with point nuclei, unless told otherwise."""
    tree = {
        "title": name, "experiments": experiments, "interaction": interaction, "kinematics": "exact", "axial": False,
        "couplings": {"kind": "tree"}, "form_factor": {"kind": "unity"}, "parameters": parameters or {},
        "nuisances": nuisances or {}, "fixed": fixed,
        "sources": {"test": {**SOURCE, "covers": ["couplings", "form_factor", "fixed", "nuisances"]}},
    }  # fmt: skip
    return write(Path(root) / "models" / f"{name}.toml", tree | other)


def prior(kind, **numbers):
    """A prior's declaration, numbers as floats."""
    return {"kind": kind} | {key: float(value) for key, value in numbers.items()}
