"""Physics of coherent elastic neutrino-nucleus scattering: pure functions of plain numbers."""
