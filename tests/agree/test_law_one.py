"""Law 1: one prediction, one likelihood. PyMC less its charts is NumPy; the profile's cost is their chi-square."""

import functools
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor
import pytest
from pymc.model.transform.conditioning import remove_value_transforms
from scipy import integrate, optimize, stats

import bayesnu as bn
from bayesnu import catalog, schema
from bayesnu.infer import minimise
from bayesnu.likelihood import charts, nuisances, priors, pymc_model
from bayesnu.likelihood.marginal import marginal

HERE = Path(__file__)
REPOSITORY = HERE.parents[2]
SYNTHETIC = SimpleNamespace(**runpy.run_path(str(HERE.with_name("synthetic.py"))))
# A model without free parameters has no density: its counts are tested elsewhere.
SHELF = catalog.Catalog((REPOSITORY,))
SHIPPED = sorted(
    name
    for name in catalog.models(SHELF)
    for model in [catalog.resolve(SHELF, name)]
    if model.parameters | model.nuisances
)
POINTS = 50
PRIOR_DRAWS = 2000

# --- models written here: each statistic, prior, chart; a knob; a nuisance of two experiments -------------------------

prior, MOMENT, ONE, RADIAN = SYNTHETIC.prior, {"unit": "1e-10 mu_B"}, {"unit": "1"}, {"unit": "rad"}
FLAT = {"kind": "circular"}
ANGLES = {f"sin2_theta_{k}": {"value": v, "unit": "1"} for k, v in (("12", 0.3125), ("13", 0.02), ("23", 0.5))}
DELTA = {"delta_cp": {"value": 0.4, "unit": "rad"}}
TMM_FIXED = SYNTHETIC.SM_FIXED | ANGLES | DELTA


def moduli(kind="uniform", **numbers):
    numbers = numbers or {"low": 0, "high": 60}
    return {f"lambda_{i}": MOMENT | {"prior": prior(kind, **numbers)} for i in (1, 2, 3)}


def phases(zeta_2=FLAT, zeta_3=FLAT):
    return {"zeta_2": RADIAN | {"prior": zeta_2}, "zeta_3": RADIAN | {"prior": zeta_3}}


def tmm(parameters, experiment="toy-gaussian", **other):
    settings = {"interaction": ["sm", "tmm"], "fixed": TMM_FIXED} | other
    return {"experiments": [experiment], "parameters": parameters} | settings


def one_moment(kind, unit="1e-10 mu_B", **numbers):
    parameters = {"mu_nu": {"unit": unit, "prior": prior(kind, **numbers)}}
    return {"experiments": ["toy-poisson"], "interaction": ["sm", "magnetic-moment"], "parameters": parameters}


def scale(kind, experiments, **numbers):
    selectors = {k: numbers.pop(k) for k in ("backgrounds", "fluxes", "terms") if k in numbers}
    return {"prior": prior(kind, **numbers), "scales": {"experiments": experiments} | selectors}


