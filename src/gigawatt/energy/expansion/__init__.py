"""Expansion: the least-cost capacities that feed a load."""
