"""Networks by architecture name, without their classifiers. Files of weights: `checkpoints/`."""
