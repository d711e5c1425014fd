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
# # The global fit
#
# **Question: what does each experiment add to our knowledge of the transition moments?**
#
# Majorana neutrinos have three transition moments, $\Lambda_1, \Lambda_2, \Lambda_3$, with relative phases
# (arXiv:1905.03750). The model `global-tmm` holds four measured data sets: caesium iodide and argon of COHERENT
# (arXiv:1708.01294, arXiv:2003.10630), the electronic recoils of XENON1T (arXiv:2006.09721), and TEXONO at a reactor
# (Phys. Rev. D 81 (2010) 072001). Moments are in units of $10^{-11}$ Bohr magnetons here.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from scipy import optimize, stats

import bayesnu as bn
from bayesnu.infer import minimise
from bayesnu.likelihood import priors

analysis = bn.load("global-tmm")
short = dict(zip(analysis.experiments, ("CsI", "argon", "XENON1T", "TEXONO"), strict=True))
for name, label in short.items():
    print(f"{label:<8} {analysis.observed[name].size:>4} bins, {analysis.observed[name].sum():7.0f} counts   {name}")

# %% [markdown]
# ## What is shared
#
# A global fit is more than a product of likelihoods, because experiments share errors. Both COHERENT detectors stand
# in one beam. All see the same mixing angles. Where a nuisance acts is declared in the model:

# %%
for name, nuisance in analysis.model.nuisances.items():
    where = [short[e] for e in nuisance.scales.experiments] if nuisance.scales else ["the effective moments"]
    print(f"{name:<20} {priors.describe(nuisance.prior):<34} {', '.join(where)}")

# %% [markdown]
# ## One at a time
#
# `analysis.log_likelihoods` gives the log-likelihood of each experiment, vectorised over points. So we can profile
# with any subset of them. $\chi^2$ is minimised over all nuisances, by finite differences that are evaluated together.
# The moments that are not named stay at zero.

# %%
MODULI = ("lambda_1", "lambda_2", "lambda_3")
NUISANCES = tuple(analysis.model.nuisances)
column = {name: i for i, name in enumerate(analysis.names)}
prior = {p.name: p.prior for p in analysis.free}
size = {name: 5.0 if name in MODULI else getattr(prior[name], "sd", 0.3) for name in analysis.names}


def chi2(x, experiments):
    """-2 (log-likelihood of some experiments + nuisance constraints) of points (n, parameters)."""
    likelihoods = analysis.log_likelihoods(x)
    return -2 * (sum(likelihoods[name] for name in experiments) + analysis.log_constraints(x))


def minimum(experiments, held, free, start):
    """The lowest chi2 near a start, and where it is; what is neither held at a value nor free stays as it is."""
    base = start.copy()
    base[[column[name] for name in held]] = list(held.values())
    places, scale = [column[name] for name in free], np.array([size[name] for name in free])
    ends = np.array([priors.support(prior[name]) for name in free])
    low, high = ((ends[:, k] - base[places]) / scale for k in (0, 1))
    step = 1e-3
    shifts = np.concatenate([np.zeros((1, len(free))), step * np.eye(len(free)), -step * np.eye(len(free))])

    def cost(y):
        points = np.tile(base, (len(shifts), 1))
        points[:, places] += scale * (y + shifts)
        values = chi2(points, experiments)
        return values[0], (values[1 : 1 + len(free)] - values[1 + len(free) :]) / (2 * step)

    # No step of the differences may leave the range of a prior; angles have no ends.
    angle = np.array([analysis.free[place].dimension == "angle" for place in places])
    bounds = optimize.Bounds(np.where(angle, -np.inf, low + 2 * step), np.where(angle, np.inf, high - 2 * step))
    found = optimize.minimize(cost, np.clip(0.0, bounds.lb, bounds.ub), jac=True, method="L-BFGS-B", bounds=bounds)
    base[places] += scale * found.x
    return found.fun, base


def scan(experiments, name, grid, free=NUISANCES, starts=None):
    """Profile chi2 of one modulus over a grid: from each start up the grid, the lowest of all."""
    lowest = np.full(len(grid), np.inf)
    for start in starts or [analysis.centre()]:
        x = start
        for i, value in enumerate(grid):
            cost, x = minimum(experiments, {name: value}, free, x)
            lowest[i] = min(lowest[i], cost)
    return lowest


def interval(grid, values, level=0.90):
    """Where chi2 is no more than the asymptotic threshold above its minimum; None where the grid ends first."""
    fine = np.linspace(grid[0], grid[-1], 100_000)
    inside = fine[np.interp(fine, grid, values - values.min()) <= stats.chi2.ppf(level, 1)]
    return inside[0], inside[-1] if inside[-1] < grid[-1] else None


# %%
GRID = {"CsI": 600.0, "argon": 600.0, "XENON1T": 10.0, "TEXONO": 60.0, "all": 10.0}
subsets = {label: [name] for name, label in short.items()} | {"all": list(short)}
scans = {}
print("90 % intervals, other moments at zero [1e-11 mu_B]")
for label, experiments in subsets.items():
    grid = np.linspace(0.0, GRID[label], 41)
    found = []
    for name in MODULI:
        scans[label, name] = grid, scan(experiments, name, grid)
        low, high = interval(*scans[label, name])
        found.append(f"{name} [{low:5.1f}, {'-' if high is None else f'{high:5.1f}'}]")
    print(f"{label:<8}", "  ".join(found))

