"""Scores for targets that are no classes: real numbers (regression), or several labels per sample."""
