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
# # Diagnostics
#
# **Question: what can go wrong with a limit, and how does bayesnu say so?**
#
# Five things are shown, each with real data: a chain that is too short, a blind spot, a likelihood that levels off, a
# phase without meaning, and a threshold at a wall. Moments are in units of $10^{-10}$ Bohr magnetons.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

import bayesnu as bn
from bayesnu import schema
from bayesnu.infer import checks, evidence, reweighting
from bayesnu.report import other_priors, plots, tables
from bayesnu.report import toys as toy_tables

# %% [markdown]
# TEXONO saw electron antineutrinos of a reactor alone (Phys. Rev. D 81 (2010) 072001). The data fix one effective
# moment, but the neutrinos have three transition moments $\Lambda_1, \Lambda_2, \Lambda_3$ with phases
# (arXiv:1905.03750, Eq 9). To keep the example small, we leave two of them free, and the phase $\zeta_2$ between them.

# %%
analysis = bn.load("texono-tmm").fix(lambda_3=0.0, zeta_3=0.0)
for p in analysis.free:
    print(f"{p.name:<9} {p.role:<10} {p.unit:<12} {p.prior}")

# %% [markdown]
# ## 1. Too short a chain
#
# Every fit passes a gate or fails it: R-hat below 1.01 on every quantity, enough independent draws, few divergences.
# With 60 steps it fails. The result is complete all the same, but `bn.check` raises an error, the table marks every
# row with `!`, and the plot is stamped. On the command line the exit code is 1.

# %%
short = bn.fit(analysis, engine="emcee", seed=1, draws=60)
try:
    bn.check(short)
except bn.ConvergenceError as error:
    print(error)
else:
    raise AssertionError("60 steps passed the gate")

# %%
table = tables.as_text(bn.limits(short, level=0.90))
print("\n".join(line for line in table.splitlines() if line.startswith("!")))
assert "! lambda_1" in table

# %%
plots.limit_plot(short, "lambda_1", level=0.90)

# %% [markdown]
# Left alone, emcee goes on until the gate is passed. Ensembles are the chains, not walkers, because walkers depend on
# each other.

# %%
tree = bn.fit(analysis, engine="emcee", seed=1)
bn.check(tree)
found = checks.recorded(tree)
print(f"R-hat at most {found.r_hat_max:.4f}; ensembles of {found.steps_per_tau_min:.0f} autocorrelation times")
print(dict(tree["posterior"].sizes))

# %% [markdown]
# ## 2. A blind spot
#
# Two moments can cancel in the combination that reactor neutrinos see. Then both may be large. R-hat is fine, and the
# table below has a limit on each. But these are limits of the prior.

# %%
rows = [row for row in bn.limits(tree, level=0.90) if row.credible_upper is not None]
for row in rows:
    print(
        f"{row.parameter} < {row.credible_upper:.2f} +- {row.mcse:.2f} with the declared range {row.range};"
        f" < {row.half_range_upper:.2f} with half of it; limited by the range: {row.limited_by_range}"
    )
print(next(caveat for caveat in rows[0].caveats if caveat.startswith("effective moments")))
assert all(row.limited_by_range for row in rows)

# %% [markdown]
# bayesnu looks at the draws within half the range of every modulus. Where they give another limit, the note under the
# table says "limited by the range of its prior". The effective moment, which the data do see, is much less affected.
# To see what happens with twice the range, we have to sample again (`bayesnu limits RESULT --double-range` does the
# same).


# %%
def rerun(what, priors, alone):
    return reweighting.rerun(analysis, priors, seed=2)


twice = other_priors.doubled(tree, level=0.90, rerun=rerun)
print(other_priors.doubled_as_text(twice, other_priors.ranges(tree), 0.90))
ratio = {row.name: row.doubled_upper / row.upper for row in twice}
assert min(ratio["lambda_1"], ratio["lambda_2"]) > 1.1 > ratio["mu_eff_nubar_e"]

# %%
draws = {name: tree["posterior"][name].values.ravel() for name in ("lambda_1", "lambda_2", "zeta_2", "mu_eff_nubar_e")}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
near = np.cos(draws["zeta_2"]) > 0
for chosen, label in ((near, r"$\cos\zeta_2 > 0$"), (~near, r"$\cos\zeta_2 < 0$")):
    left.plot(draws["lambda_1"][chosen], draws["lambda_2"][chosen], ".", ms=1, label=label)
left.set(xlabel=r"$|\Lambda_1|$ [$10^{-10}\,\mu_B$]", ylabel=r"$|\Lambda_2|$ [$10^{-10}\,\mu_B$]")
left.legend(markerscale=8)
for name in ("lambda_1", "lambda_2", "mu_eff_nubar_e"):
    right.hist(draws[name], 50, range=(0, 10), density=True, histtype="step", label=name)
right.set(xlabel=r"moment [$10^{-10}\,\mu_B$]", ylabel="probability density")
_ = right.legend(fontsize=8)

# %% [markdown]
# The long arm on the left is the blind spot: there the phase is near zero, and what one moment adds the other takes
# away.

# %%
arm = draws["lambda_1"] > 6
print(f"cos zeta_2 > 0 for {near.mean():.2f} of all draws, for {near[arm].mean():.3f} of those with lambda_1 > 6")
assert near[arm].mean() > 0.95 > near.mean()

