"""One file per figure, and the style they share."""
