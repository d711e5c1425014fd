"""Interference of a dipole with the weak force in counts: its size, its signs, and that counts stay positive.

The sizes are those of an independent calculation of arXiv:2109.09545, Eq 20, in its exact form: at the moment that each
mass just allows (delta chi2 = 4.61), with sin^2 theta_14 = 0.01 and lambda_14 alone.
"""

import msgspec
import numpy as np
import pytest

from bayesnu import catalog
from bayesnu.likelihood.analysis import from_resolved
from bayesnu.schema import Fixed

SIN2_14 = 0.01
ZERO = ("lambda_24", "lambda_34", "zeta_24", "zeta_34", "sin2_theta_24", "sin2_theta_34", "delta_34")


def counted(model, mass_mev, moment, delta_14=0.0):
    """Counts of the dipole and of the interference in each bin, lambda_14 [1e-10 mu_B] alone."""
    resolved = catalog.resolve(catalog.open_catalog(), model)
    setups = tuple(
        msgspec.structs.replace(s, interaction=("sm", "dipole-tmm", "dipole-interference"), sterile_mass_mev=mass_mev)
        for s in resolved.setups
    )
    given = {
        "sin2_theta_w": (0.2312, "1"),
        "sin2_theta_12": (0.318, "1"),
        "sin2_theta_13": (0.022, "1"),
        "sin2_theta_23": (0.574, "1"),
        "delta_cp": (0.0, "rad"),
        "sin2_theta_14": (SIN2_14, "1"),
        "delta_14": (delta_14, "rad"),
        "lambda_14": (moment, "1e-10 mu_B"),
    }
    fixed = {n: Fixed(value=value, unit=unit) for n, (value, unit) in given.items()}
    angles = {"zeta_24", "zeta_34", "delta_34"}
    units = {n: "rad" if n in angles else "1" if n.startswith("sin2") else "1e-10 mu_B" for n in ZERO}
    fixed |= {n: Fixed(value=0.0, unit=unit) for n, unit in units.items()}
    analysis = from_resolved(msgspec.structs.replace(resolved, setups=setups, parameters={}, fixed=fixed))
    ((_, parts),) = analysis.breakdown(analysis.centre()).items()
    return {name: sum(fluxes.values()) for name, fluxes in parts.items()}


# Effective moments |U_e1| lambda_14 at the limits of each mass [1e-10 mu_B], and what interference adds to the dipole.
CASES = [
    ("sterile2021-cr51-lxe", 0.01, 4.9e-2, -0.0028),
    ("sterile2021-cr51-lxe", 0.1, 5.0e-2, -0.024),
    ("sterile2021-cr51-ge", 0.01, 0.163, 0.010),
    ("sterile2021-cr51-ge", 0.1, 0.18, 0.079),
]


@pytest.mark.parametrize(("model", "mass_mev", "limit", "share"), CASES)
def test_its_share_of_the_dipole(model, mass_mev, limit, share):
    """Opposite signs on electrons and on nuclei, whose charges are opposite: one lambda serves both."""
    parts = counted(model, mass_mev, limit / 0.817)
    found = parts["interference"].sum() / parts["dipole"].sum()
    assert found == pytest.approx(share, rel=0.15)


@pytest.mark.parametrize("model", ["sterile2021-cr51-lxe", "sterile2021-cr51-ge"])
def test_a_phase_of_pi_turns_it_round(model):
    plus, minus = (counted(model, 0.1, 0.1, delta)["interference"] for delta in (0.0, np.pi))
    np.testing.assert_allclose(plus, -minus, rtol=1e-9, atol=1e-12 * np.abs(plus).max())
    across = counted(model, 0.1, 0.1, np.pi / 2)["interference"]
    assert np.abs(across).max() < 1e-9 * np.abs(plus).max()


@pytest.mark.parametrize("model", ["sterile2021-cr51-lxe", "sterile2021-cr51-ge", "sterile2021-csi"])
@pytest.mark.parametrize("delta", [0.0, np.pi])
def test_counts_stay_positive(model, delta):
    for moment in (0.01, 0.1, 1.0, 10.0):
        parts = counted(model, 0.1, moment, delta)
        assert (parts["sm"] + parts["dipole"] + parts["interference"] >= 0).all()
