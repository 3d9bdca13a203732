"""Data about everything that a study can name: datasets.yaml, checkpoints.yaml. Images and weights: elsewhere."""
