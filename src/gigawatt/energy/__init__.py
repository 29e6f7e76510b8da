"""Supply: sources, dispatch, and what the campus equals in homes."""
