"""Sentences of the reports: verdicts, caveats, how certain a ranking is."""