WRITTEN: dict[str, dict[str, Any]] = {
    # Scales of Poisson counts, each kind of prior that a scale can have.
    "scales-poisson": one_moment("truncated-normal", mean=5, sd=4, low=0, high=20)
    | {
        "nuisances": {
            "flux": scale("truncated-normal", ["toy-poisson"], mean=1, sd=0.2, low=0, high=2),
            "nu_e_flux": scale("log-uniform", ["toy-poisson"], low=0.5, high=2, fluxes=["nu_e"]),
            "moment_rate": scale("half-normal", ["toy-poisson"], sd=1, terms=["magnetic-moment"]),
            "flat_rate": scale("uniform", ["toy-poisson"], low=0.5, high=1.5, backgrounds=["flat"]),
            "steep_rate": scale("square-uniform", ["toy-poisson"], low=0.2, high=1.5, backgrounds=["steep"]),
            "flat_bins": scale("control-counts", ["toy-poisson"], backgrounds=["flat"]) | {"per_bin": True},
        }
    },
    # One flux error in two experiments of different statistic and shape, beside their own ones.
    "shared-flux": one_moment("half-normal", sd=10)
    | {
        "experiments": ["toy-gaussian", "toy-poisson"],
        "nuisances": {
            "flux": scale("truncated-normal", [], mean=1, sd=0.1, low=0.5, high=1.5),
            "gaussian_rate": scale("normal", ["toy-gaussian"], mean=1, sd=0.2),
            "gaussian_flat": scale("normal", ["toy-gaussian"], mean=1, sd=0.5, backgrounds=["flat"]),
        },
    },
    # Two Gaussian experiments whose shared nuisance has a closed form: one joint solve.
    "shared-closed-form": one_moment("uniform", low=0, high=20)
    | {
        "experiments": ["toy-gaussian", "toy-twin"],
        "nuisances": {
            "flux": scale("normal", [], mean=1, sd=0.1),
            "flat": scale("normal", [], mean=0.9, sd=0.3, backgrounds=["flat"]),
        },
    },
    # A knob in one experiment, a flux error in both, an uncertain mixing angle.
    "knob-and-shared-flux": one_moment("log-uniform", low=0.1, high=100)
    | {
        "experiments": ["coherent-csi-2017-spectrum", "toy-gaussian"],
        "parameters": {
            "mu_nu": MOMENT | {"prior": prior("log-uniform", low=0.1, high=100)},
            "sin2_theta_w": ONE | {"prior": prior("truncated-normal", mean=0.23, sd=0.02, low=0.1, high=0.4)},
        },
        "fixed": {},
        "nuisances": {
            "flux": scale("truncated-normal", [], mean=1, sd=0.1, low=0.5, high=1.5),
            "light_yield": {"knob": "light-yield", "prior": prior("uniform", low=0.8, high=1.6)},
        },
    },
    "moment-uniform": one_moment("uniform", low=0, high=20),
    "moment-log": one_moment("log-uniform", unit="1e-11 mu_B", low=1, high=200),
    "moment-square": one_moment("square-uniform", low=0, high=20),
    "moment-square-from-two": one_moment("square-uniform", low=2, high=20),
    "moment-half-normal": one_moment("half-normal", sd=10),
    # Charts of complex moments.
    "signed-uniform": tmm(moduli()),
    "signed-half-normal": tmm(moduli("half-normal", sd=30), "toy-poisson"),
    "disc": tmm(moduli("square-uniform", low=0, high=60)),
    "log-and-ring": tmm(moduli("log-uniform", low=0.1, high=60)),
    "mixed-charts": tmm(
        moduli()
        | {"lambda_2": MOMENT | {"prior": prior("square-uniform", low=0, high=60)}}
        | {"lambda_3": MOMENT | {"prior": prior("log-uniform", low=0.1, high=60)}}
    ),
    "informative-phase": tmm(moduli() | phases(prior("circular", mean=2.0, concentration=3.0))),
    "sharp-phase": tmm(moduli() | phases(FLAT, prior("circular", mean=6.2, concentration=40.0))),
    "cp-phase-ring": tmm(
        moduli() | {"delta_cp": RADIAN | {"prior": prior("circular", mean=4.0, concentration=1.5)}},
        fixed=SYNTHETIC.SM_FIXED | ANGLES,
    ),
    # No mixing matrix is preferred.
    "haar-mixing": tmm(
        moduli() | {"delta_cp": RADIAN | {"prior": FLAT}},
        fixed=SYNTHETIC.SM_FIXED,
        nuisances={
            f"sin2_theta_{ij}": ONE | {"prior": {"kind": "haar", "apart": apart}}
            for ij, apart in (("12", 1), ("13", 2), ("23", 1))
        },
    ),
    "cp-phase-normal": tmm(
        moduli() | {"delta_cp": {"unit": "deg", "prior": prior("normal", mean=200, sd=30)}},
        fixed=SYNTHETIC.SM_FIXED | ANGLES,
    ),
    "one-modulus": tmm(
        {"lambda_2": MOMENT | {"prior": prior("uniform", low=0, high=60)}},
        fixed=TMM_FIXED
        | {f"lambda_{i}": {"value": 9.0, "unit": "1e-10 mu_B"} for i in (1, 3)}
        | {"zeta_3": {"value": 1.0, "unit": "rad"}},
    ),
}


