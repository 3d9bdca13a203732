"""How well each metric ranks the checkpoints, how sure one can be of it, and what trusting it costs."""
