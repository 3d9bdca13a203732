"""What a report says in sentences: verdicts, caveats, how sure a ranking is."""
