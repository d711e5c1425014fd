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
# # A likelihood term in your own model
#
# **Question: how do I put COHERENT into a model that I have written myself?**
#
# You may have a theory that predicts a magnetic moment, and a PyMC model or an emcee script of that theory. Then you
# need the likelihood of the data alone, as a function of the moment. That is what `bn.term` gives. Moments are in
# units of $10^{-10}$ Bohr magnetons.

# %%
# %matplotlib inline
import arviz_stats as arviz
import emcee
import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from scipy.stats import norm

import bayesnu as bn

term = bn.term("coherent-csi-2017", interaction="magnetic-moment")
for p in term.free:
    print(f"{p.name:<16} {p.role:<10} unit {p.unit:<12} prior {p.prior}")

# %% [markdown]
# The parameter of interest has no prior: that is yours. The nuisances carry the constraints of the experiment. A term
# is a plain function of arrays. Nuisances that you do not pass stand at their centres.

# %%
moments = np.linspace(0.0, 60.0, 4)
print(term.log_likelihood(mu_nu=moments))
print(term.log_likelihood(mu_nu=moments, signal=1.2, prompt_neutrons=0.9))

# %% [markdown]
# ## In PyMC
#
# Suppose that your theory has a new scale $\Lambda$, and that the moment is $\mu = c\, (1\,\mathrm{TeV} / \Lambda)^2$
# with a coefficient $c$ that you know to a factor of two. (This is an example, not a theory.) Write the model as
# usual, and add the data by `term.pymc`. It creates the nuisances and the observed counts.

# %%
with pm.Model() as model:
    scale_tev = pm.Uniform("scale_tev", 0.5, 10.0)
    doublings = pm.Normal("doublings", 0.0, 1.0)
    mu = pm.Deterministic("mu", 30.0 * 2.0**doublings / scale_tev**2)
    term.pymc(mu_nu=mu)

print("free:", [rv.name for rv in model.free_RVs])
print("observed:", [rv.name for rv in model.observed_RVs])

# %%
with model:
    trace = pm.sample(
        draws=2000, tune=1000, chains=4, cores=1, random_seed=1, target_accept=0.99, progressbar=False, quiet=True
    )
by_nuts = {name: trace["posterior"][name] for name in ("mu", "scale_tev")}
divergent = float(trace["sample_stats"]["diverging"].mean())
print(f"R-hat of mu: {float(arviz.rhat(by_nuts['mu'])):.4f}; {divergent:.2%} of the draws diverged")
print(f"mu < {float(by_nuts['mu'].quantile(0.9)):.1f} at 90 %")
print(f"scale > {float(by_nuts['scale_tev'].quantile(0.1)):.2f} TeV at 90 %")

# %% [markdown]
# ## Draws of the prior, weighted
#
# Both numbers depend on the priors of your theory, not on COHERENT alone. To see how much, draw from the prior. Weight
# the draws by the likelihood, and you have the posterior a second time, without a Markov chain that may get stuck.
# This works for few parameters. The number of draws that count is $(\sum w)^2 / \sum w^2$.

# %%
rng = np.random.default_rng(1)
size = 400_000
prior_scale = rng.uniform(0.5, 10.0, size)
prior_mu = 30.0 * 2.0 ** rng.normal(0.0, 1.0, size) / prior_scale**2
nuisances = {"signal": rng.normal(1.0, 0.28, size), "prompt_neutrons": rng.normal(1.0, 0.25, size)}
weight = np.exp(term.log_likelihood(mu_nu=prior_mu, **nuisances))
print(f"draws that count: {weight.sum() ** 2 / (weight**2).sum():.0f} of {size}")


def weighted_quantile(x, p):
    return float(np.quantile(x, p, weights=weight, method="inverted_cdf"))


print(f"prior alone: mu < {np.quantile(prior_mu, 0.9):.1f}, scale > {np.quantile(prior_scale, 0.1):.2f} TeV")
print(
    f"weighted:    mu < {weighted_quantile(prior_mu, 0.9):.1f}, scale > {weighted_quantile(prior_scale, 0.1):.2f} TeV"
)
assert weighted_quantile(prior_mu, 0.9) < np.quantile(prior_mu, 0.9)
assert weighted_quantile(prior_scale, 0.1) > np.quantile(prior_scale, 0.1)

