# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Add your experiment
#
# **Question: what must I write down so that my detector can be analysed?**
#
# An experiment is a folder with one TOML file and its tables. No code is needed. This notebook declares an invented
# argon detector at a spallation source, checks it, predicts its events, and sets a limit on the magnetic moment. Then
# it adds COHERENT.

# %%
# %matplotlib inline
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import bayesnu as bn

folder = tempfile.TemporaryDirectory()
root = Path(folder.name)
experiment = root / "data" / "experiments" / "argon-invented"
experiment.mkdir(parents=True)
(root / "models").mkdir()

os.environ["BAYESNU_DATA"] = str(root)  # this folder is laid over the one that is shipped


def bayesnu(*arguments, code=0):
    """What you would type in a terminal: bayesnu ARGUMENTS."""
    command = [sys.executable, "-c", "from bayesnu.cli import main; main()", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print((done.stdout + done.stderr).replace(str(root), "ROOT"))
    assert done.returncode == code


# %% [markdown]
# ## The data
#
# Counts and backgrounds per bin are a table. Bins are in nuclear recoil energy [keV].

# %%
COUNTS = """low,high,counted,neutrons,dark
20,30,70,12.5,30
30,40,47,8.0,24
40,60,58,9.5,31
60,120,35,6.0,20
"""
_ = (experiment / "counts.csv").write_text(COUNTS)

# %% [markdown]
# ## The declaration
#
# Facts alone: source, target, response, efficiency, statistic. Units are in the names. Each number has a source, and
# each table its SHA-256 hash, so that a changed file is noticed. A hash that we do not know yet stays empty for now.
# There is one mistake in this file.

# %%
DECLARATION = """
title = "Invented argon detector at 25 m"
revision = 1
dataset = "argon-invented"
standard_model = "argon-sm"
flux = "pion-decay-at-rest"

[fluence]
kind = "protons-on-target"
protons_on_target = 3.0e22
neutrinos_per_proton = 0.09
baseline_m = 25.0

[detector.target]
formula = { 40Ar = 1 }
mas_kg = 100.0

[detector.response]
kind = "linear"
per_kev = 1.0

[detector.efficiency]
kind = "flat"
value = 0.6

[observable]
name = "nuclear recoil energy"
unit = "keV"

[counts]
file = "counts.csv"
observed_column = "counted"

[backgrounds.neutrons]
column = "neutrons"

[backgrounds.dark]
column = "dark"

[statistic]
kind = "poisson"

[sources.us]
reference = "Invented for this notebook"
doi = "10.0000/none"
where = "nowhere"
status = "typed"
covers = ["fluence", "detector", "counts", "backgrounds", "statistic"]
files = { "counts.csv" = "" }
"""
STANDARD_MODEL = """
title = "Invented argon detector, standard model"
experiments = ["argon-invented"]
interaction = ["sm"]
kinematics = "exact"
axial = false

[couplings]
kind = "tree"

[form_factor]
kind = "helm"

[fixed.sin2_theta_w]
value = 0.2312
unit = "1"

[nuisances.flux]
prior = { kind = "truncated-normal", mean = 1.0, sd = 0.1, low = 0.2, high = 1.8 }
scales = {}

[nuisances.neutrons]
prior = { kind = "truncated-normal", mean = 1.0, sd = 0.2, low = 0.2, high = 1.8 }
scales = { backgrounds = ["neutrons"] }

[sources.us]
reference = "Invented for this notebook"
doi = "10.0000/none"
where = "nowhere"
status = "typed"
covers = ["couplings", "form_factor", "fixed", "nuisances"]
"""
MOMENT = """
extends = "argon-sm"
title = "Invented argon detector, one effective magnetic moment"
interaction = ["sm", "magnetic-moment"]

[parameters.mu_nu]
unit = "1e-10 mu_B"
prior = { kind = "uniform", low = 0.0, high = 200.0 }
"""
(root / "models" / "argon-sm.toml").write_text(STANDARD_MODEL)
(root / "models" / "argon-moment.toml").write_text(MOMENT)
file = experiment / "experiment.toml"
_ = file.write_text(DECLARATION)

# %% [markdown]
# ## Check it
#
# `bayesnu check` names the file, the field, what it found, what it expected, and what to do. The exit code is 2.

# %%
bayesnu("check", file, code=2)

# %% [markdown]
# We mend the name and check again, and let the command write the hash of the table.

# %%
_ = file.write_text(DECLARATION.replace("mas_kg", "mass_kg"))
bayesnu("check", "--write-hashes", file)
bayesnu("check", root / "models" / "argon-sm.toml", root / "models" / "argon-moment.toml")

# %% [markdown]
# The hash protects the table. If somebody edits a count, nothing loads until the change is declared:

# %%
_ = (experiment / "counts.csv").write_text(COUNTS.replace("70", "79"))
try:
    bn.load("argon-moment")
except bn.DeclarationError as error:
    print(str(error).replace(str(root), "ROOT"))
else:
    raise AssertionError("an edited table was read")
_ = (experiment / "counts.csv").write_text(COUNTS)

# %% [markdown]
# ## Predict
#
# The standard model beside the data. `breakdown` gives the counts per bin of each component at one point. The order of
# the columns is that of `names`.

# %%
analysis = bn.load("argon-moment")
print(analysis.names)


def parts_at(moment):
    point = {"mu_nu": moment, "flux": 1.0, "neutrons": 1.0}
    parts = analysis.breakdown([point[name] for name in analysis.names])["argon-invented"]
    backgrounds = parts.pop("background")
    return backgrounds | {name: sum(fluxes.values()) for name, fluxes in parts.items()}


print(f"chi2 of the standard model: {float(analysis.chi2(analysis.standard_point())):.1f} in 4 bins")
for name, counts in parts_at(40.0).items():
    print(f"{name:<16}", np.round(counts, 1))

# %%
bins = np.array(analysis.model.setups[0].bins)
widths, observed = bins[:, 1] - bins[:, 0], analysis.observed["argon-invented"]
figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
base = np.zeros(len(bins))
for name, counts in parts_at(40.0).items():
    label = "magnetic moment of 40" if name == "magnetic-moment" else {"sm": "standard model"}.get(name, name)
    axes.bar(bins[:, 0], counts / widths, widths, base / widths, align="edge", label=label)
    base = base + counts
middle = bins.mean(axis=1)
axes.errorbar(middle, observed / widths, np.sqrt(observed) / widths, fmt="ko", ms=3, label="observed")
axes.set(xlabel="nuclear recoil energy [keV]", ylabel="events per keV")
_ = axes.legend(title=r"moments in $10^{-10}\,\mu_B$", fontsize=8)

# %% [markdown]
# A magnetic moment adds events at low recoil energies, as $1/T$. So the first bins count.

# %%
share = parts_at(40.0)["magnetic-moment"] / widths
print("events of the moment per keV:", np.round(share, 3))
assert (np.diff(share) < 0).all()

# %% [markdown]
# ## A limit
#
# The profile needs no sampling. The fit by emcee gives the credible limit under the flat prior.

# %%
scan = bn.profile(analysis, "mu_nu", others="zero", level=0.90)
tree = bn.fit(analysis, engine="emcee", seed=1, draws=1500)
bn.check(tree)
(row,) = bn.limits(tree, level=0.90)
print(f"profile {scan.attrs['limit']:.1f}, credible {row.credible_upper:.1f} +- {row.mcse:.2g}, in {row.unit}")

# %% [markdown]
# ## With COHERENT
#
# Analyses add up, yours and those that are shipped. `mu_nu` is one parameter of both, because name and prior are the
# same. The nuisances are apart. (Terms without priors add up as well: see notebook 01.)

# %%
csi = bn.load("coherent-csi-effective")
both = analysis + csi
print(both.names)
scans = {
    name: bn.profile(each, "mu_nu", others="zero", level=0.90)
    for name, each in (("invented argon", analysis), ("COHERENT CsI 2017", csi), ("both", both))
}
for name, scan in scans.items():
    print(f"{name:<18} mu_nu < {scan.attrs['limit']:.1f} {scan.attrs['unit']}")
limits = [scan.attrs["limit"] for scan in scans.values()]
assert limits[2] < min(limits[:2])

# %%
figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
for name, scan in scans.items():
    axes.plot(scan["value"], scan["delta_chi2"], label=name)
axes.axhline(scan.attrs["threshold"], color="grey", lw=0.7)
axes.set(xlim=(0, 60), ylim=(0, 6), xlabel=r"$\mu_\nu$ [$10^{-10}\,\mu_B$]", ylabel=r"profile $\Delta\chi^2$")
_ = axes.legend()

# %% [markdown]
# The shipped experiments in `data/experiments/` are good places to start from. What else a declaration can hold, such
# as quenching, energy resolution, arrival times or templates of your own, stands there with its sources. In a
# terminal, set `BAYESNU_DATA` to your folder: then every command of `bayesnu` knows your experiment.

# %%
folder.cleanup()
