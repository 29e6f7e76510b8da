"""Build-out: when the power of a campus is likely to be there."""
