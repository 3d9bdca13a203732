"""Costly steps of metrics on a GPU, in float64 by torch. The formulas stand in `metrics/`, which calls this folder."""
