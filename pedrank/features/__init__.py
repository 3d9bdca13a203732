"""One forward pass of a network over images: features (N, D). Features that a user brings: `user_data/`."""
