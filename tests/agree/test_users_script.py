"""What a user writes by hand: a PyMC model with a prior of her own, an emcee script, sums of terms."""

import emcee
import numpy as np
import pymc as pm
import pytest
from scipy import stats

import bayesnu as bn
from bayesnu import schema
from bayesnu.errors import DeclarationError

EXPERIMENT = "coherent-csi-2017"
POINT = {"mu_nu": 30.0, "signal": 1.1, "prompt_neutrons": 0.8}


@pytest.fixture(scope="module")
def term():
    return bn.term(EXPERIMENT, interaction="magnetic-moment")


@pytest.fixture(scope="module")
def second(tmp_path_factory, synthetic):
    """A second experiment, whose signal the same nuisance scales."""
    root = tmp_path_factory.mktemp("second")
    rows = [("nu_mu", "magnetic-moment", b, 0.02) for b in range(3)] + [("nu_e", "sm-nn", b, 60.0) for b in range(3)]
    synthetic.experiment(root, "second", rows, [30, 22, 18], variance=[25, 25, 25], backgrounds={"dark": [4, 4, 4]},
                         standard_model="second-sm")  # fmt: skip
    nuisances = {
        "signal": {"prior": synthetic.prior("normal", mean=1, sd=0.28), "scales": {"experiments": ["second"]}},
        "dark": {"prior": synthetic.prior("normal", mean=1, sd=0.1), "scales": {"backgrounds": ["dark"]}},
    }
    synthetic.model(root, "second-sm", ["second"], nuisances=nuisances,
                    fixed={"sin2_theta_w": {"value": 0.2312, "unit": "1"}})  # fmt: skip
    return root


def density(model, point):
    """Log density of a PyMC model at named values of its free variables, without Jacobians."""
    names = [rv.name for rv in model.free_RVs]
    plain = pm.model.transform.conditioning.remove_value_transforms(model)
    compiled = plain.compile_fn(
        plain.logp(jacobian=False), inputs=[plain.rvs_to_values[plain[n]] for n in names], mode="FAST_COMPILE",
        point_fn=False,
    )  # fmt: skip
    return float(compiled(*(point[n] for n in names)))


# --- PyMC -------------------------------------------------------------------------------------------------------------


def test_a_prior_of_the_users_own(term):
    with pm.Model() as model:
        mine = pm.Exponential("mine", lam=1 / 40)
        returned = term.pymc(mu_nu=mine)
    assert returned is model
    assert {rv.name for rv in model.free_RVs} == {"mine", "signal", "prompt_neutrons"}
    assert [rv.name for rv in model.observed_RVs] == [EXPERIMENT]
    expected = (
        float(term.log_likelihood(**POINT))
        + stats.expon(scale=40).logpdf(30.0)
        + stats.norm(1, 0.28).logpdf(1.1)
        + stats.norm(1, 0.25).logpdf(0.8)
    )
    found = density(model, {"mine": 30.0, "signal": 1.1, "prompt_neutrons": 0.8})
    assert found == pytest.approx(expected, abs=1e-7)


def test_nuisances_of_the_users_own(term):
    """Whatever is passed replaces what the package would make: here everything."""
    with pm.Model() as model:
        mu = pm.HalfNormal("mu", sigma=50.0)
        term.pymc(mu_nu=mu, signal=pm.LogNormal("flux", 0.0, 0.1), prompt_neutrons=1.0)
    assert {rv.name for rv in model.free_RVs} == {"mu", "flux"}
    expected = (
        float(term.log_likelihood(mu_nu=30.0, signal=1.1, prompt_neutrons=1.0))
        + stats.halfnorm(scale=50).logpdf(30.0)
        + stats.lognorm(0.1).logpdf(1.1)
    )
    assert density(model, {"mu": 30.0, "flux": 1.1}) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("value", [0.0, 30.0, 4097.0, 5])
