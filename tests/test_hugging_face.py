"""Hugging Face datasets on disk: columns, labels of every form, splits, and images inside and outside the tables.

pyarrow writes the files as datasets 5.2.0 writes them: the JSON here is copied from them. Where the package itself
is installed, it writes some. The forms of labels are tested without either.
"""

import io
import json

import numpy as np
import pytest
from PIL import Image

from pedrank.datasets.listing import TEST, TRAIN
from pedrank.user_data import images
from pedrank.user_data.image_cards import images_entry
from pedrank.user_data.label_cells import classes, is_unlabelled, named, numbered
from pedrank.utils.errors import InputError

IDS = [str(row) for row in range(100)]
IMAGE = {"_type": "Image"}
VALUE = {"dtype": "int64", "_type": "Value"}


def class_label(*names):
    return {"names": list(names), "_type": "ClassLabel"}


def listed(inner):
    return {"feature": inner, "_type": "List"}


@pytest.mark.parametrize(
    "cells, expected",
    [
        ([2, 0, 2], [[2], [0], [2]]),
        ([True, False], [[True], [False]]),
        ([1.0, 3.0], [[1], [3]]),
        (["dog ", "cat"], [["dog"], ["cat"]]),
        (["cafe\u0301", "café"], [["café"], ["café"]]),
        ([[0, 2], [1]], [[0, 2], [1]]),
        ([["dog", "cat"], ["dog"]], [["dog", "cat"], ["dog"]]),
        ([[3], [0]], [[3], [0]]),
        ([[0], [1]], [[0], [1]]),
        ([[1, 0, 0], [0, 1, 1]], [[0], [1, 2]]),
        ([[1.0, 0.0], [1.0, 1.0]], [[0], [0, 1]]),
        ([[True, False], [False, True]], [[0], [1]]),
        ([[0, 1], [1, 0]], [[1], [0]]),
        ([[0, 1], [1, 2]], [[0, 1], [1, 2]]),
    ],
)
def test_the_classes_of_each_form_of_label(cells, expected):
    assert classes(cells, IDS[: len(cells)]) == expected


@pytest.mark.parametrize(
    "cells, message",
    [
        ([1, None, 2, None], "2 of 4 images have no label, first image 1; add it, or leave these images out"),
        (["a", " "], "1 of 2 images have no label, first image 1"),
        ([1.0, float("nan")], "first image 1"),
        ([[1], []], "first image 1"),
        ([[1], [None]], "first image 1"),
        ([[1, 0, 0], [0, 0, 0]], "1 of 2 images have no label, first image 1"),
        ([0.25, 1.0], "image 0 has the label 0.25, which is no class"),
        ([[0.1, 0.9], [0.5, 0.5]], "image 0 has the label 0.1, which is no class"),
        ([{"bbox": [1]}], "which is no class; give names or whole numbers"),
        ([[[1]]], "which is no class"),
        ([b"x"], "which is no class"),
        ([[1, -1, 0, 0], [1, 0, 0, 0]], "names a class twice"),
        ([[1, 0, 0], [1, 1]], "image 0 has the label .1, 0, 0., which names a class twice"),
        ([["pos", "neg", "neg"]], "names a class twice"),
    ],
)
def test_labels_that_are_refused(cells, message):
    with pytest.raises(InputError, match=message) as error:
        classes(cells, IDS[: len(cells)])
    assert "\n" not in str(error.value)


def test_numbers_without_a_name_are_refused():
    with pytest.raises(InputError, match="the label 2 has no name, since only 2 classes are named"):
        named([0, 2], ["cat", "dog"])


def test_labels_of_a_hidden_test_set():
    """huggingface/datasets#5624: all labels are -1."""
    assert is_unlabelled([-1, -1]) and is_unlabelled([None, None]) and is_unlabelled([[], [-1]])
    assert not is_unlabelled([-1, 1]) and not is_unlabelled([0, 0])


