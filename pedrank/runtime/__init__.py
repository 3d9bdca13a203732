"""Processes: one-line errors, devices, locks, Slurm. No number is decided here."""
