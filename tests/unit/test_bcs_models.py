"""Models with pairing: from the declaration to the counts and limits of arXiv:1505.03202, and what goes wrong."""

import csv
import shutil
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy import optimize

from bayesnu import catalog
from bayesnu.catalog import facts
from bayesnu.errors import DeclarationError, PredictionError
from bayesnu.likelihood.analysis import from_resolved
from bayesnu.physics import bcs, nucleus
from bayesnu.predict import rates, templates, terms
from bayesnu.schema import Bcs, BcsWoodsSaxon, FormFactor, RadiativeCouplings, ShellModel, TreeCouplings, Unity

SHELF = catalog.open_catalog()
NUCLEI_FILE = catalog.read_isotopes(SHELF)[0]
EXPERIMENT = {"76Ge": "sns-ge76", "132Xe": "sns-xe132"}
BEAMS = {"numu": ["nu_mu"], "numubar": ["nubar_mu"], "nue": ["nu_e"], "comb": ["nu_mu", "nubar_mu"]}
"""Column of Table V -> flux components, each a chi-square of its own."""
TREE = TreeCouplings()
RADIATIVE = RadiativeCouplings(
    rho=1.0086, kappa=0.9978, lambda_u_left=-0.0031, lambda_d_left=-0.0025, lambda_u_right=3.75e-5,
    lambda_d_right=7.5e-5,
)  # fmt: skip
"""arXiv:1505.03202, Eq 2."""

with (Path(__file__).parents[2] / "data" / "published" / "sns2015.csv").open(encoding="utf-8") as published:
    PRINTED = {(row["table"], row["row"], row["column"]): row["value"] for row in csv.DictReader(published)}


def resolved(model, experiment, form, couplings=TREE):
    """A model on one experiment, with another form factor and other couplings laid into its setup."""
    file, declared = catalog.read_model(SHELF, model)
    found = catalog.resolve_model(SHELF, file, msgspec.structs.replace(declared, experiments=(experiment,)))
    setup = msgspec.structs.replace(found.setups[0], form_factor=form, couplings=couplings)
    return msgspec.structs.replace(found, setups=(setup,))


def setup_of(experiment, form):
    return resolved("sns2015-moment", experiment, form).setups[0]


def standard_counts(setup):
    """Standard-model counts of all flux components."""
    built = templates.build(setup)
    g = nucleus.nucleon_couplings(setup.couplings, 0.23120)
    weight = {
        "sm-pp": g.vector_proton**2, "sm-pn": g.vector_proton * g.vector_neutron, "sm-nn": g.vector_neutron**2
    }  # fmt: skip
    return sum(w * built.values[:, built.terms.index(term)].sum() for term, w in weight.items())


def chi2_of_beams(found, beams, parameter):
    """chi2 along a parameter, one of each beam, summed."""
    analyses = []
    for beam in beams:
        setup = found.setups[0]
        flux = msgspec.structs.replace(setup.flux, components={beam: setup.flux.components[beam]})
        alone = msgspec.structs.replace(setup, flux=flux)
        analyses.append(from_resolved(msgspec.structs.replace(found, setups=(alone,), published=())))
    standard = dict(zip(analyses[0].names, analyses[0].standard_point(), strict=True))

    def chi2(value):
        return -2 * sum(float(a.log_likelihood(**(standard | {parameter: value}))) for a in analyses)

    return chi2, standard[parameter]


def limit(found, beams, parameter, delta_chi2, step):
    """Where chi2 has risen by so much, going from the standard value in the direction of the step."""
    chi2, start = chi2_of_beams(found, beams, parameter)
    least, end = chi2(start), start + step
    while chi2(end) < least + delta_chi2:
        end += step
    return float(optimize.brentq(lambda x: chi2(x) - least - delta_chi2, start, end, xtol=1e-12))


def moment_ratio(target, setting, beam, form, couplings=TREE):
    """Our limit on the magnetic moment over that of Table V."""
    experiment = EXPERIMENT[target] + ("-optimistic" if setting == "optimistic" else "")
    ours = limit(resolved("sns2015-moment", experiment, form, couplings), BEAMS[beam], "mu_nu", 2.71, 5.0)
    return ours / float(PRINTED["V", target, f"{setting} {beam} mu"])


# --- published numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "events"), [("76Ge", 2639.6), ("132Xe", 498.6)])
def test_counts_of_another_implementation(target, events):
    # The other implementation has another muon mass: 0.1 %.
    assert standard_counts(setup_of(EXPERIMENT[target], Bcs())) == pytest.approx(events, rel=2e-3)


