"""Many instances over days and years."""
