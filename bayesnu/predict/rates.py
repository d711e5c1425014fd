"""Counts per unit coupling of one state of a set-up: flux x cross section x detector response, integrated.

The recoil axis is cut wherever the response or the kinematics jumps, so that each panel holds a smooth function and
Gauss-Legendre nodes converge at once.
"""

import functools
import itertools
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
Panel = tuple[float, float]
"""Ends of a piece of the recoil axis [MeV]."""

RECOIL_ORDER: Final = 24
ENERGY_ORDER: Final = 16
AT_ONCE: Final = 32
"""Panels whose response is computed together: larger temporaries leave the cache."""
NEIGHBOURS: Final = 1e-6
"""Relative distance below which two kinematic edges are one."""


class RecoilRule(NamedTuple):
    """Recoils and weights [MeV] of a quadrature (panel, node), and their chances to be counted (panel, bin, node)."""

    recoil_mev: Array
    weight_mev: Array
    chances: Array


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
    setup: Setup, wanted: Sequence[str], recoil_order: int = RECOIL_ORDER, energy_order: int = ENERGY_ORDER
) -> Array:
    """T[flux, term, bin] of some terms."""
    bins = _different_bins(setup)
    values = np.zeros((len(setup.flux.components), len(wanted), len(bins)))
    for target in targets(setup):
        for s, (name, component) in enumerate(setup.flux.components.items()):
            active = [t for t in wanted if terms.acts(setup, t, name)]
            rates = _rates(setup, bins, target, component, active, recoil_order, energy_order)
            for term, rate in rates.items():
                values[s, wanted.index(term)] += target.number * _fluence(setup, name) * rate
    return np.stack([_shared_out(setup, name, part) for name, part in zip(setup.flux.components, values, strict=True)])


def at_masses(setup: Setup, wanted: Sequence[str], flux: str, sterile_mev: Sequence[float]) -> Array:
    """T[mass, term, bin] of terms with a heavy final state, in one flux and at many masses at once."""
    bins, component = _different_bins(setup), setup.flux.components[flux]
    active = [t for t in wanted if terms.acts(setup, t, flux)]
    values = np.zeros((len(sterile_mev), len(wanted), len(bins)))
    for target in targets(setup):
        rates = _by_moments(setup, bins, target, component, active, sterile_mev, RECOIL_ORDER)
        for term, rate in rates.items():
            values[:, wanted.index(term)] += target.number * _fluence(setup, flux) * rate
    return _shared_out(setup, flux, values)


def _different_bins(setup: Setup) -> Bins:
    """Bins of a second observable repeat the energy bins: those are integrated once."""
    return tuple(dict.fromkeys(setup.bins))


def _shared_out(setup: Setup, flux: str, values: Array) -> Array:
    """The counts (..., different bin) of a flux in all bins, with the share of the flux in each."""
    different = _different_bins(setup)
    share = np.array(setup.shares.get(flux, (1.0,) * len(setup.bins)))
    return np.asarray(values[..., [different.index(b) for b in setup.bins]] * share)


def _fluence(setup: Setup, flux: str) -> float:
    assert setup.experiment.fluence is not None
    return fluence_per_cm2(setup.experiment.fluence, setup.flux.components[flux])


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
    for massive, some in ((False, light), (True, heavy)):
        sterile_mev = sterile_mass_mev(setup, some) if massive else 0.0
        rates = _by_moments(setup, bins, target, component, some, [sterile_mev], recoil_order)
        found |= {term: rate[0] for term, rate in rates.items()}
    return found


def sterile_mass_mev(setup: Setup, heavy: Sequence[str]) -> float:
    """The mass [MeV] that a set-up gives to the final state of its heavy terms; zero where it has none."""
    if heavy and setup.sterile_mass_mev is None:
        raise PredictionError(f"{setup.name}: {heavy[0]} needs the mass of the heavy neutrino; declare"
                              " sterile_mass_mev, or a parameter that turns a knob of it")  # fmt: skip
    return setup.sterile_mass_mev or 0.0


def _by_quadrature(setup: Setup, bins: Bins, target: Target, component: Component, wanted: Sequence[str],
                   recoil_order: int, energy_order: int) -> dict[str, Array]:  # fmt: skip
    """Cross sections on nuclei at each energy of a rule."""
    if not wanted:
        return {}
    panels = _panels(_jumps_mev(setup, bins, target), _kinks_mev(target, component, 0.0))
    rule = _recoil_rule(setup, bins, target, panels, recoil_order)
    recoil_mev = rule.recoil_mev.ravel()
    energy, density = fluxes.energy_rule(
        component, nucleus.energy_minimum_mev(recoil_mev, target.mass_mev), energy_order
    )
    proton, neutron = _form_factors(setup, target, recoil_mev)
    point = cross_sections.Recoil(target.isotope, recoil_mev[:, None], energy, target.mass_mev,
                         proton[:, None], neutron[:, None], setup.kinematics)  # fmt: skip
    counted = np.moveaxis(rule.chances, 1, 0).reshape(len(bins), -1) * rule.weight_mev.ravel()
    return {t: counted @ np.sum(density * cross_sections.RATES[t](point), axis=1) for t in wanted}


