"""Simulation-based calibration of the engines on shipped models; writes notebooks/evidence/calibration.md.

simuk runs the same algorithm, but compiles its model anew for each simulation (a minute here, against a third of a
second of sampling); and what emcee samples is no PyMC model. Hence `bayesnu.infer.calibration`, and NUTS compiled once.
"""

from pathlib import Path

import numpy as np
import nutpie
import pytest

import bayesnu as bn
from bayesnu.infer.calibration import by_emcee, calibrate
from bayesnu.infer.ensemble import Options
from bayesnu.report import calibration as report
from bayesnu.report import plots

pytestmark = pytest.mark.slow

EVIDENCE = Path(__file__).parents[2] / "notebooks" / "evidence"
NUMBER = 200
# Of emcee so many steps that the draws that are ranked are independent.
CASES = {
    "coherent-csi-spectrum": ("NUTS", None),
    "coherent-csi-effective": ("emcee", Options(ensembles=1, walkers=32, steps=300)),
    "coherent-csi-effective-square": ("emcee", Options(ensembles=1, walkers=32, steps=300)),
    "texono-tmm": ("emcee", Options(ensembles=1, walkers=48, steps=500)),
}

PAGE = """# Simulation-based calibration

Parameters from the prior, data at these parameters, the posterior of these data: the rank of the truth among posterior
draws is then uniform, if prior, likelihood and sampler all belong together. Written by `make calibrate`
(`tests/calibration/test_sbc.py`); every number is computed. The engines are those of `bayesnu fit`: emcee with the
Gaussian nuisances integrated in closed form and drawn afterwards, NUTS on the PyMC model. The log-likelihood is ranked
too. Bands: where 99 % of the counts of even ranks lie. Demanded: the smallest p times the number of tests above 0.01.

"""


@pytest.fixture(scope="module", params=CASES, ids=str)
def ranks(request):
    name = request.param
    engine, options = CASES[name]
    analysis = bn.load(name)
    if engine == "emcee":
        return calibrate(analysis, by_emcee(options), number=NUMBER, seed=1804, executor="processes:2")
    return calibrate(analysis, by_nuts(analysis), number=NUMBER, seed=1804)


def by_nuts(analysis):
    """NUTS compiled once: only the counts are exchanged."""
    compiled = nutpie.compile_pymc_model(analysis.pymc(), backend="numba")

    def draws(other, seed):
        data = {f"{name}_counts": counts for name, counts in other.observed.items()}
        tree = nutpie.sample(
            compiled.with_data(**data), draws=500, tune=500, chains=2, cores=1, seed=seed, target_accept=0.95,
            progress_bar=False, save_warmup=False,
        )  # fmt: skip
        posterior = tree["posterior"].to_dataset()
        return np.stack([posterior[name].values.ravel() for name in other.names], axis=1)

    return draws


def test_ranks_are_uniform(ranks):
    # What is drawn and written is kept beside: the page needs no simulation.
    report.write_ranks(ranks, EVIDENCE / f"ranks-{ranks.attrs['model']}.csv")
    assert ranks.sizes["simulation"] >= 200
    assert report.smallest(ranks) > 0.01


def test_the_page_is_written():
    sections = []
    for name, (engine, _) in CASES.items():
        ranks = report.read_ranks(EVIDENCE / f"ranks-{name}.csv")
        assert ranks.attrs["model"] == name
        for path in plots.save(plots.rank_plot(ranks), EVIDENCE / f"ranks-{name}"):
            path.chmod(0o644)
            if path.suffix == ".pdf":
                path.unlink()
        sections.append(f"## {name}\n\n{report.as_markdown(ranks, engine)}\n![ranks](ranks-{name}.png)\n")
    (EVIDENCE / "calibration.md").write_text(PAGE + "\n".join(sections), encoding="utf-8")
