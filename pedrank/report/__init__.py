"""Tables and figures of a study, drawn from its files alone."""
