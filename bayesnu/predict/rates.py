"""Counts per unit coupling of one state of a set-up: flux x cross section x detector response, integrated.

The recoil axis is cut wherever the response or the kinematics jumps, so that each panel holds a smooth function and
Gauss-Legendre nodes converge at once.
"""

from collections.abc import Sequence
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import CM_PER_M, KEV_PER_MEV
from bayesnu.detector import response
from bayesnu.errors import PredictionError
from bayesnu.physics import bcs, fluxes, form_factors, nuclei, nucleus, reactor
from bayesnu.predict import terms
from bayesnu.schema import (
    Bcs,
    BcsWoodsSaxon,
    Component,
    Detector,
    Fluence,
    Isotope,
    Knob,
    ProtonsOnTarget,
    QuotedFlux,
    ReactorPower,
    ReactorSpectrum,
    Setup,
)

Array = NDArray[np.float64]

RECOIL_ORDER: Final = 24
ENERGY_ORDER: Final = 16


def exact(
    setup: Setup, wanted: Sequence[str], recoil_order: int = RECOIL_ORDER, energy_order: int = ENERGY_ORDER
) -> Array:
    """T[flux, term, bin] of some terms."""
    fluence, detector = setup.experiment.fluence, setup.experiment.detector
    assert fluence is not None
    assert detector is not None
    values = np.zeros((len(setup.flux.components), len(wanted), len(setup.bins)))
    for isotope, number in nuclei.nuclei_per_isotope(detector.target.formula, detector.target.mass_kg, setup.isotopes):
        for s, (name, component) in enumerate(setup.flux.components.items()):
            active = [t for t in wanted if terms.acts(setup, t, name)]
            rates = _rates(setup, detector, isotope, component, active, recoil_order, energy_order)
            for term, rate in zip(active, rates, strict=True):
                values[s, wanted.index(term)] += number * fluence_per_cm2(fluence, component) * rate
    return values


def edges(setup: Setup, knob: Knob) -> Array:
    """Values of a knob at which its templates bend sharply: none but for a sterile mass."""
    return np.zeros(0)


def fluence_per_cm2(fluence: Fluence, component: Component) -> float:
    """Neutrinos per cm2 of a flux component, or fissions per cm2 where its spectrum is one per fission.

    From protons on target r N_POT / (4 pi L^2) (arXiv:1905.03750, below Eq 28); from a quoted flux Phi t / n with n
    neutrinos in the spectrum; from a thermal power P t / (sum_i f_i E_i) / (4 pi L^2).
    """
    match fluence:
        case ProtonsOnTarget():
            return fluence.neutrinos_per_proton * fluence.protons_on_target / _sphere_cm2(fluence.baseline_m)
        case QuotedFlux():
            return fluence.flux_per_cm2_s * fluence.live_time_s / fluence.neutrinos_per_spectrum
        case ReactorPower():
            if not isinstance(component, ReactorSpectrum):
                raise PredictionError(f"a thermal power needs spectra per fission, not the {component.flavour} of a"
                                      " spectrum of one neutrino; quote a flux instead")  # fmt: skip
            fissions = reactor.fissions_per_s(component, fluence.thermal_power_gw) * fluence.live_time_s
            return fissions / _sphere_cm2(fluence.baseline_m)
        case _:  # pragma: no cover
            assert_never(fluence)


def _sphere_cm2(radius_m: float) -> float:
    return float(4 * np.pi * (radius_m * CM_PER_M) ** 2)


def _rates(setup: Setup, detector: Detector, isotope: Isotope, component: Component, wanted: Sequence[str],
           recoil_order: int, energy_order: int) -> list[Array]:  # fmt: skip
    """Counts per nucleus, unit fluence and unit coupling, for each term and bin."""
    mass_mev = nuclei.nuclear_mass_mev(isotope)
    recoil_mev, weight_mev = _recoil_rule(setup, detector, isotope, component, recoil_order)
    energy, density = fluxes.energy_rule(component, nucleus.energy_minimum_mev(recoil_mev, mass_mev), energy_order)
    momentum = nucleus.momentum_per_fm(recoil_mev, mass_mev)
    proton, neutron = form_factors.proton_and_neutron(setup.form_factor, isotope, momentum, _gaps(setup, isotope))
    recoil = recoil_mev[:, None]
    point = terms.Recoil(isotope, recoil, energy, mass_mev, proton[:, None], neutron[:, None], setup.kinematics)
    counted = response.counted(detector, setup.bins, recoil_mev * KEV_PER_MEV, isotope) * weight_mev
    return [counted @ np.sum(density * terms.RATES[t](point), axis=1) for t in wanted]


def _gaps(setup: Setup, isotope: Isotope) -> bcs.PairingGaps | None:
    """Pairing gaps of a nucleus, where the form factor asks for them."""
    if not isinstance(setup.form_factor, Bcs | BcsWoodsSaxon):
        return None
    return bcs.pairing_gaps(isotope, {(charge, number): mass_u for charge, number, mass_u in setup.pairing_masses})


def _recoil_rule(setup: Setup, detector: Detector, isotope: Isotope, component: Component,
                 order: int) -> tuple[Array, Array]:  # fmt: skip
    """Gauss-Legendre nodes in log T, panel by panel: the magnetic cross section goes as 1/T."""
    jumps = response.cuts_kev(detector, setup.bins, isotope) / KEV_PER_MEV
    mass_mev = nuclei.nuclear_mass_mev(isotope)
    end_mev = float(nucleus.recoil_maximum_mev(fluxes.highest_energy_mev(component), mass_mev))
    kinks = nucleus.recoil_maximum_mev(np.array(fluxes.breaks_mev(component)), mass_mev)
    cuts = np.unique(np.concatenate([jumps, kinks[kinks > jumps[0]]]))
    cuts = np.append(cuts[cuts < end_mev], end_mev)
    if cuts[0] <= 0:
        raise PredictionError(f"{setup.name}: the window reaches zero recoil energy, where the magnetic rate diverges;"
                              " raise its lower edge or give the efficiency a step")  # fmt: skip
    low, high = cuts[:-1], cuts[1:]
    unit, weight = np.polynomial.legendre.leggauss(order)
    half = 0.5 * np.log(high / low)[:, None]
    recoil = np.exp(0.5 * np.log(high * low)[:, None] + half * unit)
    return recoil.ravel(), (half * weight * recoil).ravel()
