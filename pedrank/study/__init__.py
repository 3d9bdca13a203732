"""A study's configuration, what the rules ask of it, and what it would fetch. No number is computed here."""