def with_phases(declared):
    """Phases that a model does not mention are flat."""
    if "tmm" not in declared["interaction"]:
        return declared
    missing = {k: v for k, v in phases().items() if k not in declared["parameters"] | declared["fixed"]}
    return declared | {"parameters": declared["parameters"] | missing}


def write_catalog(root):
    rows = [
        (flux, term, b, size * (1 + 0.3 * ((7 * b + i + j) % 5)))
        for i, (flux, size) in enumerate((("nu_mu", 1.0), ("nubar_mu", 3.0), ("nu_e", 2.0)))
        for j, (term, size) in enumerate((("sm-pp", size), ("sm-nn", 20 * size), ("magnetic-moment", size / 50)))
        for b in range(3)
    ]
    backgrounds = {"flat": [12, 12, 12], "steep": [20, 9, 4]}
    SYNTHETIC.experiment(root, "toy-poisson", [*rows, ("nu_e", "magnetic-moment", 3, 0.1)], [62, 50, 39, 15],
                         backgrounds={"flat": [12, 12, 12, 12], "steep": [20, 9, 4, 1]})  # fmt: skip
    for name, observed in (("toy-gaussian", [70, 45, 40]), ("toy-twin", [66, 49, 52])):
        SYNTHETIC.experiment(root, name, rows, observed, variance=[90, 60, 50], backgrounds=backgrounds)
    for name, declared in WRITTEN.items():
        SYNTHETIC.model(root, name, **with_phases(declared))


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("law-one")
    write_catalog(folder)
    return folder


# --- a model twice ----------------------------------------------------------------------------------------------------


class Twice(NamedTuple):
    """One density in NumPy and in PyMC, with draws of what PyMC samples and of what its user sees."""

    numeric: Any
    """An Analysis, or a Marginal: what is left when its affine nuisances have been integrated."""
    charts: dict[str, charts.Chart]
    density: Any
    """Sampled point -> (log density, physical parameters)."""
    sampled: tuple[str, ...]
    draws: list[np.ndarray]
    seen: np.ndarray
    constant: float

    def evaluate(self, point):
        found = self.density(*point)
        parts, physical = found[: -len(self.numeric.names)], found[-len(self.numeric.names) :]
        return float(sum(np.sum(part) for part in parts)), np.array(physical, dtype=float)

    def chart_density(self, point, physical):
        """Sum of the declared chart densities at a sampled point."""
        where = dict(zip(self.sampled, point, strict=True))
        values = dict(zip(self.numeric.names, physical, strict=True))
        return sum(
            charts.chart_log_density(chart.kind, values[p.name], where.get(f"{p.name}_{chart.kind}"), end(p))
            for p in self.numeric.free
            for chart in [self.charts[p.name]]
        )


def end(p):
    return getattr(p.prior, "high", np.nan)


def build_twice(numeric, model, chosen):
    # Without value transforms a sampled point is what pm.draw gives: signed moduli, rings, discs, logarithms.
    model = remove_value_transforms(model)
    seen = [model[name] for name in numeric.names]
    # The parts of the density are summed outside: without compiled code, PyTensor adds no more than 32 at once.
    density = model.compile_fn(
        [*model.logp(jacobian=False, sum=False), *model.replace_rvs_by_values(seen)],
        inputs=[model.rvs_to_values[rv] for rv in model.free_RVs],
        mode="FAST_COMPILE", point_fn=False, on_unused_input="ignore",
    )  # fmt: skip
    drawn = pm.draw([*model.free_RVs, *seen], draws=PRIOR_DRAWS, random_seed=1905, mode="FAST_COMPILE")
    sampled = tuple(rv.name for rv in model.free_RVs)
    draws, physical = drawn[: len(sampled)], np.stack(drawn[len(sampled) :], axis=1)
    return Twice(numeric, chosen, density, sampled, draws, physical, library_error(numeric.free))


