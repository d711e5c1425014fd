"""The one equation: templates built once, contracted with couplings and scales."""
