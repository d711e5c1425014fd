"""The 12-bin spectrum of COHERENT CsI written for pyhf: an independent implementation of the same likelihood.

Not a test module. Test files load it with `runpy.run_path`.
"""

import numpy as np
import pyhf

UNIT = 50.0
"""The signal of a moment of 50e-10 mu_B is the unit of pyhf's strength, (mu / UNIT)^2."""


def model(analysis, highest):
    """Signal and standard model scaled together, prompt neutrons scaled, and a control measurement in each bin."""
    parts, widths = _parts(analysis), {p.name: p.prior for p in analysis.free if p.role == "nuisance"}

    def scaled(name, counts):
        """Linear in its pull: nominal x (1 + sd x pull)."""
        sd = widths[name].sd
        return {
            "name": name, "type": "histosys",
            "data": {"hi_data": list(counts * (1 + sd)), "lo_data": list(counts * (1 - sd))},
        }  # fmt: skip

    def sample(name, *modifiers):
        return {"name": name, "data": list(parts[name]), "modifiers": list(modifiers)}

    counted = {"name": "steady", "type": "shapesys", "data": list(np.sqrt(parts["steady"]))}
    strength = {"name": "strength", "type": "normfactor", "data": None}
    samples = [
        sample("magnetic", strength, scaled("signal", parts["magnetic"])),
        sample("standard", scaled("signal", parts["standard"])),
        sample("neutrons", scaled("prompt_neutrons", parts["neutrons"])),
        sample("steady", counted),
    ]
    ends = [{"name": "strength", "bounds": [[0.0, (highest / UNIT) ** 2]]}] + [
        {"name": name, "bounds": [[(getattr(p, end) - p.mean) / p.sd for end in ("low", "high")]]}
        for name, p in widths.items()
        if name in ("signal", "prompt_neutrons")
    ]
    measurement = {"name": "m", "config": {"poi": "strength", "parameters": ends}}
    spec = {
        "channels": [{"name": "spectrum", "samples": samples}],
        "observations": [{"name": "spectrum", "data": [0.0] * 12}], "measurements": [measurement], "version": "1.0.0",
    }  # fmt: skip
    return pyhf.Workspace(spec).model(modifier_settings={"histosys": {"interpcode": "code0"}})


def _parts(analysis):
    """Counts of each part, from differences of expectations."""

    def at(**values):
        point = analysis.centre()
        for name, value in values.items():
            point[analysis.names.index(name)] = value
        (expected,) = analysis.expected(point).values()
        return expected

    centre = at()
    standard, neutrons = centre - at(signal=0.0), centre - at(prompt_neutrons=0.0)
    magnetic = at(mu_nu=UNIT) - centre
    return {
        "magnetic": magnetic, "standard": standard, "neutrons": neutrons, "steady": centre - standard - neutrons,
    }  # fmt: skip


def data(pdf, counts, pulls, controls):
    """One data set as pyhf wants it: counts, then the auxiliary measurements in its order."""
    auxiliary = {**{name: [value] for name, value in pulls.items()}, "steady": list(controls)}
    return [*counts, *(v for name in pdf.config.auxdata_order for v in auxiliary[name])]
