"""In Python and in notebooks: `pedrank.rank`, `extract` and `read_images`, and the answer as an object."""
