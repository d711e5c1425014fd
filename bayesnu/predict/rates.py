"""Counts per unit coupling of one state of a set-up: flux x cross section x detector response, integrated.

The recoil axis is cut wherever the response or the kinematics jumps, so that each panel holds a smooth function and
Gauss-Legendre nodes converge at once.
"""

import functools
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import CM_PER_M, ELECTRON_MASS_MEV, EV_PER_KEV, KEV_PER_MEV
from bayesnu.detector import response
from bayesnu.errors import PredictionError
from bayesnu.physics import bcs, binding, dipole, electron, fluxes, form_factors, nuclei, nucleus, radioactive, reactor
from bayesnu.physics.inverse_energy import over_spectrum
from bayesnu.predict import cross_sections, terms
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
    SourceBelowCylinder,
)

Array = NDArray[np.float64]

Bins = tuple[tuple[float, float], ...]

RECOIL_ORDER: Final = 24
ENERGY_ORDER: Final = 16
NEIGHBOURS: Final = 1e-3
"""Relative distance below which two kinematic edges are one."""


class RecoilRule(NamedTuple):
    """Recoils [MeV] and weights [MeV] of a quadrature, and its panels."""

    recoil_mev: Array
    weight_mev: Array
    panels: tuple[tuple[float, float], ...]
    order: int


class Target(NamedTuple):
    """What recoils: nuclei of one isotope, or the electrons of an element's atoms."""

    isotope: Isotope
    """The nucleus, or any isotope of the element."""
    number: float
    """Nuclei, or atoms, in the detector."""
    mass_mev: float
    levels: tuple[tuple[float, float], ...] = ()
    """Of electrons: (binding energy [keV], how many), zero for free ones."""


def targets(setup: Setup) -> Iterator[Target]:
    """Everything in a detector that can recoil."""
    assert setup.experiment.detector is not None
    target = setup.experiment.detector.target
    counted = nuclei.nuclei_per_isotope(target.formula, target.mass_kg, setup.isotopes)
    if target.scatterer == "nuclei":
        for isotope, number in counted:
            yield Target(isotope, number, nuclei.nuclear_mass_mev(isotope))
        return
    for element in dict.fromkeys(isotope.element for isotope, _ in counted):
        atoms = [(isotope, number) for isotope, number in counted if isotope.element == element]
        bound = tuple((energy, many) for name, energy, many in setup.binding if name == element)
        free = ((0.0, float(atoms[0][0].charge)),)
        levels = free if target.scatterer == "free-electrons" else bound
        if not levels:
            raise PredictionError(f"{setup.name}: no binding energies of {element} in data/nuclei; add its levels,"
                                  ' or declare scatterer = "free-electrons"')  # fmt: skip
        yield Target(atoms[0][0], sum(number for _, number in atoms), ELECTRON_MASS_MEV, levels)


def exact(
    setup: Setup, wanted: Sequence[str], recoil_order: int = RECOIL_ORDER, energy_order: int = ENERGY_ORDER,
    *, only: str | None = None,
) -> Array:  # fmt: skip
    """T[flux, term, bin] of some terms; where `only` names a flux, those of the others are left at zero."""
    fluence, detector = setup.experiment.fluence, setup.experiment.detector
    assert fluence is not None
    assert detector is not None
    # Bins of a second observable repeat the energy bins: those are integrated once.
    bins = tuple(dict.fromkeys(setup.bins))
    values = np.zeros((len(setup.flux.components), len(wanted), len(bins)))
    for target in targets(setup):
        for s, (name, component) in enumerate(setup.flux.components.items()):
            active = [t for t in wanted if terms.acts(setup, t, name) and only in (None, name)]
            rates = _rates(setup, bins, target, component, active, recoil_order, energy_order)
            for term, rate in rates.items():
                values[s, wanted.index(term)] += target.number * fluence_per_cm2(fluence, component) * rate
    whole = values[..., [bins.index(b) for b in setup.bins]]
    shares = [setup.shares.get(name, (1.0,) * len(setup.bins)) for name in setup.flux.components]
    return np.asarray(whole * np.array(shares)[:, None, :])


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
        case SourceBelowCylinder():
            return radioactive.decays_per_cm2(fluence)
        case _:  # pragma: no cover
            assert_never(fluence)


def _sphere_cm2(radius_m: float) -> float:
    return float(4 * np.pi * (radius_m * CM_PER_M) ** 2)