def _by_moments(setup: Setup, bins: Bins, target: Target, component: Component, wanted: Sequence[str],
                sterile_mev: Sequence[float], recoil_order: int) -> dict[str, Array]:  # fmt: skip
    """Cross sections as powers of 1/E: the spectrum enters through its moments above the smallest energy.

    Counts [mass, bin] of each term. Most masses share most panels, which are computed once.
    """
    if not wanted:
        return {}
    jumps = _jumps_mev(setup, bins, target)
    of_mass = [_panels(jumps, _kinks_mev(target, component, mass)) for mass in sterile_mev]
    position = {panel: i for i, panel in enumerate(dict.fromkeys(itertools.chain(*of_mass)))}
    rule = _recoil_rule(setup, bins, target, tuple(position), recoil_order)
    where = [[position[panel] for panel in panels] for panels in of_mass]
    which = np.array([i for positions in where for i in positions], dtype=np.int64)
    ends = np.cumsum([0, *map(len, where)])
    recoil_mev, mass_mev = rule.recoil_mev[which], np.repeat(np.asarray(sterile_mev), np.diff(ends))[:, None]
    moments = fluxes.moments_above(component, dipole.dipole_energy_minimum_mev(recoil_mev, target.mass_mev, mass_mev))
    antineutrino = electron.is_antineutrino(component.flavour)
    struck = cross_sections.Struck(recoil_mev, target.mass_mev, mass_mev, antineutrino)
    strengths = _strengths(setup, target, rule.recoil_mev.ravel(), wanted)
    found = {}
    for term in wanted:
        strength = rule.weight_mev * strengths[term].reshape(rule.weight_mev.shape)
        rate = strength[which] * over_spectrum(cross_sections.SECTIONS[term](struck), moments)
        parts = zip(where, pairwise(ends), strict=True)
        found[term] = np.stack([np.tensordot(rule.chances[w], rate[a:b], ((0, 2), (0, 1))) for w, (a, b) in parts])
    return found


def _strengths(setup: Setup, target: Target, recoil_mev: Array, wanted: Sequence[str]) -> dict[str, Array]:
    """Electrons that a recoil can set free, or charges of a nucleus with its form factors, as each term has them."""
    if target.levels:
        energies_kev, electrons = np.array(target.levels).T
        free = binding.free_electrons(recoil_mev * KEV_PER_MEV, EV_PER_KEV * energies_kev, electrons)
        return dict.fromkeys(wanted, free)
    proton, neutron = _form_factors(setup, target, recoil_mev)
    protons, neutrons = target.isotope.charge * proton, target.isotope.neutrons * neutron
    return {term: cross_sections.STRENGTHS[term](protons, neutrons) for term in wanted}


def _form_factors(setup: Setup, target: Target, recoil_mev: Array) -> tuple[Array, Array]:
    momentum = nucleus.momentum_per_fm(recoil_mev, target.mass_mev)
    gaps = _gaps(setup, target.isotope)
    return form_factors.proton_and_neutron(setup.form_factor, target.isotope, momentum, gaps)


def _gaps(setup: Setup, isotope: Isotope) -> bcs.PairingGaps | None:
    """Pairing gaps of a nucleus, where the form factor asks for them."""
    if not isinstance(setup.form_factor, Bcs | BcsWoodsSaxon):
        return None
    return bcs.pairing_gaps(isotope, {(charge, number): mass_u for charge, number, mass_u in setup.pairing_masses})


# --- recoils ----------------------------------------------------------------------------------------------------------


def _panels(jumps_mev: Array, kinks_mev: tuple[Array, Array]) -> tuple[Panel, ...]:
    """Panels between the jumps of a response and the kinks of a recoil spectrum, up to its end."""
    smallest, largest = kinks_mev
    start, end = max(jumps_mev[0], smallest[0]), largest[0]
    cuts = {start, *jumps_mev.tolist(), *smallest.tolist(), *largest.tolist()}
    return tuple(pairwise([*sorted(cut for cut in cuts if start <= cut < end), float(end)]))