@pytest.mark.parametrize(
    ("form", "tolerance"), [(ShellModel(), 0.005), (Bcs(), 0.006), (BcsWoodsSaxon(), 0.012)], ids=repr
)
@pytest.mark.parametrize("beam", BEAMS)
@pytest.mark.parametrize("target", EXPERIMENT)
def test_table_v_realistic(target, beam, form, tolerance):
    assert moment_ratio(target, "realistic", beam, form) == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize("target", EXPERIMENT)
def test_couplings_with_radiative_corrections_miss_table_v_optimistic(target):
    tree, radiative = (moment_ratio(target, "optimistic", "comb", Bcs(), g) for g in (TREE, RADIATIVE))
    assert tree == pytest.approx(1, abs=0.005)
    # Too many events by 7 %, hence limits too weak by a fourth of that.
    assert radiative == pytest.approx(1.02, abs=0.004)


@pytest.mark.parametrize("beam", ["numu", "numubar", "nue"])
def test_point_nuclei_miss_tables_iii_and_vi_of_xenon(beam):
    def angle(form):
        found = resolved("sns2015-angle", "sns-xe132", form)
        ends = [limit(found, BEAMS[beam], "sin2_theta_w", 1.0, step) for step in (-0.001, 0.001)]
        return (ends[1] - ends[0]) / 2 / float(PRINTED["III", "132Xe", f"realistic {beam} delta"])

    def radius(form):
        found = resolved("sns2015-radius", "sns-xe132", form)
        end = limit(found, BEAMS[beam], "r2_nu_e" if beam == "nue" else "r2_nu_mu", 2.71, 0.05)
        return end / float(PRINTED["VI", "132Xe", f"realistic {beam} high"])

    for ratio, tolerance in ((angle, 0.02), (radius, 0.03)):
        assert ratio(Bcs()) == pytest.approx(1, abs=tolerance)
        assert abs(ratio(Unity()) - 1) > 0.2


# --- skin -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "percent"), [("76Ge", 2.3), ("132Xe", 3.2)])
@pytest.mark.parametrize("kind", [Bcs, BcsWoodsSaxon])
def test_a_skin_takes_counts(kind, target, percent):
    thin, thick = (standard_counts(setup_of(EXPERIMENT[target], kind(skin_fm=x))) for x in (0.1, 0.2))
    assert 100 * (thin / thick - 1) == pytest.approx(percent, abs=0.2)


# --- declarations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('kind = "bcs"', Bcs()),
        ('kind = "bcs-ws"', BcsWoodsSaxon()),
        ('kind = "bcs"\nskin_fm = 0.1', Bcs(skin_fm=0.1)),
        ('kind = "bcs-ws"\nskin_fm = -0.05', BcsWoodsSaxon(skin_fm=-0.05)),
    ],
)
def test_a_model_says_so(tmp_path, text, form):
    file = tmp_path / "paired.toml"
    file.write_text(f'extends = "sns2015-moment"\n[form_factor]\n{text}\n', encoding="utf-8")
    (setup,) = catalog.resolve(SHELF, str(file)).setups
    assert setup.form_factor == form
    expected = standard_counts(setup_of("sns-ge76", form))
    assert standard_counts(setup) == pytest.approx(expected, rel=1e-14)


def test_a_misspelt_skin_is_refused(tmp_path):
    file = tmp_path / "paired.toml"
    file.write_text('extends = "sns2015-moment"\n[form_factor]\nkind = "bcs"\nskin = 0.1\n', encoding="utf-8")
    with pytest.raises(DeclarationError, match="skin"):
        catalog.resolve(SHELF, str(file))


def test_the_setup_has_the_masses_that_its_gaps_need():
    for form in (Bcs(), ShellModel()):
        setup = setup_of("coherent-csi-projected", form)
        have = {(charge, number) for charge, number, _ in setup.pairing_masses}
        for isotope in setup.isotopes:
            assert {x for chain in bcs.neighbours(isotope.charge, isotope.neutrons) for x in chain} <= have
    assert len(setup.pairing_masses) < 20
    assert msgspec.json.decode(msgspec.json.encode(setup), type=type(setup)) == setup


def test_the_masses_are_cited():
    cited = [c.source for c in catalog.cite(resolved("sns2015-moment", "sns-ge76", Bcs()))]
    assert [s.doi for s in cited if "pairing gaps" in s.note] == ["10.1088/1674-1137/abddaf"]


