"""Tables and figures of a study, drawn from its files alone."""

PAPERS = ("figure4", "figure5", "figure6", "figure7", "motion")  # figures of what PED does, the paper's among them
ACROSS = ("critical-difference", "agreement", "cost")  # figures over all datasets