def _recoil_rule(setup: Setup, bins: Bins, target: Target, panels: tuple[Panel, ...], order: int) -> RecoilRule:
    """Gauss-Legendre nodes in log T, panel by panel: the magnetic cross section goes as 1/T."""
    if any(low <= 0 for low, _ in panels):
        raise PredictionError(f"{setup.name}: the window reaches zero recoil energy, where the magnetic rate diverges;"
                              " raise its lower edge or give the efficiency a step")  # fmt: skip
    recoil, weight = _panel_nodes(panels, order)
    detector = msgspec.json.encode(setup.experiment.detector)
    return RecoilRule(recoil, weight, _chances(detector, bins, target.isotope, panels, order))


def _panel_nodes(panels: Sequence[Panel], order: int) -> tuple[Array, Array]:
    unit, weight = _gauss_legendre(order)
    low, high = np.array(panels, dtype=np.float64).reshape(-1, 2, 1).swapaxes(0, 1)
    half = 0.5 * np.log(high / low)
    recoil = np.exp(0.5 * np.log(high * low) + half * unit)
    return recoil, half * weight * recoil


@functools.lru_cache(maxsize=8)
def _gauss_legendre(order: int) -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(order)


@functools.lru_cache(maxsize=64)
def _chances(detector: bytes, bins: Bins, isotope: Isotope, panels: tuple[Panel, ...], order: int) -> Array:
    """Chances [panel, bin, node] of a recoil to be counted: knobs of other things than the detector share them."""
    declared = msgspec.json.decode(detector, type=Detector)
    recoil_kev = _panel_nodes(panels, order)[0] * KEV_PER_MEV
    found = np.zeros((len(panels), len(bins), order))
    for part in np.array_split(np.arange(len(panels)), len(panels) // AT_ONCE + 1):
        counted = response.counted(declared, bins, recoil_kev[part].ravel(), isotope)
        found[part] = counted.reshape(len(bins), len(part), order).swapaxes(0, 1)
    return found


def _jumps_mev(setup: Setup, bins: Bins, target: Target) -> Array:
    """Recoils at which the response, or the number of free electrons, jumps."""
    jumps = _cuts_kev(msgspec.json.encode(setup.experiment.detector), bins, target.isotope)
    levels = np.array([energy for energy, _ in target.levels])
    return np.unique(np.concatenate([jumps, levels[levels > jumps[0]]])) / KEV_PER_MEV


@functools.lru_cache(maxsize=256)
def _cuts_kev(detector: bytes, bins: Bins, isotope: Isotope) -> Array:
    return response.cuts_kev(msgspec.json.decode(detector, type=Detector), bins, isotope)


def _kinks_mev(target: Target, component: Component, sterile_mev: float) -> tuple[Array, Array]:
    """Smallest and largest recoils of the end of a spectrum, first, and of the energies at which it kinks or jumps."""
    energies = np.array([fluxes.highest_energy_mev(component), *fluxes.breaks_mev(component)])
    return dipole.dipole_recoil_range_mev(energies, target.mass_mev, sterile_mev)


# --- where a sterile mass closes --------------------------------------------------------------------------------------


def edges(setup: Setup, knob: Knob, flux: str) -> Array:
    """Values of a knob at which the counts of a flux end or bend sharply: none but for a sterile mass [MeV].

    A spectrum's energies no longer suffice above the heaviest mass that they can make, or, where its recoil cannot be
    counted, above the mass that leaves a recoil at the threshold.
    """
    if knob.bends != "sterile_mass_mev":
        return np.zeros(0)
    masses = closing_masses_mev(setup, flux)
    # Each isotope closes by itself: around the mass of a rare one the nodes are too coarse for that of its neighbour.
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


def crossing_masses_mev(setup: Setup, knob: Knob, flux: str) -> Array:
    """Sterile masses [MeV] at which the recoils of a flux begin or end where the response jumps, or a panel of it does.

    At the mass sqrt(2 M T (E/E_0 - 1)) the energy E just makes the recoil T, for which massless neutrinos need E_0.
    """
    if knob.bends != "sterile_mass_mev":
        return np.zeros(0)
    component = setup.flux.components[flux]
    energies = np.array([fluxes.highest_energy_mev(component), *fluxes.breaks_mev(component)])[:, None]
    bins = tuple(dict.fromkeys(setup.bins))
    found = []
    for target in targets(setup):
        recoil = _jumps_mev(setup, bins, target)
        recoil = recoil[recoil > 0]
        excess = energies / nucleus.energy_minimum_mev(recoil, target.mass_mev) - 1
        found.append(np.sqrt(2 * target.mass_mev * recoil * np.maximum(excess, 0.0)).ravel())
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