def library_error(free):
    """What PyMC's truncated normals lack: log_diff_normal_cdf takes log(0.5) in single precision, 1.9e-9 too high."""
    total = 0.0
    for declared in (p.prior for p in free if isinstance(p.prior, schema.TruncatedNormal)):
        ends = {"lower": np.float64(declared.low), "upper": np.float64(declared.high)}
        theirs = pm.TruncatedNormal.dist(np.float64(declared.mean), np.float64(declared.sd), **ends)
        value = np.float64(declared.mean)
        exact = float(priors.log_density(declared, value, np))
        error = float(pm.logp(theirs, value).eval(mode="FAST_COMPILE")) - exact
        assert abs(error) < 5e-9, "a constant, far below anything that matters"
        total += error
    return total


def near_the_maximum(both, number, rng):
    """Physical points within a few units of the highest density that a random climb in NumPy finds, and that one."""
    widths = both.seen.std(axis=0)
    values = both.numeric.log_prob(both.seen)
    best, top, step = both.seen[np.argmax(values)], values.max(), 0.5
    for _ in range(400):
        tried, found = steps(both, best, step * widths, rng)
        step = max(step * (1.3 if found.max() > top else 0.9), 1e-3)
        best, top = (tried[np.argmax(found)], found.max()) if found.max() > top else (best, top)
    near, step = [], 0.3
    while len(near) < number:
        tried, found = steps(both, best, step * widths, rng)
        near += list(tried[found > top - 6])
        step *= 0.8
        assert step > 1e-6
    return np.array(near[:number]), top


def steps(both, point, widths, rng, number=32):
    tried = point + widths * rng.standard_normal((number, len(point)))
    for i, p in enumerate(both.numeric.free):
        if isinstance(p.prior, schema.Circular):
            tried[:, i] %= 2 * np.pi / p.factor
    found = both.numeric.log_prob(tried)
    return tried, np.where(np.isfinite(found), found, -np.inf)


def in_charts(both, physical):
    """The sampled point whose physical parameters these are: of two signs the positive one, of a ring its circle."""
    values = dict(zip(both.numeric.names, physical, strict=True))
    point = []
    for name in both.sampled:
        p = next(p for p in both.numeric.free if name in {p.name, *(f"{p.name}_{kind}" for kind in INVERSE)})
        partner = both.charts[p.name].partner
        angle = next((values[q.name] * q.factor for q in both.numeric.free if q.name == partner), 0.0)
        inverse = INVERSE.get(name.removeprefix(f"{p.name}_"), lambda value, p, angle: value)
        point.append(np.array(inverse(values[p.name], p, angle)))
    return point


def on_the_disc(modulus, p, angle):
    radius = modulus / np.sqrt(p.prior.high**2 - modulus**2)
    return radius * np.array([np.cos(angle), np.sin(angle)])


INVERSE = {
    "signed": lambda value, p, angle: value,
    "ring": lambda value, p, angle: [np.cos(value * p.factor), np.sin(value * p.factor)],
    "disc": on_the_disc,
    "log": lambda value, p, angle: np.log(value),
    "square": lambda value, p, angle: value**2,
}


def of_analysis(analysis):
    return build_twice(analysis, analysis.pymc(), pymc_model.chart_of(analysis, {}))


def of_marginal(analysis):
    target = marginal(analysis)
    chosen = pymc_model.chart_of(analysis, dict.fromkeys(target.solved.names, 1.0))
    return build_twice(target, pymc_model.build_marginal(target), chosen)


