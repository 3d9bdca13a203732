"""Source names of weights to torchvision's names, one file per source."""
