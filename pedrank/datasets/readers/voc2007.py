"""Pascal VOC 2007 (Everingham et al. 2010): 20 classes, several of them in one image.

ImageSets/Main has a list for each class: 1, the class is present; 0, only objects marked difficult; -1, absent.
The label of an image is its first class in alphabetical order, as in the released feature code; an image whose
classes are all difficult would get class 0, as there; none occurs. `targets` keeps all classes, in the numbers that
every multi-label dataset here uses (`pedrank/finetune/accuracy.py`): 1, present; 0, absent; -1, difficult.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pedrank.catalogue.catalogue import catalogue
from pedrank.datasets.listing import TEST, TRAIN, VALIDATION, Listing, Rows, lines
from pedrank.formats.archive import read_members, tail

_SETS = {TRAIN: "train", VALIDATION: "val", TEST: "test"}


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images by the lists of the 20 classes."""
    classes = catalogue("datasets")["voc2007"]["classes"]
    trainval, test = paths["VOCtrainval_06-Nov-2007.tar"], paths["VOCtest_06-Nov-2007.tar"]
    rows, targets = Rows(), []
    for split, name in _SETS.items():
        wanted = [f"Main/{label}_{name}.txt" for label in classes]
        texts = read_members(test if split == TEST else trainval, wanted, tail(2))
        columns = [[line.split() for line in lines(texts[file])] for file in wanted]
        of_split = np.array([[int(target) for _, target in column] for column in columns]).T  # (images, classes)
        targets.append(np.select([of_split == 1, of_split == 0], [1, -1], 0).astype(np.int8))
        for (image, _), present in zip(columns[0], of_split == 1, strict=True):
            rows.add(split, f"JPEGImages/{image}.jpg", int(present.argmax()))
    return rows.listing(classes, [trainval, test], tail(2), targets=np.concatenate(targets))
