"""Datasets that a package carries, so that they need no download."""
