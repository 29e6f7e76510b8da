"""The compiled kernel of the cluster simulation.

`columns` names its arrays. `bits` and `heap` are the two structures that hold jobs: those that
wait, in order, and those that run, by time. `nodes` keeps the free accelerators of each group of
nodes, `placing` picks nodes for a job, `running` accounts for what a job does, `failing` takes
nodes away and brings them back, `mending` lets jobs go on, `reserving` and `planning` keep the
promises of EASY and of conservative backfill, `preempting` stops jobs for others, `scheduling`
starts them, `loop` is the loop over events. Modules are imported by name; Numba loads with `loop`.
"""
