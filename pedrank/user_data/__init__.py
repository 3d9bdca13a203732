"""Images, features and checkpoints that a user brings (docs/own-data.md). Downloaded ones: `datasets/`.

The three readers of images (`image_folder`, `image_table`, `hugging_face`) share a protocol, and `images` chooses one:
`listing(path)` returns a `Listing` as a dataset's reader does, and `files(path)` the files whose change means new data.
`images` itself is loaded by name (`catalogue.reader`).
"""