def _rates(setup: Setup, bins: Bins, target: Target, component: Component, wanted: Sequence[str],
           recoil_order: int, energy_order: int) -> dict[str, Array]:  # fmt: skip
    """Counts per target, unit fluence and unit coupling, for each term and bin."""
    quadrature = [t for t in wanted if not target.levels and t in cross_sections.RATES]
    light = [t for t in wanted if t not in quadrature and t not in cross_sections.MASSIVE]
    heavy = [t for t in wanted if t in cross_sections.MASSIVE]
    found = _by_quadrature(setup, bins, target, component, quadrature, recoil_order, energy_order)
    found |= _by_moments(setup, bins, target, component, light, 0.0, recoil_order)
    if heavy and setup.sterile_mass_mev is None:
        raise PredictionError(f"{setup.name}: {heavy[0]} needs the mass of the heavy neutrino; declare"
                              " sterile_mass_mev, or a parameter that turns a knob of it")  # fmt: skip
    return found | _by_moments(setup, bins, target, component, heavy, setup.sterile_mass_mev or 0.0, recoil_order)


def _by_quadrature(setup: Setup, bins: Bins, target: Target, component: Component, wanted: Sequence[str],
                   recoil_order: int, energy_order: int) -> dict[str, Array]:  # fmt: skip
    """Cross sections on nuclei at each energy of a rule."""
    if not wanted:
        return {}
    rule = _recoil_rule(setup, bins, target, component, 0.0, recoil_order)
    recoil_mev = rule.recoil_mev
    energy, density = fluxes.energy_rule(
        component, nucleus.energy_minimum_mev(recoil_mev, target.mass_mev), energy_order
    )
    proton, neutron = _form_factors(setup, target, recoil_mev)
    point = cross_sections.Recoil(target.isotope, recoil_mev[:, None], energy, target.mass_mev,
                         proton[:, None], neutron[:, None], setup.kinematics)  # fmt: skip
    counted = _counted(setup, bins, target, rule) * rule.weight_mev
    return {t: counted @ np.sum(density * cross_sections.RATES[t](point), axis=1) for t in wanted}


def _by_moments(setup: Setup, bins: Bins, target: Target, component: Component, wanted: Sequence[str],
                sterile_mev: float, recoil_order: int) -> dict[str, Array]:  # fmt: skip
    """Cross sections as powers of 1/E: the spectrum enters through its moments above the smallest energy."""
    if not wanted:
        return {}
    rule = _recoil_rule(setup, bins, target, component, sterile_mev, recoil_order)
    recoil_mev = rule.recoil_mev
    moments = fluxes.moments_above(
        component, dipole.dipole_energy_minimum_mev(recoil_mev, target.mass_mev, sterile_mev)
    )
    antineutrino = electron.is_antineutrino(component.flavour)
    struck = cross_sections.Struck(recoil_mev, target.mass_mev, sterile_mev, antineutrino)
    strength = _strength(setup, target, recoil_mev)
    counted = _counted(setup, bins, target, rule) * (rule.weight_mev * strength)
    return {t: counted @ over_spectrum(cross_sections.SECTIONS[t](struck), moments) for t in wanted}


def _strength(setup: Setup, target: Target, recoil_mev: Array) -> Array:
    """Electrons that a recoil can set free, or the squared charge of a nucleus with its form factor."""
    if target.levels:
        energies_kev, electrons = np.array(target.levels).T
        return binding.free_electrons(recoil_mev * KEV_PER_MEV, EV_PER_KEV * energies_kev, electrons)
    proton, _ = _form_factors(setup, target, recoil_mev)
    return np.asarray((target.isotope.charge * proton) ** 2)


def _form_factors(setup: Setup, target: Target, recoil_mev: Array) -> tuple[Array, Array]:
    momentum = nucleus.momentum_per_fm(recoil_mev, target.mass_mev)
    gaps = _gaps(setup, target.isotope)
    return form_factors.proton_and_neutron(setup.form_factor, target.isotope, momentum, gaps)


def _counted(setup: Setup, bins: Bins, target: Target, rule: RecoilRule) -> Array:
    """Chances [bin, recoil] of a recoil to be counted in each bin."""
    detector = msgspec.json.encode(setup.experiment.detector)
    panels = [_panel_counted(detector, bins, target.isotope, *panel, rule.order) for panel in rule.panels]
    return np.concatenate([*panels, np.zeros((len(bins), 0))], axis=1)


@functools.lru_cache(maxsize=4096)
def _panel_counted(
    detector: bytes, bins: Bins, isotope: Isotope, low_mev: float, high_mev: float, order: int
) -> Array:  # fmt: skip
    """The chances on one panel: of the many masses and fluxes most share most panels."""
    recoil_mev, _ = _panel_rule(low_mev, high_mev, order)
    return response.counted(msgspec.json.decode(detector, type=Detector), bins, recoil_mev * KEV_PER_MEV, isotope)


def _gaps(setup: Setup, isotope: Isotope) -> bcs.PairingGaps | None:
    """Pairing gaps of a nucleus, where the form factor asks for them."""
    if not isinstance(setup.form_factor, Bcs | BcsWoodsSaxon):
        return None
    return bcs.pairing_gaps(isotope, {(charge, number): mass_u for charge, number, mass_u in setup.pairing_masses})


# --- recoils ----------------------------------------------------------------------------------------------------------


