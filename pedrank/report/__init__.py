"""Tables, figures and HTML pages of a study, made from its files alone; nothing here computes a score."""

PAPER_FIGURES = (
    "figure4",
    "figure5",
    "figure6",
    "figure7",
    "motion",
)  # figures that show what PED does: the paper's and one more
CROSS_DATASET_FIGURES = ("critical-difference", "agreement", "cost")  # figures over all datasets
