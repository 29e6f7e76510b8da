"""Published facts, each with unit, range, date and source.

>>> from gigawatt import catalog
>>> chip = catalog.load().get("chip", "h100-sxm")
>>> chip["tdp_w"].number
700.0
"""

from gigawatt.catalog._facts import BASES, Entry, Fact, Field, Source
from gigawatt.catalog._load import Catalog, load

__all__ = ["BASES", "Catalog", "Entry", "Fact", "Field", "Source", "load"]