def _recoil_rule(setup: Setup, bins: Bins, target: Target, component: Component,
                 sterile_mev: float, order: int) -> RecoilRule:  # fmt: skip
    """Gauss-Legendre nodes in log T, panel by panel: the magnetic cross section goes as 1/T."""
    jumps = _jumps_mev(setup, bins, target)
    smallest, largest = _recoil_ranges_mev(component, target.mass_mev, sterile_mev)
    start, end = max(jumps[0], smallest[0]), largest[0]
    cuts = np.unique(np.concatenate([[start], jumps, smallest, largest]))
    cuts = np.append(cuts[(cuts >= start) & (cuts < end)], end)
    if cuts[0] <= 0 < end:
        raise PredictionError(f"{setup.name}: the window reaches zero recoil energy, where the magnetic rate diverges;"
                              " raise its lower edge or give the efficiency a step")  # fmt: skip
    panels = tuple(pairwise(cuts.tolist()))
    nodes = [_panel_rule(low, high, order) for low, high in panels]
    recoil, weight = (np.concatenate([part[k] for part in nodes] or [np.zeros(0)]) for k in (0, 1))
    return RecoilRule(recoil, weight, panels, order)


@functools.lru_cache(maxsize=8)
def _gauss_legendre(order: int) -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(order)


def _panel_rule(low_mev: float, high_mev: float, order: int) -> tuple[Array, Array]:
    unit, weight = _gauss_legendre(order)
    half = 0.5 * np.log(high_mev / low_mev)
    recoil = np.exp(0.5 * np.log(high_mev * low_mev) + half * unit)
    return recoil, half * weight * recoil


def _jumps_mev(setup: Setup, bins: Bins, target: Target) -> Array:
    """Recoils at which the response, or the number of free electrons, jumps."""
    jumps = _cuts_kev(msgspec.json.encode(setup.experiment.detector), bins, target.isotope)
    levels = np.array([energy for energy, _ in target.levels])
    return np.unique(np.concatenate([jumps, levels[levels > jumps[0]]])) / KEV_PER_MEV


@functools.lru_cache(maxsize=256)
def _cuts_kev(detector: bytes, bins: Bins, isotope: Isotope) -> Array:
    return response.cuts_kev(msgspec.json.decode(detector, type=Detector), bins, isotope)


def _recoil_ranges_mev(component: Component, mass_mev: float, sterile_mev: float) -> tuple[Array, Array]:
    """Smallest and largest recoils of the end of a spectrum, first, and of the energies at which it kinks or jumps."""
    energies = np.array([fluxes.highest_energy_mev(component), *fluxes.breaks_mev(component)])
    return dipole.dipole_recoil_range_mev(energies, mass_mev, sterile_mev)


# --- where a sterile mass closes --------------------------------------------------------------------------------------


def edges(setup: Setup, knob: Knob, flux: str) -> Array:
    """Values of a knob at which the counts of a flux end or bend sharply: none but for a sterile mass [MeV].

    A spectrum's energies no longer suffice above the heaviest mass that they can make, or, where its recoil cannot be
    counted, above the mass that leaves a recoil at the threshold.
    """
    if knob.bends != "sterile_mass_mev":
        return np.zeros(0)
    masses = closing_masses_mev(setup, flux)
    # Isotopes close so near to each other that nodes around one serve the next.
    apart = np.concatenate([[True], np.diff(masses) > NEIGHBOURS * masses[1:]]) if len(masses) else masses
    return np.asarray(masses[apart.astype(bool)])


def closing_masses_mev(setup: Setup, flux: str) -> Array:
    """Sterile masses [MeV] above which an energy of a flux makes no recoil that is counted, of each target."""
    component = setup.flux.components[flux]
    energies = np.array([fluxes.highest_energy_mev(component), *fluxes.breaks_mev(component)])
    bins = tuple(dict.fromkeys(setup.bins))
    found = [
        _closing_masses_mev(energies, target.mass_mev, _jumps_mev(setup, bins, target)[0]) for target in targets(setup)
    ]
    masses = np.unique(np.concatenate(found))
    return np.asarray(masses[masses > 0])


def _closing_masses_mev(energy_mev: Array, mass_mev: float, threshold_mev: float) -> Array:
    """Heaviest sterile masses that energies can make with a recoil above a threshold; zero where there is none."""
    heaviest = dipole.heaviest_sterile_mev(energy_mev, mass_mev)
    recoil = dipole.dipole_recoil_range_mev(energy_mev, mass_mev, heaviest * (1 - 1e-12))[1]
    least = nucleus.energy_minimum_mev(threshold_mev, mass_mev)
    ratio = np.maximum(energy_mev / np.where(least > 0, least, 1.0) - 1, 0.0)
    at_threshold = np.sqrt(2 * mass_mev * threshold_mev * ratio)
    return np.where(recoil >= threshold_mev, heaviest, at_threshold)
