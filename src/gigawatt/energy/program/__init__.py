"""Linear programs over hours: their form, an interior-point solver of their own, and HiGHS.

`form` says what an hourly program is, `interior` solves it in time linear in the hours (`newton` is
one step, `kernels` and `band` its compiled loops), `bounds` certifies an answer, `monolithic` hands
the whole program to HiGHS.
"""