def test_targets_are_made_where_an_image_has_several_classes():
    labels, targets, names = numbered([[2, 0], [1]])
    assert (labels.tolist(), targets.tolist(), names) == ([0, 1], [[1, 0, 1], [0, 1, 0]], ["0", "1", "2"])
    assert numbered([[10], [9]])[2] == ["9", "10"]


def encoded(number):
    file = io.BytesIO()
    Image.new("RGB", (6, 5), (number, 0, 0)).save(file, "PNG")
    return file.getvalue()


def cells(number):
    return [{"bytes": encoded(row), "path": None} for row in range(number)]


@pytest.fixture
def save():
    """Write a split as `save_to_disk` does, in two Arrow files."""
    pa = pytest.importorskip("pyarrow")

    def write(folder, features, columns, **state):
        folder.mkdir(parents=True, exist_ok=True)
        rows = pa.table(columns)
        names = [f"data-0000{part}-of-00002.arrow" for part in range(2)]
        for part, name in enumerate(names):
            half = rows.slice(*((0, 3), (3, None))[part])
            with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, rows.schema) as out:
                out.write_table(half, max_chunksize=2)
        described = {"citation": "", "features": features, "homepage": ""}
        (folder / "dataset_info.json").write_text(json.dumps(described))
        files = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0", "_split": None}
        (folder / "state.json").write_text(json.dumps(files | state))
        return folder

    return write


def refused(path, *parts):
    images.fingerprint.cache_clear()
    with pytest.raises(InputError) as error:
        images.listing(path)
    for part in parts:
        assert part in str(error.value), error.value
    assert "\n" not in str(error.value)


def reds(found):
    return [Image.open(io.BytesIO(content)).getpixel((0, 0))[0] for _, content in found.images()]


def test_vectors_of_zero_and_one(tmp_path, save):
    hot = [[int(row % 3 == place or row == place + 3) for place in range(3)] for row in range(9)]
    path = save(tmp_path / "d", {"image": IMAGE, "labels": listed(VALUE)}, {"image": cells(9), "labels": hot})
    found = images.listing(path)
    assert found.class_names == ["0", "1", "2"] and found.labels.tolist() == [0, 1, 2] * 3 and found.targets is None
    assert images_entry(path)["metric"] == "top-1" and reds(found) == list(range(9))
    hot[4] = [1, 1, 0]
    path = save(tmp_path / "e", {"image": IMAGE, "labels": listed(VALUE)}, {"image": cells(9), "labels": hot})
    assert images.listing(path).targets.tolist() == hot and images_entry(path)["metric"] == "11-point mAP"


@pytest.mark.parametrize(
    "inner",
    [
        listed(class_label("a", "b", "c")),
        [class_label("a", "b", "c")],
        {"feature": class_label("a", "b", "c"), "length": -1, "_type": "Sequence"},
    ],
)
def test_lists_of_named_classes_of_new_and_old_versions(tmp_path, save, inner):
    columns = {"image": cells(5), "label": [[2], [0], [0, 2], [2], [0]]}
    found = images.listing(save(tmp_path / "d", {"image": IMAGE, "label": inner}, columns))
    assert found.class_names == ["a", "c"] and found.targets.tolist() == [[0, 1], [1, 0], [1, 1], [0, 1], [1, 0]]


def test_several_columns_of_labels(tmp_path, save):
    """huggingface/datasets#1812: CIFAR-100 has fine and coarse labels."""
    features = {"img": IMAGE, "fine_label": class_label("a", "b", "c"), "coarse_label": class_label("x", "y")}
    columns = {"img": cells(6), "fine_label": [0, 1, 2] * 2, "coarse_label": [0, 1, 1] * 2}
    path = save(tmp_path / "d", features, columns)
    refused(path, "several columns may be the labels: fine_label, coarse_label", "rename the right one to 'label'")
    features["label"] = features.pop("fine_label")
    columns["label"] = columns.pop("fine_label")
    found = images.listing(save(tmp_path / "e", features, columns))
    assert found.class_names == ["a", "b", "c"]
    assert images.notes(found)[0] == "Labels are those of the column 'label', and not of coarse_label."


