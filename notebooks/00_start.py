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
# # Start here
#
# **Question: how large may the magnetic moment of a neutrino be, given the first COHERENT data?**
#
# In 2017 the COHERENT collaboration saw neutrinos scatter coherently off caesium iodide (arXiv:1708.01294). A magnetic
# moment would add events. We take the model `coherent-csi-effective`, in which the neutrinos of all flavours have one
# effective moment, and ask for a limit in two ways. Moments are in units of $10^{-10}$ Bohr magnetons throughout.

# %%
# %matplotlib inline
import tempfile
from pathlib import Path

import numpy as np

import bayesnu as bn
from bayesnu.report import other_priors, plots, tables

analysis = bn.load("coherent-csi-effective")
for p in analysis.free:
    print(f"{p.name:<16} {p.role:<10} {p.prior}")

# %% [markdown]
# ## What is predicted
#
# `mu_nu` is the parameter of interest. The other two are nuisances: they scale the signal and the background of prompt
# neutrons, and their Gaussian priors are what others have measured. The data are one number, the events between 6 and
# 30 photoelectrons. The events of the magnetic moment grow with its square.

# %%
(experiment,) = analysis.experiments
print(f"observed: {analysis.observed[experiment].sum():.0f} events (after subtraction of the steady background)")
for moment in (0.0, 20.0, 40.0):
    parts = analysis.breakdown([moment, 1.0, 1.0])[experiment]
    events = {name: sum(float(counts.sum()) for counts in fluxes.values()) for name, fluxes in parts.items()}
    print(f"mu_nu = {moment:4.0f}:", ", ".join(f"{name} {n:.1f}" for name, n in events.items()))

one, two = (analysis.expected([m, 1.0, 1.0])[experiment].sum() for m in (20.0, 40.0))
none = analysis.expected([0.0, 1.0, 1.0])[experiment].sum()
assert np.isclose(two - none, 4 * (one - none))

# %% [markdown]
# ## Two limits from one likelihood
#
# `bn.fit` samples the posterior; `engine="emcee"` needs no compilation of the model. With `profiles=True` it also
# scans the profile likelihood: at each value of the moment, $\chi^2$ is minimised over the nuisances.

# %%
tree = bn.fit(analysis, engine="emcee", seed=1, profiles=True, level=0.90)
bn.check(tree)  # raises an error if the run did not converge
print(tables.as_text(bn.limits(tree, level=0.90)))

# %%
plots.limit_plot(tree, "mu_nu", level=0.90)

# %% [markdown]
# The two numbers answer different questions.
#
# * The **credible** limit is the value below which 90 % of the posterior lies. It needs a prior. Here the prior is
#   flat from 0 to 200.
# * The **profile** limit is the value at which $\Delta\chi^2$ reaches 2.71. It needs no prior for the moment, but the
#   threshold is exact only for many events and away from the boundary at zero.
#
# So they differ, by more than the Monte Carlo error. Neither is wrong. Always say which one you quote. The notes below
# the table name what else you should know, such as inputs that nobody has checked against their source.

# %%
(row,) = bn.limits(tree, level=0.90)
print(f"profile / credible = {row.profile_upper / row.credible_upper:.3f}")
assert abs(row.profile_upper - row.credible_upper) > 2 * row.mcse

# %% [markdown]
# ## What the prior does
#
# A prior that is flat in the moment is not flat in its square, though it is the square that the data see. The same
# draws are weighted here by the ratio of the priors. The number k says whether the weights can be trusted: they can
# below 0.7. A prior that is flat in the logarithm must start somewhere above zero; we let it start at 1.

# %%
others = bn.limits_under(tree, ["square", "log"], level=0.90, log_from=1.0)
print(other_priors.as_text(bn.limits(tree, level=0.90), others, 0.90))

# %% [markdown]
# The prior that is flat in the square favours large moments and gives the weakest limit. The logarithmic one favours
# small moments and gives the strongest.

# %%
square, log = (other.upper for other in others)
assert square is not None
assert log is not None
assert log < row.credible_upper < square

# %% [markdown]
# ## Does it agree with a paper?
#
# The paper arXiv:1905.03750 gives 90 % limits on three transition moments from the same data, one at a time with the
# others at zero. The model `coherent-csi-tmm` declares these values beside its parameters. We scan the first.

# %%
moments = bn.load("coherent-csi-tmm")
for published in moments.model.published:
    print(f"{published.parameter} < {published.value} {published.unit}, others {published.others}: {published.source}")

# %%
found = bn.profile(moments, "lambda_1", others="zero", level=0.90)
(theirs,) = (p.value for p in moments.model.published if p.parameter == "lambda_1")
ours = found.attrs["limit"]
print(f"lambda_1 < {ours:.1f} {found.attrs['unit']}, others at zero: {ours / theirs:.3f} of theirs")
assert abs(ours / theirs - 1) < 0.01

# %% [markdown]
# ## Keep the result
#
# A result is one netCDF file. It holds the draws, the profiles, the model with all its numbers, the seed and the
# versions of the programs. Every table and every figure can be made again from it.

# %%
with tempfile.TemporaryDirectory() as folder:
    file = bn.save_result(tree, Path(folder) / "csi.nc")
    again = bn.open_result(file)
    print(f"{file.stat().st_size / 1e6:.1f} MB: {', '.join(again.children)}")
    assert bn.limits(again, level=0.90) == bn.limits(tree, level=0.90)

# %% [markdown]
# The same from a terminal:
#
#     bayesnu fit coherent-csi-effective --engine emcee --profile --seed 1 --out csi.nc
#     bayesnu limits csi.nc --priors square,log --log-from 1 --plots plots
#
# Go on with `01_a_likelihood_term_in_your_model.py` if you have a model of your own, or with `04_diagnostics.py` to
# see what can go wrong.
