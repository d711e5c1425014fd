"""Neutrino-quark couplings of the standard model."""

from bayesnu.schema.record import Record


class TreeCouplings(Record, tag_field="kind", tag="tree"):
    """Neutrino-quark couplings at tree level."""


class RadiativeCouplings(Record, tag_field="kind", tag="radiative"):
    """Neutrino-quark couplings with radiative corrections (arXiv:1905.03750, Eq 22)."""

    rho: float
    kappa: float
    lambda_u_left: float
    lambda_d_left: float
    lambda_u_right: float
    lambda_d_right: float


Couplings = TreeCouplings | RadiativeCouplings
