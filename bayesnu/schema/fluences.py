"""How many neutrinos per cm2 cross a detector: what turns a spectrum into a fluence."""

from bayesnu.schema.record import Record


class ProtonsOnTarget(Record, tag_field="kind", tag="protons-on-target"):
    """Neutrinos per cm2 and component: protons on target x neutrinos per proton / (4 pi baseline^2)."""

    protons_on_target: float
    neutrinos_per_proton: float
    baseline_m: float


class QuotedFlux(Record, tag_field="kind", tag="quoted-flux"):
    """A quoted flux per component x live time; a spectrum per fission is divided by its neutrinos per fission."""

    flux_per_cm2_s: float
    live_time_s: float
    neutrinos_per_spectrum: float = 1.0
    """What the spectrum integrates to in the reckoning of whoever quotes the flux."""


class ReactorPower(Record, tag_field="kind", tag="reactor-power"):
    """Fissions per cm2: thermal power / mean energy per fission / (4 pi baseline^2) x live time."""

    thermal_power_gw: float
    baseline_m: float
    live_time_s: float


Fluence = ProtonsOnTarget | QuotedFlux | ReactorPower