def test_several_columns_of_images(tmp_path, save):
    features = {"photo": IMAGE, "mask": IMAGE, "label": VALUE}
    columns = {"photo": cells(6), "mask": cells(6), "label": [0, 1] * 3}
    refused(save(tmp_path / "d", features, columns), "several columns may be the images: photo, mask")
    features = {"mask": IMAGE, "image": IMAGE, "label": VALUE}
    columns = {"mask": [{"bytes": b"", "path": None}] * 6, "image": cells(6), "label": [0, 1] * 3}
    assert reds(images.listing(save(tmp_path / "e", features, columns))) == list(range(6))


@pytest.mark.parametrize("name", ["labels", "class", "target", "category", "Class Name"])
def test_other_names_of_the_column_of_labels(tmp_path, save, name):
    text = {"dtype": "string", "_type": "Value"}
    columns = {"image": cells(4), "caption": ["x"] * 4, name: ["dog", "cat"] * 2}
    found = images.listing(save(tmp_path / "d", {"image": IMAGE, "caption": text, name: text}, columns))
    assert found.class_names == ["cat", "dog"] and found.labels.tolist() == [1, 0, 1, 0]


def test_missing_columns_are_named(tmp_path, save):
    columns = {"image": cells(4), "caption": ["x"] * 4}
    refused(
        save(tmp_path / "d", {"image": IMAGE, "caption": VALUE}, columns), "no column of labels; it has image, caption"
    )
    columns = {"url": ["x"] * 4, "label": [0, 1] * 2}
    refused(save(tmp_path / "e", {"url": VALUE, "label": VALUE}, columns), "no column of images; it has url, label")


