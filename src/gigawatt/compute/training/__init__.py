"""Training on many accelerators: layouts, step time, search, whole runs.

Modules are imported by name, e.g. ``from gigawatt.compute.training import step``.
"""
