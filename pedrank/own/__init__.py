"""A user's own images, features and checkpoints as entries of a catalogue (docs/own-data.md).

>>> images_entry(Path("photos"))          # a card for the part `datasets`
>>> reference_entry(Path("sample"))       # a card of reference images, which need no labels
>>> features_entry(Path("features"))      # a card, and an entry of the part `checkpoints` for each file of features
>>> checkpoint_entry("weights.pth=resnet50")    # a name, and an entry of the part `checkpoints`
"""

from pedrank.own.checkpoints import checkpoint_entry
from pedrank.own.features import features_entry
from pedrank.own.images import images_entry, reference_entry

__all__ = ["checkpoint_entry", "features_entry", "images_entry", "reference_entry"]
