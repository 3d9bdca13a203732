"""Tables and figures of a study, drawn from its files alone."""

PAPER_FIGURES = (
    "figure4",
    "figure5",
    "figure6",
    "figure7",
    "motion",
)  # figures of what PED does, the paper's among them
CROSS_DATASET_FIGURES = ("critical-difference", "agreement", "cost")  # figures over all datasets
