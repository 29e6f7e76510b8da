"""A campus's supply over a year: who feeds it, what it is billed, what it emits, how firm it is."""