@pytest.fixture(scope="session")
def twice(root):
    @functools.cache
    def get(name):
        analysis = bn.load(name.removesuffix(INTEGRATED), root=root)
        return of_marginal(analysis) if name.endswith(INTEGRATED) else of_analysis(analysis)

    return get


ALL = [*SHIPPED, *WRITTEN]
INTEGRATED = " integrated"
# Of each kind one: what the samplers see once the affine nuisances are integrated.
DENSITIES = [*ALL, *(f"{name}{INTEGRATED}" for name in SHIPPED if "spectrum" not in name),
             *(f"{name}{INTEGRATED}" for name in ("shared-closed-form", "shared-flux"))]  # fmt: skip


def assert_same(both, points):
    for point in points:
        symbolic, physical = both.evaluate(point)
        numeric = float(np.squeeze(both.numeric.log_prob(physical)))
        assert np.isfinite([symbolic, numeric]).all(), (point, physical)
        found = symbolic - both.chart_density(point, physical) - both.constant
        assert found == pytest.approx(numeric, abs=max(1e-9, rounding(both.numeric, physical)), rel=0)


def rounding(numeric, physical):
    """What double precision leaves open where a prior allows signals of a thousand times the data.

    The density is then a difference of terms of up to 1e9; below 2e5 of them it is less than 1e-9.
    """
    analysis = getattr(numeric, "analysis", numeric)
    where = dict(zip(analysis.names, analysis.centre(), strict=True)) | dict(zip(numeric.names, physical, strict=True))
    return 16 * np.finfo(float).eps * float(np.abs(analysis.chi2(list(where.values()))))


@pytest.mark.parametrize("name", DENSITIES)
def test_pymc_less_its_charts_is_numpy_at_prior_draws(twice, name):
    both = twice(name)
    assert_same(both, [[d[i] for d in both.draws] for i in range(POINTS)])


@pytest.mark.parametrize("name", DENSITIES)
def test_pymc_less_its_charts_is_numpy_near_the_maximum(twice, name):
    both = twice(name)
    near, top = near_the_maximum(both, POINTS, np.random.default_rng(7))
    assert top > np.quantile(both.numeric.log_prob(both.seen), 0.95)
    points = [in_charts(both, physical) for physical in near]
    for point, physical in zip(points, near, strict=True):
        np.testing.assert_allclose(both.evaluate(point)[1], physical, rtol=1e-9, atol=1e-9)
    assert_same(both, points)


@pytest.mark.parametrize("name", ALL)
def test_priors_of_pymc_and_numpy_are_one(twice, name):
    both = twice(name)
    ours = both.numeric.sample_prior(PRIOR_DRAWS, np.random.default_rng(11))
    for i, parameter in enumerate(both.numeric.names):
        assert stats.ks_2samp(both.seen[:, i], ours[:, i]).pvalue > 1e-3, parameter


@pytest.mark.parametrize("name", ALL)
def test_every_free_parameter_moves_the_likelihood(root, name):
    analysis = bn.load(name, root=root)
    points = analysis.sample_prior(40, np.random.default_rng(13))
    before = analysis.log_prob(points) - analysis.log_prior(points)
    for i, parameter in enumerate(analysis.names):
        changed = points.copy()
        changed[:, i] = np.roll(points[:, i], 1)
        after = analysis.log_prob(changed) - analysis.log_prior(changed)
        assert np.abs(after - before).max() > 1e-3, parameter


def test_the_written_models_have_every_prior_and_every_chart(root):
    analyses = [bn.load(name, root=root) for name in ALL]
    kinds = {type(p.prior) for a in analyses for p in a.free}
    found = {chart.kind for a in analyses for chart in pymc_model.chart_of(a, {}).values()}
    assert kinds == set(priors.PRIORS)
    assert found == {"plain", "log", "root", "ring", "signed", "disc", "disc-phase"}


