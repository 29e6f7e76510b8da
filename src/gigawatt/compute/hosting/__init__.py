"""Hosting models for users: step time, the engine that batches requests, traces.

Modules are imported by name, e.g. ``from gigawatt.compute.hosting import traces``.
"""
