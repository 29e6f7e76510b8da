"""One year at the meter: a campus's chips, chain, cooling plant and weather together."""