# %% [markdown]
# ## 3. A likelihood that levels off
#
# In COHERENT CsI 2017 one nuisance multiplies all signal, also that of the moment. A huge moment with a tiny
# normalisation still fits, at a finite price. So $\Delta\chi^2$ levels off, and every prior range leaves some weight
# far out. How much, depends on the prior. Here $\Delta\chi^2$ at the end of the range stands beside the 90 % quantiles
# of two priors on it, by quadrature.

# %%
csi = bn.load("coherent-csi-effective")
flat, square, rise = {}, {}, {}
for end in (100.0, 200.0, 1000.0, 5000.0):
    # The equal-tailed interval of 80 % ends at the quantile of 90 %.
    flat[end], square[end] = (row.equal_tailed[1] for row in evidence.evidences(csi, "mu_nu", level=0.80, high=end)[:2])
    longer = reweighting.with_priors(csi, {"mu_nu": schema.Uniform(low=0.0, high=end)})
    scan = bn.profile(longer, "mu_nu", others="zero", level=0.90)
    rise[end] = scan.attrs["delta_chi2_at_range_end"]
    print(
        f"range to {end:5.0f}: delta chi2 there {rise[end]:4.1f}; profile limit {scan.attrs['limit']:.1f};"
        f" 90 % below {flat[end]:5.1f} (flat), {square[end]:7.1f} (flat in the square)"
    )

# %% [markdown]
# From 1000 to 5000 $\Delta\chi^2$ no longer rises. Under the flat prior the limit stays all the same: the larger the
# moment, the narrower the range of normalisations that fit, so little weight is far out. A prior that is flat in the
# square puts more there, and its limit keeps growing with the range. The notes under the table of limits say how far
# $\Delta\chi^2$ has risen at the end of the range, where that is little.

# %%
assert rise[5000.0] - rise[1000.0] < 1.0
assert abs(flat[5000.0] / flat[200.0] - 1) < 0.02
assert min(np.diff(list(square.values()))) > 3.0

# %% [markdown]
# ## 4. A phase without meaning
#
# A phase lives on a circle, so its mean is that of its cosine and sine. And it means something only where the moment
# that it belongs to matters. The length of the mean vector, $|\langle e^{i\zeta}\rangle|$, is 1 for a known phase and
# 0 for a flat one.

# %%
zeta = draws["zeta_2"]
vector = np.exp(1j * zeta)
print(f"naive mean of zeta_2: {zeta.mean():.2f} rad; circular mean: {np.angle(vector.mean()):.2f} rad")
lengths = []
for low, high in ((0, 1), (1, 3), (3, 6), (6, 10)):
    chosen = (draws["lambda_1"] >= low) & (draws["lambda_1"] < high)
    lengths.append(abs(vector[chosen].mean()))
    print(f"lambda_1 in [{low}, {high}): mean vector of zeta_2 has length {lengths[-1]:.2f} ({chosen.sum()} draws)")
assert np.all(np.diff(lengths) > 0)
assert abs(zeta.mean() - np.pi) < 0.3
assert abs(np.angle(vector.mean())) < 0.3

# %% [markdown]
# The naive mean is near $\pi$, where hardly any long arm is; the circular one is near zero. For a small $\Lambda_1$
# the phase is nearly flat. So a limit on a phase says nothing without the moments. bayesnu gives none. It does judge
# the convergence of phases, by cosine and sine.
#
# A phase can also make separate modes. R-hat cannot see a mode that all chains miss. So minima of $\chi^2$ are sought
# from many points, and draws are assigned to them. The result says:

# %%
print(next(caveat for caveat in rows[0].caveats if caveat.startswith("posterior")))

# %% [markdown]
# ## 5. A threshold at a wall
#
# The profile limit takes $\Delta\chi^2 = 2.71$ for 90 %. That is right far from boundaries. A moment cannot be
# negative, so near zero it is not. Toys tell the actual coverage: data are simulated at a true moment, and we count
# how often the interval holds the truth.

# %%
toys = bn.toys(csi, "mu_nu", true=[0.0, 20.0, 40.0], number=2000, seed=1)
print(toy_tables.as_text(toys))
summary = toys["summary"].to_dataset().sel(level=0.90)
assert float(summary["coverage"][0]) > 0.93
assert float(summary["threshold"][0]) < 2.0 < stats.chi2.ppf(0.90, 1)

# %% [markdown]
# At zero the interval covers in about 95 % of all cases in place of 90 %: the best value is at the wall in half of the
# toys. The limit is too careful there, not wrong. The column "threshold" is what Feldman and Cousins would use
# (arXiv:physics/9711021).

# %% [markdown]
# ## And always: the prior
#
# Other priors of the same moduli, from the same draws. `k` below 0.7 means that the weights can be trusted.

# %%
others = bn.limits_under(tree, ["square", "log"], level=0.90, log_from=0.1)
print(other_priors.as_text(rows, others, 0.90))
assert all(other.upper is not None for other in others)
spread = [other.upper for other in others if other.parameter == "lambda_1"]
assert max(spread) > 2 * min(spread)

# %% [markdown]
# The limits on $\Lambda_1$ differ by more than a factor of two. In a blind spot, do not quote one without its prior,
# or quote the effective moment.
