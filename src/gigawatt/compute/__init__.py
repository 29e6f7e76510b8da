"""One step of work on accelerators: how many FLOP it takes and how long that lasts.

Modules are imported by name, e.g. ``from gigawatt.compute import work``; nothing heavy loads here.
"""
