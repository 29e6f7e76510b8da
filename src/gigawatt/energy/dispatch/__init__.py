"""Dispatch: what each source gives in each hour, at least cost.

`build` writes a system as an hourly program, `run` solves it, `polish` makes the answer exact,
`result` holds it, `diagnose` says in words why there is none, `merit` is the quick order of merit.
"""