# %%
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
edges = np.linspace(0.5, 10.0, 40)
axes.hist(prior_scale, edges, density=True, histtype="step", color="grey", label="prior")
axes.hist(prior_scale, edges, density=True, weights=weight, histtype="step", color="black", label="prior, weighted")
axes.hist(by_nuts["scale_tev"].values.ravel(), edges, density=True, histtype="step", color="C0", label="NUTS")
axes.set(xlabel=r"scale $\Lambda$ [TeV]", ylabel="probability density [1/TeV]")
_ = axes.legend()

# %% [markdown]
# ## In an emcee script
#
# The same term, with a function of your own that adds your priors. `term.log_likelihood` leaves out the constraints of
# the nuisances, so that you may replace them. Here we write them as they were printed above. All walkers are evaluated
# at once (`vectorize=True`).


# %%
def log_prob(x):
    """Log posterior density of points (walkers, 4), but for a constant."""
    scale, doublings, signal, neutrons = x.T
    inside = (scale > 0.5) & (scale < 10.0)
    mu = 30.0 * 2.0**doublings / np.where(inside, scale, 1.0) ** 2
    prior = norm.logpdf(doublings) + norm.logpdf(signal, 1.0, 0.28) + norm.logpdf(neutrons, 1.0, 0.25)
    likelihood = term.log_likelihood(mu_nu=mu, signal=signal, prompt_neutrons=neutrons)
    return np.where(inside, prior + likelihood, -np.inf)


walkers = 40
start = np.column_stack(
    [rng.uniform(2.0, 10.0, walkers), rng.normal(0.0, 1.0, walkers), *rng.normal(1.0, 0.1, (2, walkers))]
)
sampler = emcee.EnsembleSampler(walkers, 4, log_prob, vectorize=True, moves=emcee.moves.DEMove())
sampler.random_state = np.random.RandomState(1).get_state()
sampler.run_mcmc(start, 4000)
tau = float(np.max(sampler.get_autocorr_time()))
kept = sampler.get_chain(discard=int(10 * tau), flat=True)
scale_emcee, mu_emcee = kept[:, 0], 30.0 * 2.0 ** kept[:, 1] / kept[:, 0] ** 2
independent = len(kept) / tau
print(f"autocorrelation time {tau:.0f} steps, so about {independent:.0f} independent draws")

# %% [markdown]
# ## Do they agree?
#
# We compare the share of draws below the limit that the weighted draws give. It should be 90 % (for the scale: 10 %),
# but for the Monte Carlo error, which follows from the number of independent draws.

# %%
for name, x, nuts, walked, p in (
    ("mu", prior_mu, by_nuts["mu"], mu_emcee, 0.9),
    ("scale_tev", prior_scale, by_nuts["scale_tev"], scale_emcee, 0.1),
):
    limit = weighted_quantile(x, p)
    effective = float(arviz.ess(nuts < limit, method="mean"))
    for method, values, number in (("NUTS", nuts.values, effective), ("emcee", walked, independent)):
        share, error = float(np.mean(values < limit)), float(np.sqrt(p * (1 - p) / number))
        print(f"{name:<10} {method:<6} share below {limit:.2f}: {share:.3f} +- {error:.3f}")
        assert abs(share - p) < 5 * error

# %% [markdown]
# ## Two experiments at once
#
# Terms add up. Parameters of equal name are shared: `mu_nu` is one parameter of both. Each has its own nuisances,
# because their names differ. Where one name stands for two different priors, the sum is an error.

# %%
both = term + bn.term("coherent-lar-2020", interaction="magnetic-moment")
print(both.experiments, both.names)
for moment in (0.0, 30.0):
    print(f"log-likelihood of both at mu_nu = {moment:g}: {float(both.log_likelihood(mu_nu=moment)):.2f}")

# %% [markdown]
# ## What to look out for
#
# * The signal's normalisation is a nuisance that multiplies the events of the moment as well. So the larger the
#   moment, the narrower the range of the normalisation: a **funnel**. NUTS can miss its neck. Divergences are its
#   sign: raise `target_accept` until they go, as we did, and compare with another method.
# * `bn.fit` of a whole model integrates such nuisances in closed form where that is exact. In a model of your own they
#   are ordinary variables.
# * One data set counts once. `term + term` is an error:

# %%
try:
    term + term
except bn.DeclarationError as error:
    print(error)
else:
    raise AssertionError("one data set was counted twice")
