"""Measured times of kernels in place of the modelled ones (extra ``kernels``)."""
