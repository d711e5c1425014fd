"""From an Analysis to a result: samplers, profiles, diagnostics, and one DataTree for all of them."""
