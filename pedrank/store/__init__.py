"""Artefacts: atomic, sealed, and identified by a digest of the code that made them. No number is decided here."""
