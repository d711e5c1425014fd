"""Tables and figures, drawn from a result alone."""
