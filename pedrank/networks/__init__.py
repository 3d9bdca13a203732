"""The networks that checkpoints are weights of, by architecture name. Files of weights: `checkpoints/`."""
