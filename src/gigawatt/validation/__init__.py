"""Predictions held against published measurements."""

from gigawatt.validation.domains import DOMAINS, validate
from gigawatt.validation.score import Prediction, score

__all__ = ["DOMAINS", "Prediction", "score", "validate"]