def test_a_plain_number_in_place_of_a_variable(term, value):
    """Also one that single precision would hold, whose square it would not."""
    with pm.Model() as model:
        term.pymc(mu_nu=value)
    expected = float(term.log_likelihood(**POINT | {"mu_nu": value}))
    expected += stats.norm(1, 0.28).logpdf(1.1) + stats.norm(1, 0.25).logpdf(0.8)
    assert density(model, POINT) == pytest.approx(expected, rel=1e-12, abs=1e-7)


def test_a_users_model_can_be_sampled(term):
    with pm.Model():
        mine = pm.Uniform("mine", 0.0, 200.0)
        term.pymc(mu_nu=mine)
        # The slowest of steps, the quickest to compile: this is about the graph, not about the sampler.
        drawn = pm.sample(
            draws=400, tune=400, chains=2, cores=1, step=pm.Slice(), random_seed=3, progressbar=False, quiet=True,
            compute_convergence_checks=False, compile_kwargs={"mode": "FAST_COMPILE"},
        )  # fmt: skip
    draws = np.asarray(drawn["posterior"]["mine"])
    reference = bn.load("coherent-csi-effective")
    x = reference.sample_prior(200_000, np.random.default_rng(5))
    weight = np.exp(reference.log_prob(x) - reference.log_prior(x))
    mean = np.average(x[:, 0], weights=weight)
    sd = np.sqrt(np.average((x[:, 0] - mean) ** 2, weights=weight))
    assert draws.mean() == pytest.approx(mean, abs=0.3 * sd)
    assert draws.std() == pytest.approx(sd, rel=0.25)


# --- emcee ------------------------------------------------------------------------------------------------------------


def test_an_emcee_script(term):
    """Vectorised: her prior plus the term, with the nuisance constraints that she leaves to the package or not."""

    def log_prob(x):
        mu, signal, neutrons = x.T
        inside = (mu > 0) & (mu < 200)
        constraints = stats.norm.logpdf(signal, 1, 0.28) + stats.norm.logpdf(neutrons, 1, 0.25)
        likelihood = term.log_likelihood(mu_nu=mu, signal=signal, prompt_neutrons=neutrons)
        return np.where(inside, likelihood + constraints - np.log(200), -np.inf)

    analysis = bn.load("coherent-csi-effective")
    rng = np.random.default_rng(7)
    start = analysis.sample_prior(32, rng)
    np.testing.assert_allclose(log_prob(start), analysis.log_prob(start), rtol=1e-12)
    sampler = emcee.EnsembleSampler(32, 3, analysis.log_prob, vectorize=True, moves=emcee.moves.DEMove())
    sampler.run_mcmc(start, 20)
    np.testing.assert_allclose(log_prob(sampler.get_chain(flat=True)), sampler.get_log_prob(flat=True), rtol=1e-12)


def test_arrays_of_points_and_nuisances_at_their_centre(term):
    mu = np.array([0.0, 20.0, 60.0])
    values = term.log_likelihood(mu_nu=mu)
    assert values.shape == (3,)
    assert [float(term.log_likelihood(mu_nu=m, signal=1.0, prompt_neutrons=1.0)) for m in mu] == pytest.approx(values)
    assert values[0] > values[2]


def test_what_is_missing_or_unknown_is_named(term):
    with pytest.raises(DeclarationError, match="mu_nu"):
        term.log_likelihood(signal=1.0)
    with pytest.raises(DeclarationError, match="did you mean 'mu_nu'"):
        term.log_likelihood(mu_mu=1.0)
    with pytest.raises(DeclarationError, match="no prior"):
        term.log_prob([1.0, 1.0, 1.0])
    with pytest.raises(DeclarationError, match="no prior"):
        term.pymc()


# --- sums -------------------------------------------------------------------------------------------------------------


def test_a_sum_of_terms_shares_what_has_one_name(term, second):
    other = bn.term("second", interaction="magnetic-moment", root=second)
    both = term + other
    assert both.names == ("mu_nu", "signal", "prompt_neutrons", "dark")
    assert both.experiments == (EXPERIMENT, "second")
    values = POINT | {"dark": 1.2}
    apart = term.log_likelihood(**POINT) + other.log_likelihood(**{n: v for n, v in values.items() if n in other.names})
    assert float(both.log_likelihood(**values)) == pytest.approx(float(apart), abs=1e-10)


