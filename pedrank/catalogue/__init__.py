"""Everything that a study can name, as data: datasets.yaml, checkpoints.yaml. Images and weights: elsewhere."""
