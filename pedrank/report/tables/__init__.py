"""One file per table, and one per format that a table is written in."""
