"""One reader per downloaded dataset: which images it has, with labels and splits."""
