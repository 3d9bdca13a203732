"""One file per figure, and the style that all share."""