def dictionary(path, *splits):
    (path / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    return path


def test_names_in_another_order_in_each_split(tmp_path, save):
    """GoogleCloudPlatform/ml-design-patterns#12: the number of a class differs between splits; its name counts."""
    save(
        tmp_path / "train",
        {"image": IMAGE, "label": class_label("cat", "dog")},
        {"image": cells(4), "label": [0, 1] * 2},
    )
    save(
        tmp_path / "test",
        {"image": IMAGE, "label": class_label("dog", "cat")},
        {"image": cells(4), "label": [0, 1] * 2},
    )
    found = images.listing(dictionary(tmp_path, "train", "test"))
    assert found.class_names == ["cat", "dog"] and found.labels.tolist() == [0, 1, 0, 1, 1, 0, 1, 0]
    assert found.split.tolist() == [TRAIN] * 4 + [TEST] * 4


def test_whole_numbers_of_single_images_may_be_amounts(tmp_path, save):
    """A ClassLabel says that they are classes; a plain number does not."""
    ages = [31, 44, 44, 58, 61, 70]
    found = images.listing(save(tmp_path / "a", {"image": IMAGE, "label": VALUE}, {"image": cells(6), "label": ages}))
    assert found.notes[0].startswith(
        "4 of 5 classes are numbers that stand at a single image. If the labels are amounts"
    )
    numbers = class_label("31", "44", "58", "61", "70")
    path = save(tmp_path / "b", {"image": IMAGE, "label": numbers}, {"image": cells(6), "label": [0, 1, 1, 2, 3, 4]})
    assert not any("amounts" in note for note in images.listing(path).notes)


@pytest.mark.parametrize("hidden", [-1, None])
def test_a_split_without_labels_is_left_out_and_noted(tmp_path, save, hidden):
    features = {"image": IMAGE, "label": class_label("cat", "dog")}
    save(tmp_path / "train", features, {"image": cells(6), "label": [0, 1] * 3})
    pa = pytest.importorskip("pyarrow")
    save(tmp_path / "test", features, {"image": cells(4), "label": pa.array([hidden] * 4, pa.int64())})
    found = images.listing(dictionary(tmp_path, "test", "train"))
    assert len(found.ids) == 6 and found.ids[0] == "train/0" and reds(found) == list(range(6))
    assert "The split 'test' has no labels, so its 4 images are left out." in images.notes(found)
    assert np.bincount(found.split).tolist() == [2, 2, 2]
    save(tmp_path / "train", features, {"image": cells(6), "label": [0, 1, -1] * 2})
    refused(tmp_path, "column 'label': 2 of 6 images have no label, first image train/2")
    save(tmp_path / "train", features, {"image": cells(6), "label": [-1] * 6})
    refused(tmp_path, "no image has a label in the column 'label'")


def test_splits_with_other_columns_are_refused(tmp_path, save):
    save(tmp_path / "train", {"image": IMAGE, "label": VALUE}, {"image": cells(4), "label": [0, 1] * 2})
    save(tmp_path / "test", {"image": IMAGE, "class": VALUE}, {"image": cells(4), "class": [0, 1] * 2})
    refused(dictionary(tmp_path, "train", "test"), "no column 'label' (it has image, class)")


def test_a_selection_of_rows_by_an_old_version_is_refused(tmp_path, save):
    """huggingface/datasets#513: version 1.x saved the whole table with a list of the selected rows."""
    columns, features = {"image": cells(4), "label": [0, 1] * 2}, {"image": IMAGE, "label": VALUE}
    path = save(tmp_path / "d", features, columns, _indices_data_files=[{"filename": "indices.arrow"}])
    refused(path, "stored a selection of rows", "flatten_indices()")
    assert len(images.listing(save(tmp_path / "e", features, columns, _indices_data_files=None)).ids) == 4


def test_images_outside_the_tables(tmp_path, save):
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(encoded(number))
    paths = [str(tmp_path / "0.png"), "../1.png", str(tmp_path / "2.png"), str(tmp_path / "3.png")]
    columns = {"image": [{"bytes": None, "path": path} for path in paths], "label": [0, 1] * 2}
    path = save(tmp_path / "d", {"image": IMAGE, "label": VALUE}, columns)
    assert reds(images.listing(path)) == [0, 1, 2, 3]
    first = images.fingerprint(path)
    (tmp_path / "2.png").write_bytes(encoded(99) + b" ")
    images.fingerprint.cache_clear()
    assert images.fingerprint(path) != first
    (tmp_path / "1.png").unlink()
    (tmp_path / "3.png").unlink()
    refused(path, "2 of 4 images are not in the dataset, first image 1", "1.png", "images embedded")
    columns["image"][2] = None  # counted among the broken images, which --skip-broken leaves out
    refused(save(tmp_path / "d", {"image": IMAGE, "label": VALUE}, columns), "2 of 4 images are not in the dataset")


@pytest.mark.parametrize(
    "file, content, parts",
    [
        ("state.json", "[]", ["state.json: no field '_data_files'"]),
        ("state.json", "{", ["state.json: missing or not JSON"]),
        ("dataset_info.json", '{"features": null}', ["dataset_info.json: no field 'features'"]),
        ("data-00001-of-00002.arrow", "cut", ["data-00001-of-00002.arrow: missing, or not an Arrow stream"]),
    ],
)
def test_broken_files_are_named(tmp_path, save, file, content, parts):
    path = save(tmp_path / "d", {"image": IMAGE, "label": VALUE}, {"image": cells(4), "label": [0, 1] * 2})
    (path / file).write_text(content)
    refused(path, *parts)


@pytest.fixture
def shard():
    """Write a Parquet file as the Hub stores it; without features, as other programs do."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    def write(file, columns, features=None):
        file.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"huggingface": json.dumps({"info": {"features": features}})} if features else None
        pq.write_table(pa.table(columns).replace_schema_metadata(metadata), file)

    return write


COLUMNS = {"image": cells(5), "label": [0, 1, 0, 1, 0]}
FEATURES = {"image": IMAGE, "label": class_label("cat", "dog")}


@pytest.mark.parametrize(
    "names",
    [
        ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-00000-of-00001.parquet"],
        ["default/train/0000.parquet", "default/train/0001.parquet", "default/test/0000.parquet"],
        ["train.parquet", "Train_2.parquet", "testing.parquet"],
    ],
)
@pytest.mark.parametrize("described", [FEATURES, None])
def test_parquet_files_of_the_hub(tmp_path, shard, names, described):
    """huggingface/datasets#6111: a dataset cloned from the Hub."""
    (tmp_path / "README.md").write_text("a dataset")
    for name in (*names, ".cache/x.parquet"):
        shard(tmp_path / name, COLUMNS, described)
    found = images.listing(tmp_path)
    assert found.class_names == (["cat", "dog"] if described else ["0", "1"])
    assert np.bincount(found.split).tolist() == [10, 0, 5] and sorted(reds(found)) == sorted([*range(5)] * 3)
    assert images.fingerprint(tmp_path)


def test_one_parquet_file(tmp_path, shard):
    shard(tmp_path / "train.parquet", COLUMNS, FEATURES)
    found = images.listing(tmp_path / "train.parquet")
    assert len(found.ids) == 5 and reds(found) == list(range(5)) and images.fingerprint(tmp_path / "train.parquet")


def test_parquet_files_that_are_refused(tmp_path, shard):
    shard(tmp_path / "a/one/train-0.parquet", COLUMNS, FEATURES)
    shard(tmp_path / "a/two/train-0.parquet", COLUMNS, FEATURES)
    refused(tmp_path / "a", "several datasets (one, two); give the folder of one")
    shard(tmp_path / "b/train-0.parquet", COLUMNS, FEATURES)
    shard(tmp_path / "b/extra.parquet", COLUMNS, FEATURES)
    refused(tmp_path / "b", "extra.parquet: the split of this file is unknown")
    shard(tmp_path / "c/train-0.parquet", COLUMNS, FEATURES)
    shard(tmp_path / "c/train-1.parquet", {"image": cells(2), "class": [0, 1]})
    refused(tmp_path / "c", "train-1.parquet: its columns differ from those of train-0.parquet")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/train-0.parquet").write_bytes(b"PAR1")
    refused(tmp_path / "d", "train-0.parquet: missing, or not a Parquet file")


def test_a_table_beside_images_is_no_dataset(tmp_path, shard):
    shard(tmp_path / "metadata.parquet", {"file_name": ["cat/0.png"]})
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_bytes(encoded(1))
    assert images.listing(tmp_path).class_names == ["cat", "dog"]


def test_a_cache_is_refused_with_the_way_to_save_it(tmp_path):
    (tmp_path / "cifar10-train.arrow").write_bytes(b"x")
    (tmp_path / "dataset_info.json").write_text("{}")
    refused(tmp_path, "cifar10-train.arrow: this Arrow file is part of a cache", "save_to_disk")


@pytest.mark.parametrize("parquet", [False, True])
def test_what_the_package_datasets_writes(tmp_path, parquet, monkeypatch):
    """Vectors of 0 and 1, in both layouts, by the library itself."""
    datasets = pytest.importorskip("datasets", reason="the package `datasets` is not installed")
    monkeypatch.setattr("datasets.arrow_dataset.generate_fingerprint", lambda dataset: "key")
    features = datasets.Features({"image": datasets.Image(), "labels": datasets.Sequence(datasets.Value("float32"))})
    hot = [[float(row % 3 == place or row == 0) for place in range(3)] for row in range(9)]
    saved = datasets.Dataset.from_dict({"image": cells(9), "labels": hot}, features=features)
    if parquet:
        (tmp_path / "data").mkdir()
        saved.to_parquet(str(tmp_path / "data" / "train-00000-of-00001.parquet"))
    else:
        datasets.DatasetDict({"train": saved}).save_to_disk(str(tmp_path))
    found = images.listing(tmp_path)
    assert found.targets.tolist() == hot and found.class_names == ["0", "1", "2"] and reds(found) == list(range(9))
