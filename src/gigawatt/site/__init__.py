"""From the chips to the meter: weather, cooling and what the accelerators draw."""