# --- charts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mean", "concentration"), [(0.0, 0.0), (2.0, 3.0), (6.2, 40.0), (4.0, 1000.0)])
def test_the_ring_integrates_to_one(mean, concentration):
    def polar(radius, angle):
        point = np.array([radius * np.cos(angle), radius * np.sin(angle)])
        return radius * np.exp(charts.ring_log_density(point, mean, concentration, np))

    total, _ = integrate.dblquad(polar, mean - np.pi, mean + np.pi, 0, 3, epsabs=1e-10, epsrel=1e-10)
    assert total == pytest.approx(1, abs=1e-8)


def test_the_disc_integrates_to_one_and_is_flat_on_its_image():
    def density(radius):
        return 2 * np.pi * radius * np.exp(charts.disc_log_density(np.array([radius, 0.0]), np))

    assert integrate.quad(density, 0, np.inf)[0] == pytest.approx(1, abs=1e-9)
    # Half of a flat disc lies within 1/sqrt(2) of its radius, which is a^2 + b^2 = 1.
    assert integrate.quad(density, 0, 1)[0] == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "declared", "to_sampled", "low", "high"),
    [
        ("log", schema.LogUniform(low=0.5, high=80.0), np.exp, np.log(0.5), np.log(80.0)),
        ("root", schema.SquareUniform(low=2.0, high=9.0), np.sqrt, 4.0, 81.0),
        ("signed", schema.Uniform(low=0.0, high=7.0), np.abs, -7.0, 7.0),
        ("signed", schema.HalfNormal(sd=3.0), np.abs, -40.0, 40.0),
        ("plain", schema.TruncatedNormal(mean=1.0, sd=0.5, low=0.0, high=2.0), float, 0.0, 2.0),
    ],
)
def test_a_chart_of_one_number_integrates_to_one(kind, declared, to_sampled, low, high):
    def density(sampled):
        value = float(to_sampled(sampled))
        return np.exp(
            priors.log_density(declared, np.array(value), np) + charts.chart_log_density(kind, value, sampled, 0.0)
        )

    total, _ = integrate.quad(density, low, high, points=[0.0] if low < 0 < high else None, epsabs=1e-10)
    assert total == pytest.approx(1, abs=1e-8)


def test_charts_of_the_plane_are_the_priors_times_their_chart_density():
    """Ring and disc: prior of modulus and phase plus chart density is the density of the sampled point."""
    flat, square = schema.Circular(), schema.SquareUniform(low=0.0, high=5.0)
    a, b = 0.7, -0.4
    value = 5.0 * np.hypot(a, b) / np.sqrt(1 + a * a + b * b)
    both = priors.log_density(square, np.array(value), np) - np.log(2 * np.pi)
    disc = charts.disc_log_density(np.array([a, b]), np)
    assert both + charts.chart_log_density("disc", value, np.array([a, b]), 5.0) == pytest.approx(disc, abs=1e-12)
    ring = charts.ring_log_density(np.array([a, b]), 0.0, 0.0, np)
    angle = priors.log_density(flat, np.array(1.0), np)
    assert angle + charts.chart_log_density("ring", 1.0, np.array([a, b]), np.nan) == pytest.approx(ring, abs=1e-12)


# --- the cost of the profile ------------------------------------------------------------------------------------------

CLOSED_FORM = {
    "coherent-csi-sm": ("signal", "prompt_neutrons"),
    "coherent-csi-effective": ("signal", "prompt_neutrons"),
    "coherent-csi-tmm": ("signal", "prompt_neutrons"),
    "shared-closed-form": ("flux", "flat"),
    "shared-flux": ("gaussian_rate", "gaussian_flat"),
    "coherent-csi-spectrum": (),
}


@pytest.mark.parametrize(("name", "expected"), CLOSED_FORM.items())
def test_which_nuisances_have_a_closed_form(root, name, expected):
    assert nuisances.affine(bn.load(name, root=root)).names == expected