# %% [markdown]
# XENON1T alone sets the limits: those of the others are more than five times higher, and adding them hardly moves the
# ends. But its intervals have two ends. They contain the excess of 2020, which XENONnT did not confirm
# (arXiv:2207.11273; see notebook 05).

# %%
for name in MODULI:
    low, high = interval(*scans["XENON1T", name])
    both = interval(*scans["all", name])
    assert low > 0
    assert np.allclose(both, (low, high), atol=0.1)
    for label in ("CsI", "argon", "TEXONO"):
        assert interval(*scans[label, name])[1] > 5 * high
        assert interval(*scans[label, name])[0] == 0

# %%
figure, panels = plt.subplots(1, 3, figsize=(10, 3.3), sharey=True, layout="constrained")
for axes, name in zip(panels, MODULI, strict=True):
    for label in short.values():
        grid, values = scans[label, name]
        axes.plot(grid[1:], (values - values.min())[1:], label=label)
    axes.axhline(stats.chi2.ppf(0.90, 1), color="grey", lw=0.7)
    axes.set(xscale="log", ylim=(0, 10), xlabel=rf"$|\Lambda_{name[-1]}|$ [$10^{{-11}}\,\mu_B$]")
panels[0].set_ylabel(r"profile $\Delta\chi^2$, other moments at zero")
_ = panels[0].legend(fontsize=8)

# %% [markdown]
# ## Who sees a phase?
#
# With two moments, the phase between them matters, if flavours are seen. Solar neutrinos arrive as mass states, whose
# moments add without interference. Here are two equal moments and a turning phase:

# %%
turning = np.tile(analysis.centre(), (25, 1))
turning[:, [column["lambda_1"], column["lambda_2"]]] = 40.0
turning[:, column["zeta_2"]] = np.linspace(0.0, 2 * np.pi, 25)
spread = {short[name]: float(np.ptp(values)) for name, values in analysis.log_likelihoods(turning).items()}
for label, value in spread.items():
    print(f"{label:<8} log-likelihood changes by {value:.3f}")
assert spread["XENON1T"] < 1e-6 < spread["TEXONO"]
assert spread["TEXONO"] > max(spread["CsI"], spread["argon"])

# %% [markdown]
# XENON1T does not see the phase. TEXONO does. The moments here are too small for COHERENT to see much.
#
# ## What a blind spot costs, and who lifts it
#
# Let the second moment and the phase be free as well. In what TEXONO sees, the two can cancel, and its limit on the
# first is gone. One flavour is blind to a combination; XENON1T is not. We start from three phases, because there may
# be several minima.

# %%
starts = []
for phase in (0.1, 2.0, 4.0):
    start = analysis.centre()
    start[[column["lambda_2"], column["zeta_2"]]] = 10.0, phase
    starts.append(start)
free = ("lambda_2", "zeta_2", *NUISANCES)
grid = np.linspace(0.0, 49.0, 50)
blind = scan(subsets["TEXONO"], "lambda_1", grid, free, starts)
lifted = scan([*subsets["TEXONO"], *subsets["XENON1T"]], "lambda_1", np.linspace(0.0, 10.0, 41), free, starts)
print("lambda_1, second moment and phase free")
print("TEXONO alone:       largest delta chi2 up to 49 is", f"{np.max(blind - blind.min()):.2f}")
print("TEXONO and XENON1T: 90 % interval [{:.1f}, {:.1f}]".format(*interval(np.linspace(0.0, 10.0, 41), lifted)))
assert np.max(blind - blind.min()) < stats.chi2.ppf(0.90, 1)

# %% [markdown]
# ## Everything free
#
# `bn.profile` does this for the whole model: all moments, phases and nuisances are minimised over, from several starts
# and in both directions. Given an analysis it compiles the gradients first, which pays for long scans (`bayesnu
# profile` does so). For a few points `minimise.prepare_numpy` takes finite differences instead, and nothing needs to be
# compiled.

# %%
problem = minimise.prepare_numpy(analysis)
check = bn.profile(problem, "lambda_1", others="zero", level=0.90, points=11)
ends = check.attrs["interval_low"], check.attrs["limit"]
print(
    f"bn.profile, others at zero: [{ends[0]:.2f}, {ends[1]:.2f}]; our own scan: [{{:.2f}}, {{:.2f}}]".format(
        *interval(*scans["all", "lambda_1"])
    )
)
assert np.allclose(ends, interval(*scans["all", "lambda_1"]), atol=0.05)

# %%
print("90 % profile limits from all experiments [1e-11 mu_B]")
for name in MODULI:
    found = bn.profile(problem, name, others="profiled", level=0.90, points=11)
    low, high = found.attrs["interval_low"], found.attrs["limit"]
    alone = interval(*scans["all", name])
    print(f"{name}: others free [{low:.1f}, {high:.1f}], others at zero [{alone[0]:.1f}, {alone[1]:.1f}]")
    assert low == 0
    assert abs(high / alone[1] - 1) < 0.1

# %% [markdown]
# With everything free the lower ends are gone: any one of the moments can make the excess, so none of them has to. The
# upper ends hardly move. That is what the solar data add: without interference, no two moments can hide each other.
#
# ## The posterior
#
# Credible limits need a sampler. On the command line,
#
#     bayesnu fit global-tmm --profile --seed 1 --out global.nc
#     bayesnu limits global.nc --plots plots
#
# samples all 21 parameters by NUTS. The compilation alone takes a minute or more, so it is not done here. In a
# notebook it is `bn.fit(analysis, engine="nuts", seed=1, profiles=True)`.

# %%
assert len(analysis.names) == 21
