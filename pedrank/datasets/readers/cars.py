"""Stanford Cars (Krause et al. 2013): 196 models, with the authors' training and test images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pedrank.datasets.listing import TEST, TRAIN, Listing, Rows
from pedrank.formats.archive import read_members, tail
from pedrank.formats.matlab import read_matlab


def listing(paths: Mapping[str, Path]) -> Listing:
    """List the images by the annotations, whose classes are numbered from 1."""
    devkit = read_members(paths["car_devkit.tgz"], ["cars_meta.mat", "cars_train_annos.mat"], tail(1))
    rows = Rows()
    for split, folder, content in (
        (TRAIN, "cars_train", devkit["cars_train_annos.mat"]),
        (TEST, "cars_test", paths["cars_test_annos_withlabels.mat"].read_bytes()),
    ):
        for annotation in read_matlab(content)["annotations"]:
            rows.add(split, f"{folder}/{annotation['fname']}", int(annotation["class"]) - 1)
    names = [str(name) for name in read_matlab(devkit["cars_meta.mat"])["class_names"]]
    return rows.listing(names, [paths["cars_train.tgz"], paths["cars_test.tgz"]], tail(2))