def moderate_points(analysis, number=6):
    """The best of many prior draws: the chi-square there is of order ten, so 1e-8 means something."""
    draws = analysis.sample_prior(500, np.random.default_rng(17))
    return draws[np.argsort(analysis.chi2(draws))[:number]]


@pytest.mark.parametrize("name", [name for name, closed in CLOSED_FORM.items() if closed])
def test_the_closed_form_is_the_minimum_over_the_nuisances(root, name):
    analysis = bn.load(name, root=root)
    problem = minimise.prepare_numpy(analysis)
    solved = [analysis.names.index(n) for n in problem.solved.names]
    kept = [i for i in range(len(analysis.names)) if i not in solved]
    for x in moderate_points(analysis):

        def chi2(values, x=x):
            moved = x.copy()
            moved[solved] = values
            return float(analysis.chi2(moved))

        found = optimize.minimize(chi2, problem.solved.mean, method="Nelder-Mead",
                                  options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000})  # fmt: skip
        cost, _ = problem.cost(minimise.to_cartesian(problem.coordinates, x[kept]))
        assert cost == pytest.approx(found.fun, abs=1e-8, rel=0)


@pytest.mark.parametrize("name", ALL)
def test_chi2_is_the_log_likelihood_with_constraints_up_to_one_constant(root, name):
    analysis = bn.load(name, root=root)
    x = analysis.sample_prior(40, np.random.default_rng(19))
    unprofiled = -2 * (sum(analysis.log_likelihoods(x).values()) + analysis.log_constraints(x))
    constants = unprofiled - analysis.chi2(x)
    # Where the density is best it has all its digits.
    best = constants[np.argmin(unprofiled)]
    assert (np.abs(constants - best) <= np.maximum(1e-8, 64 * np.finfo(float).eps * unprofiled)).all()


@pytest.mark.parametrize("name", ["coherent-csi-tmm", "coherent-csi-spectrum", *WRITTEN])
def test_without_a_closed_form_the_cost_is_chi2(root, name):
    analysis = bn.load(name, root=root)
    nothing = nuisances.none(analysis)
    where = minimise.coordinates(analysis, nothing)
    for x in moderate_points(analysis, 3):
        cost = minimise._cost(analysis, where, nothing, list(minimise.to_cartesian(where, x)), np)
        assert float(cost) == pytest.approx(float(analysis.chi2(x)), abs=1e-9, rel=0)


def assert_compiled_agrees(analysis, compiled):
    numeric = minimise.prepare_numpy(analysis)
    where, rng = numeric.coordinates, np.random.default_rng(23)
    kept = [analysis.names.index(n) for n in where.names]
    for x in moderate_points(analysis, 4):
        y = minimise.to_cartesian(where, x[kept]) + 1e-3 * where.size * rng.standard_normal(len(kept))
        value, gradient = compiled.cost(y)
        assert value == pytest.approx(numeric.cost(y)[0], abs=1e-9, rel=0)
        for i, size in enumerate(where.size):
            slope = derivative(lambda t, y=y, i=i: numeric.cost(replaced(y, i, t))[0], y[i], 2e-4 * size)
            assert gradient[i] * size == pytest.approx(slope * size, rel=1e-5, abs=1e-5), where.names[i]


def replaced(y, i, value):
    changed = y.copy()
    changed[i] = value
    return changed


def derivative(f, x, h):
    """Central difference with an error of the fourth order."""
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


GRADIENTS = ["coherent-csi-full", "coherent-csi-spectrum", "shared-flux", "shared-closed-form", "knob-and-shared-flux",
             "cp-phase-normal", "informative-phase"]  # fmt: skip


@pytest.mark.parametrize("name", GRADIENTS)
def test_the_compiled_cost_and_its_gradient_are_those_of_numpy(root, name):
    analysis = bn.load(name, root=root)
    # The same graph, compiled in a second instead of half a minute.
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        assert_compiled_agrees(analysis, minimise.prepare(analysis))