def test_a_missing_mass_names_the_isotope_and_its_neighbour():
    setup = setup_of("sns-xe132", Bcs())
    masses = tuple(m for m in setup.pairing_masses if m[:2] != (54, 131))
    with pytest.raises(PredictionError, match=r"^132Xe: .* \(Z, A\) = \(54, 131\)$"):
        templates.build(msgspec.structs.replace(setup, pairing_masses=masses))
    # What does not ask for gaps does not ask for masses.
    without = msgspec.structs.replace(setup, pairing_masses=(), form_factor=ShellModel())
    assert templates.build(without).values.any()


@pytest.mark.parametrize("form", [Bcs(), BcsWoodsSaxon()])
def test_light_nuclei_are_refused_by_name(form: FormFactor):
    setup = setup_of("sns-ge76", form)
    carbon = next(x for x in catalog.read_isotopes(SHELF)[1] if x.name == "12C")
    detector = setup.experiment.detector
    target = msgspec.structs.replace(detector.target, formula={"12C": 1.0})
    experiment = msgspec.structs.replace(setup.experiment, detector=msgspec.structs.replace(detector, target=target))
    with pytest.raises(PredictionError, match=r"^12C: .* A = 16"):
        templates.build(msgspec.structs.replace(setup, experiment=experiment, isotopes=(carbon,)))


@pytest.fixture
def nuclei(tmp_path):
    """A copy of the table of nuclei, to be spoilt."""
    return Path(shutil.copytree(NUCLEI_FILE.parent, tmp_path / "nuclei")) / NUCLEI_FILE.name


def test_changed_masses_are_noticed(nuclei):
    assert len(facts.isotopes_at(nuclei)[2]) == 162
    pairing = nuclei.parent / "pairing.csv"
    pairing.write_text(pairing.read_text(encoding="utf-8").replace("17.008449", "17.008450"), encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"SHA-256[^\n]*\n[^\n]*pairing\.csv"):
        facts.isotopes_at(nuclei)


@pytest.mark.parametrize(
    ("row", "message"),
    [("8,16,15.99", "a second time"), ("8,22,-1.0", "positive"), ("8,22.5,22.0", "whole"), ("8,22,x", "'x'")],
)
def test_wrong_masses_are_refused(nuclei, row, message):
    with (nuclei.parent / "pairing.csv").open("a", encoding="utf-8") as file:
        file.write(f"{row}\n")
    catalog.write_hashes(nuclei)
    with pytest.raises(DeclarationError, match=message):
        facts.isotopes_at(nuclei)


def test_masses_need_a_source_and_may_be_absent(nuclei):
    text = nuclei.read_text(encoding="utf-8")
    start, end = text.index("[sources.pairing]"), text.index("[sources.abundances]")
    nuclei.write_text(text[:start] + text[end:], encoding="utf-8")
    with pytest.raises(DeclarationError, match="without a source"):
        facts.isotopes_at(nuclei)
    nuclei.write_text((text[:start] + text[end:]).replace('pairing = "pairing.csv"\n', ""), encoding="utf-8")
    isotopes, _, masses = facts.isotopes_at(nuclei)
    assert isotopes
    assert masses == ()


# --- templates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [Bcs(), BcsWoodsSaxon()])
@pytest.mark.parametrize("name", ["coherent-csi-projected", "coherent-lar-projected", "conus", "sns-xe132-optimistic"])
def test_the_quadrature_has_converged(name, form):
    setup = setup_of(name, form)
    once = rates.exact(setup, terms.terms_of(setup))
    twice = rates.exact(setup, terms.terms_of(setup), 2 * rates.RECOIL_ORDER, 2 * rates.ENERGY_ORDER)
    np.testing.assert_allclose(once, twice, rtol=1e-7)


@pytest.mark.parametrize("form", [Bcs(), BcsWoodsSaxon()])
def test_levels_are_solved_once_and_in_milliseconds(form):
    setup = setup_of("coherent-hpge", form)
    start = time.perf_counter()
    rates.exact(setup, terms.terms_of(setup))
    first_s = time.perf_counter() - start
    solved = bcs._densities.cache_info().misses
    start = time.perf_counter()
    rates.exact(setup, terms.terms_of(setup))
    again_s = time.perf_counter() - start
    assert bcs._densities.cache_info().misses == solved
    # Generous: a nucleus takes 10 ms to solve, a machine may be busy.
    assert first_s < 0.3 * len(setup.isotopes)
    assert again_s < 0.3 * len(setup.isotopes)
