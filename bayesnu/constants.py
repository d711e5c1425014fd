"""Physical constants (CODATA, through scipy.constants) and named units as plain floats.

Every name carries its unit. Energies are in MeV or keV, lengths in fm, cm or m, cross sections in cm2.
"""

from typing import Final

from scipy import constants as _codata


def _codata_value(name: str) -> float:
    return float(_codata.physical_constants[name][0])


ATOMIC_MASS_UNIT_MEV: Final = _codata_value("atomic mass constant energy equivalent in MeV")
ELECTRON_MASS_MEV: Final = _codata_value("electron mass energy equivalent in MeV")
MUON_MASS_MEV: Final = _codata_value("muon mass energy equivalent in MeV")
FINE_STRUCTURE: Final = float(_codata.fine_structure)
FERMI_CONSTANT_PER_MEV2: Final = _codata_value("Fermi coupling constant") * 1e-6
"""Fermi constant G_F / (hbar c)^3 [1/MeV2]."""

HBAR_C_MEV_FM: Final = _codata_value("reduced Planck constant times c in MeV fm")
HBAR_C_SQUARED_MEV2_CM2: Final = (HBAR_C_MEV_FM * 1e-13) ** 2
AVOGADRO_PER_MOL: Final = float(_codata.Avogadro)

KEV_PER_MEV: Final = 1e3
EV_PER_KEV: Final = 1e3
CM_PER_M: Final = 1e2
G_PER_KG: Final = 1e3

MOMENT_UNIT_MU_B: Final = 1e-10
"""Magnetic moments inside the package are in units of 1e-10 Bohr magnetons."""
