"""One reader per downloaded dataset: a module with `listing(paths) -> Listing`, loaded by name (`catalogue.reader`).

To add a dataset, change three files (CONTRIBUTING.md shows an example with its test):
1. A module here, NAME.py: its `listing` gets the downloaded files by name, and lists images, labels and splits.
2. A card in pedrank/catalogue/datasets.yaml. The reader is the card's name with _ for -, or its field `reader`.
3. A line in docs/data-and-checkpoints.md: source, licence, size, and steps that must be done by hand.
"""