def test_a_shared_nuisance_scales_both_and_is_constrained_once(term, second):
    other = bn.term("second", interaction="magnetic-moment", root=second)
    both = term + other
    x = np.array([30.0, 1.1, 0.8, 1.2])
    moved = both.expected(x * [1, 2, 1, 1])
    for name, counts in both.expected(x).items():
        assert (moved[name] > counts).all()
    constraint = stats.norm(1, 0.28).logpdf(1.1) + stats.norm(1, 0.25).logpdf(0.8) + stats.norm(1, 0.1).logpdf(1.2)
    assert float(both.log_constraints(x)) == pytest.approx(constraint, abs=1e-12)


def test_a_sum_in_pymc_is_the_sum_of_its_terms(term, second):
    other = bn.term("second", interaction="magnetic-moment", root=second)
    point = {"mu": 30.0, "signal": 1.1, "prompt_neutrons": 0.8, "dark": 1.2}
    with pm.Model() as at_once:
        (term + other).pymc(mu_nu=pm.Uniform("mu", 0.0, 200.0))
    with pm.Model() as one_by_one:
        mu = pm.Uniform("mu", 0.0, 200.0)
        term.pymc(mu_nu=mu)
        # The second call finds `signal` made by the first, and shares it.
        other.pymc(mu_nu=mu)
    assert {rv.name for rv in at_once.free_RVs} == {rv.name for rv in one_by_one.free_RVs} == set(point)
    assert density(at_once, point) == pytest.approx(density(one_by_one, point), abs=1e-10)


def test_priors_given_by_hand_make_a_term_complete():
    alone = bn.term(EXPERIMENT, interaction="magnetic-moment", mu_nu=schema.Uniform(low=0.0, high=200.0))
    model = bn.load("coherent-csi-effective")
    x = model.sample_prior(5, np.random.default_rng(9))
    # The model reads the window as the paper does; the term takes the experiment as it is published.
    assert alone.names == model.names
    assert np.isfinite(alone.log_prob(x)).all()


# --- what must not pass silently --------------------------------------------------------------------------------------


def test_a_foreign_variable_of_that_name_is_an_error(term):
    with pm.Model():
        mu = pm.Uniform("mu", 0.0, 200.0)
        pm.Normal("signal", 0.0, 1.0)
        with pytest.raises(DeclarationError, match="did not make"):
            term.pymc(mu_nu=mu)


def test_one_name_with_two_priors_is_an_error(term, second, synthetic, tmp_path):
    rows = [("nu_mu", "magnetic-moment", 0, 0.02)]
    synthetic.experiment(
        tmp_path, "third", rows, [3], backgrounds={"dark": [4]}, standard_model="third-sm", variance=[9]
    )
    wider = {"signal": {"prior": synthetic.prior("normal", mean=1, sd=0.5), "scales": {"experiments": ["third"]}}}
    synthetic.model(tmp_path, "third-sm", ["third"], nuisances=wider)
    third = bn.term("third", interaction="magnetic-moment", root=tmp_path)
    with pytest.raises(DeclarationError, match="signal"):
        term + third
    with pm.Model():
        mu = pm.Uniform("mu", 0.0, 200.0)
        term.pymc(mu_nu=mu)
        with pytest.raises(DeclarationError, match="the prior it has already"):
            third.pymc(mu_nu=mu)


def test_two_likelihoods_of_one_data_set_are_an_error(term):
    with pytest.raises(DeclarationError, match="data set"):
        term + term
    with pytest.raises(DeclarationError, match="data set"):
        term + bn.term(EXPERIMENT, interaction="tmm")


def test_a_model_of_its_own_leaves_others_alone(term):
    """Outside a `with` block each call makes a new model."""
    analysis = bn.load("coherent-csi-effective")
    first, again = analysis.pymc(), analysis.pymc()
    assert first is not again
    assert (
        [rv.name for rv in first.free_RVs]
        == [rv.name for rv in again.free_RVs]
        == ["mu_nu", "signal", "prompt_neutrons"]
    )
