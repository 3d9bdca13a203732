"""Datasets as uint8 images with labels and splits. Images that a user brings: `user_data/`."""