def test_the_cost_as_it_is_used_agrees_too():
    analysis = bn.load("coherent-csi-tmm")
    assert_compiled_agrees(analysis, minimise.prepare(analysis))


# --- what the samplers sample -----------------------------------------------------------------------------------------


def conditional(analysis, x, solved):
    """Mean and covariance of the nuisances given the rest: log_prob is a parabola in them."""
    positions = [analysis.names.index(n) for n in solved.names]

    def at(shift):
        moved = x.copy()
        moved[positions] = solved.mean + solved.sd * shift
        return float(analysis.log_prob(moved))

    unit = np.eye(len(positions))
    slope = np.array([(at(e) - at(-e)) / 2 for e in unit])
    bend = np.array([[(at(e + f) - at(e - f) - at(f - e) + at(-e - f)) / 4 for e in unit] for f in unit])
    covariance = np.linalg.inv(-bend)
    mean = covariance @ slope
    peak = at(mean)
    scale = np.diag(solved.sd)
    log_integral = peak + 0.5 * np.linalg.slogdet(2 * np.pi * scale @ covariance @ scale)[1]
    return solved.mean + solved.sd * mean, scale @ covariance @ scale, log_integral


@pytest.mark.parametrize("name", [name for name, closed in CLOSED_FORM.items() if closed and name != "coherent-csi-sm"])
def test_the_marginal_is_the_posterior_integrated_over_its_nuisances(root, name):
    analysis = bn.load(name, root=root)
    target = marginal(analysis)
    assert target.names == tuple(n for n in analysis.names if n not in target.solved.names)
    kept = [analysis.names.index(n) for n in target.names]
    for x in moderate_points(analysis):
        mean, covariance, log_integral = conditional(analysis, x, target.solved)
        assert float(target.log_prob(x[kept])[0]) == pytest.approx(log_integral, abs=1e-7)
        # The same integral as a sum, without a word about parabolas.
        nodes, weights = np.polynomial.hermite_e.hermegauss(24)
        root_of = np.linalg.cholesky(covariance) * 1.2
        total = 0.0
        for index in np.ndindex(*(len(nodes),) * len(mean)):
            z = nodes[list(index)]
            moved = x.copy()
            moved[[analysis.names.index(n) for n in target.solved.names]] = mean + root_of @ z
            height = np.exp(float(analysis.log_prob(moved)) - log_integral + 0.5 * z @ z)
            total += np.prod(weights[list(index)]) * height
        assert total * np.linalg.det(root_of) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", ["coherent-csi-tmm", "shared-closed-form", "shared-flux"])
def test_integrated_nuisances_are_drawn_from_what_is_left_of_them(root, name):
    analysis = bn.load(name, root=root)
    target = marginal(analysis)
    kept = [analysis.names.index(n) for n in target.names]
    x = moderate_points(analysis, 1)[0]
    mean, covariance, _ = conditional(analysis, x, target.solved)
    number = 20_000
    drawn = target.restore(np.tile(x[kept], (number, 1)), np.random.default_rng(29))
    np.testing.assert_array_equal(drawn[:, kept], np.tile(x[kept], (number, 1)))
    nuisance = drawn[:, [analysis.names.index(n) for n in target.solved.names]]
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), (nuisance - mean).T)
    np.testing.assert_allclose(whitened.mean(axis=1), 0, atol=4.5 * number**-0.5)
    np.testing.assert_allclose(np.cov(whitened), np.eye(len(mean)), atol=4.5 * (2 / number) ** 0.5)
    assert stats.kstest(whitened.ravel(), "norm").pvalue > 1e-3


def test_something_is_always_left_to_sample():
    """Where every parameter could be integrated, none is."""
    analysis = bn.load("coherent-csi-sm")
    assert marginal(analysis).names == analysis.names
    x = analysis.sample_prior(5, np.random.default_rng(31))
    np.testing.assert_allclose(marginal(analysis).log_prob(x), analysis.log_prob(x), rtol=1e-12)
