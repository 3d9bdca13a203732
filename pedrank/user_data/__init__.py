"""Images, features and checkpoints that a user brings (docs/own-data.md). Downloaded ones: `datasets/`."""
