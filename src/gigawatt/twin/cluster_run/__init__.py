"""Jobs on a cluster: those of a campus, or of a trace, simulated and accounted for.

`simulate_jobs` makes the jobs of a campus's programme and runs them on its accelerators;
`replay_jobs` runs those of a trace. Both return a `JobsRun`, which holds the simulation of each
kind of accelerator and says what became of every accelerator-second, in hours, MWh and USD.
"""
