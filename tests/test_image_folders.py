"""Folders of images as people have them: splits of any name, links, special files, and files that are no images."""

import io
import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, features

from pedrank.cli.rank_study import _dataset
from pedrank.datasets.listing import TEST, TRAIN, VALIDATION
from pedrank.formats.image import decode
from pedrank.formats.image_kinds import ending, endings, starts_like_an_image
from pedrank.formats.photo import upright_rgb
from pedrank.user_data import images as own
from pedrank.user_data.feature_files import left_out
from pedrank.user_data.folder_kind import holds_features
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


def photos(*folders, number=2, suffix="png"):
    """Images in folders, each of another colour."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for image in range(number):
            colour = (sum(map(ord, str(folder))) % 256, image, 90)
            Image.new("RGB", (4, 4), colour).save(folder / f"{image}.{suffix}")


def said(path):
    return " ".join(own.listing(path).notes)


def splits_of(path):
    """Number of images of each split."""
    return np.bincount(own.listing(path).split, minlength=3).tolist()


@pytest.mark.parametrize(
    "first, second",
    [
        ("train", "test"),
        ("train2017", "val2017"),
        ("training_set", "test_set"),
        ("seg_train", "seg_test"),
        ("Train", "Validation"),
        ("imagenet-train", "imagenet-val"),
        ("01_training", "02_testing"),
        ("TrainImages", "TestImages"),
        ("trainset", "testset"),
        ("trainval", "holdout"),
        ("my train", "my eval"),
    ],
)
def test_splits_of_other_names(tmp_path, first, second):
    photos(*(tmp_path / first / name for name in "abc"), number=4)
    photos(*(tmp_path / second / name for name in "abc"), number=1)
    found = own.listing(tmp_path)
    assert found.class_names == ["a", "b", "c"]
    assert [int((found.split == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [12, 0, 3]
    assert f"Read as splits: {first} (train), {second} (test)." in said(tmp_path)


def test_the_same_folder_within_itself(tmp_path):
    """Kaggle's archives repeat the folder: training_set/training_set/cats."""
    for split in ("training_set", "test_set"):
        photos(*(tmp_path / split / split / name for name in ("cats", "dogs")))
    photos(tmp_path / "pred" / "pred")
    assert own.listing(tmp_path).class_names == ["cats", "dogs"] and splits_of(tmp_path) == [4, 0, 4]
    assert "Left out: 2 images of the folder pred" in said(tmp_path)


def test_another_folder_beside_splits_is_left_out(tmp_path):
    """fastai/fastai#1552: what is beside the splits became a class."""
    photos(*(tmp_path / split / name for split in ("train", "valid") for name in "ab"))
    photos(tmp_path / "models" / "thumbnails", number=6)
    photos(*(tmp_path / "augmented" / name for name in "ab"))
    found = own.listing(tmp_path)
    assert found.class_names == ["a", "b"] and len(found.ids) == 8
    assert "Left out: 6 images of the folder models" in said(tmp_path)
    assert "Left out: 4 images of the folder augmented" in said(tmp_path)


def test_test_images_without_classes_are_left_out(tmp_path):
    """Kaggle's competitions: test/1.jpg has no label. Tiny ImageNet: val/images/1.jpg (Continvvm/continuum#222)."""
    photos(*(tmp_path / "train" / name for name in "ab"), number=5)
    photos(tmp_path / "test", number=3)
    photos(tmp_path / "val" / "images", number=3)
    assert own.listing(tmp_path).class_names == ["a", "b"] and splits_of(tmp_path) == [6, 2, 2]
    assert "Left out: 3 images of the folder test" in said(tmp_path)
    assert "Left out: 3 images of the folder val" in said(tmp_path)


def test_splits_inside_each_class(tmp_path):
    """CLASS/SPLIT/IMAGE."""
    photos(*(tmp_path / name / "train" for name in ("nut", "pill")), number=3)
    photos(*(tmp_path / name / "test" for name in ("nut", "pill")))
    assert own.listing(tmp_path).class_names == ["nut", "pill"] and splits_of(tmp_path) == [6, 0, 4]
    assert "Read as splits: train (train), test (test)." in said(tmp_path)


def test_folders_with_the_same_classes_and_no_split_name(tmp_path):
    photos(*(tmp_path / place / name for place in ("amazon", "webcam") for name in "abc"), number=5)
    assert own.listing(tmp_path).class_names == ["a", "b", "c"] and splits_of(tmp_path) == [18, 6, 6]
    assert "amazon, webcam hold folders of the same names (a, b, c)" in said(tmp_path)


def test_a_training_folder_alone(tmp_path):
    photos(*(tmp_path / "train2017" / name for name in "ab"), number=5)
    assert own.listing(tmp_path).class_names == ["a", "b"] and splits_of(tmp_path) == [6, 2, 2]
    assert "Read as the whole dataset: train2017." in said(tmp_path)


def test_folders_inside_classes_are_no_classes(tmp_path):
    photos(tmp_path / "cat" / "indoor", tmp_path / "dog" / "indoor", tmp_path / "dog" / "garden", tmp_path / "eel")
    assert own.listing(tmp_path).class_names == ["cat", "dog", "eel"]
    assert "Read as classes: cat, dog, eel. The folders in them (indoor) are not read as classes." in said(tmp_path)


def test_classes_called_train_and_bus(tmp_path):
    photos(tmp_path / "train", tmp_path / "bus", tmp_path / "test tube")
    assert own.listing(tmp_path).class_names == ["bus", "test tube", "train"] and said(tmp_path) == ""


@pytest.mark.parametrize(
    "folders, message",
    [
        (["train2017", "val2017"], "train2017: images of this split are in no class folder"),
        (["train", "val", "models"], "'train' can be a split or a class"),
        (["train/a", "train/b", "models/x"], "'train' can be a split or a class, .* not those of models; give .*train"),
        (["val/a", "val/b", "test/a", "test/b"], "no images to train on"),
        (["train/a", "train/b", "val/a", "train"], "train: images of this split are in no class folder"),
        (["all/a", "all/b"], "only one class .'all'.; .* if the folders in it are the classes, give .*all"),
    ],
)
def test_a_structure_that_fits_both_is_refused(tmp_path, folders, message):
    """Such as huggingface/datasets#7880, where train/1.jpg and test/1.jpg became the classes train and test."""
    photos(*(tmp_path / folder for folder in folders))
    with pytest.raises(InputError, match=message):
        own.listing(tmp_path)


@pytest.mark.parametrize("target", [".", "..", "../..", "../b"])
def test_a_link_back_is_not_entered(tmp_path, target):
    root = tmp_path / "x"
    photos(root / "a", root / "b", tmp_path / "elsewhere", number=3)
    (root / "a" / "loop").symlink_to(target)
    found = own.listing(root)
    assert list(found.ids) == [f"{name}/{image}.png" for name in "ab" for image in range(3)]
    assert said(root) == "Left out: 1 link to a folder that is read already."
    assert len(list(own.image_folder.files(root))) == 6


def test_two_linked_folders_that_link_to_each_other(tmp_path):
    photos(tmp_path / "one", tmp_path / "two", tmp_path / "x" / "b")
    (tmp_path / "one" / "other").symlink_to(tmp_path / "two")
    (tmp_path / "two" / "other").symlink_to(tmp_path / "one")
    (tmp_path / "x" / "a").symlink_to(tmp_path / "one")
    found = own.listing(tmp_path / "x")
    assert list(found.ids) == ["a/0.png", "a/1.png", "a/other/0.png", "a/other/1.png", "b/0.png", "b/1.png"]


def test_links_to_images_and_folders_elsewhere_are_used(tmp_path):
    """A label is the name of the folder in which the link lies (huggingface/datasets#5098)."""
    photos(tmp_path / "store", tmp_path / "dogs", number=4)
    for number in range(4):
        (tmp_path / "x" / "normal").mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / "normal" / f"{number}.png").symlink_to(tmp_path / "store" / f"{number}.png")
    (tmp_path / "x" / "dogs").symlink_to(tmp_path / "dogs")
    found = own.listing(tmp_path / "x")
    assert found.class_names == ["dogs", "normal"] and found.labels.tolist() == [0] * 4 + [1] * 4 and not found.notes
    shown = decode(dict(found.images())[4], "normal/0.png", upright_rgb)
    assert shown.getpixel((0, 0)) == Image.open(tmp_path / "store" / "0.png").getpixel((0, 0))


def test_a_validation_folder_that_is_shared_by_a_link(tmp_path):
    """fastai/fastai#2270: each dataset links to one validation folder."""
    photos(*(tmp_path / "common" / name for name in "ab"), *(tmp_path / "x" / "train" / name for name in "ab"))
    (tmp_path / "x" / "valid").symlink_to(tmp_path / "common")
    assert splits_of(tmp_path / "x") == [4, 0, 4]


def test_all_images_in_one_folder_and_links_in_splits(tmp_path):
    photos(tmp_path / "images", number=8)
    for number in range(8):
        folder = tmp_path / ("test" if number > 5 else "train") / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").symlink_to(f"../../images/{number}.png")
    assert splits_of(tmp_path) == [6, 0, 2] and own.listing(tmp_path).class_names == ["a", "b"]
    assert "Left out: 8 images of the folder images" in said(tmp_path)


def test_no_image_counts_twice(tmp_path):
    photos(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a" / "best.png").symlink_to("0.png")
    os.link(tmp_path / "b" / "0.png", tmp_path / "b" / "copy.png")
    found = own.listing(tmp_path)
    assert list(found.ids) == ["a/0.png", "a/1.png", "b/0.png", "b/1.png"]
    assert said(tmp_path) == "Left out: 2 further names of images that are counted once."


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_no_image_has_two_classes(tmp_path, link):
    photos(tmp_path / "a", tmp_path / "b")
    link(tmp_path / "a" / "0.png", tmp_path / "b" / "z.png")
    with pytest.raises(
        InputError, match=r"z.png: this is the same file as .*0.png.* would have two classes; write a CSV"
    ):
        own.listing(tmp_path)


def test_a_class_that_links_to_another_is_refused(tmp_path):
    photos(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to("a")
    with pytest.raises(InputError, match="class folder 'c' .Left out: 1 link to a folder that is read already"):
        own.listing(tmp_path)


def test_special_files_are_not_opened(tmp_path):
    photos(tmp_path / "a", tmp_path / "b")
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    os.mkfifo(tmp_path / "a" / "pipe without ending")
    (tmp_path / "a" / "device.jpg").symlink_to("/dev/zero")
    (tmp_path / "a" / "linked.jpg").symlink_to("pipe.jpg")
    (tmp_path / "b" / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "b" / "self.jpg").symlink_to("self.jpg")
    with socket.socket(socket.AF_UNIX) as server, working_in(tmp_path / "b"):
        server.bind("s.jpg")
        code = "from pathlib import Path\nfrom pedrank.user_data import images\n"
        code += f"found = images.listing(Path({str(tmp_path)!r}))\nprint(len(list(found.images())), *found.notes)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "4 Left out: 5 pipes, sockets or devices, 2 broken links.\n", done.stderr


class working_in:
    """In another folder: the path of a socket has at most 107 bytes."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.before = os.getcwd()
        os.chdir(self.folder)

    def __exit__(self, *_):
        os.chdir(self.before)


def test_a_folder_that_cannot_be_read_is_one_line(tmp_path, monkeypatch):
    photos(tmp_path / "a", tmp_path / "b")
    scan = os.scandir

    def refused(folder):
        if str(folder).endswith("b"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(InputError, match="b: Permission denied; make it readable"):
        own.listing(tmp_path)


def test_files_left_out_are_counted_by_kind(tmp_path):
    photos(tmp_path / "a", tmp_path / "b")
    for number in range(9):
        (tmp_path / "a" / f"IMG_{number}.HEIC").write_bytes(HEIC)
    (tmp_path / "labels.csv").write_text("path,label\n")
    (tmp_path / "b" / "notes.txt").write_text("no image")
    (tmp_path / "b" / "README").write_text("no image")
    (tmp_path / "b" / ".hidden.png").write_bytes(b"")
    # pytorch/vision#2831: Jupyter's copies became a class
    photos(tmp_path / ".ipynb_checkpoints", tmp_path / "b" / "@eaDir" / "1.jpg", tmp_path / "__MACOSX")
    (tmp_path / "b" / "._0.png").write_bytes(b"macOS")
    (tmp_path / "b" / "Thumbs.db").write_bytes(b"Windows")
    assert len(own.listing(tmp_path).ids) == 4
    assert said(tmp_path) == (
        "Left out: 9 .heic files, 2 hidden folders or images, 1 .csv file, 1 .txt file, 1 file without ending."
    )


def test_a_class_without_a_readable_image_names_what_it_has(tmp_path):
    photos(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").mkdir()
    for number in range(3):
        (tmp_path / "c" / f"{number}.heic").write_bytes(HEIC)
    with pytest.raises(InputError, match=r"class folder 'c' .Left out: 3 .heic files.; add some as JPEG or PNG"):
        own.listing(tmp_path)
    shutil.rmtree(tmp_path / "a"), shutil.rmtree(tmp_path / "b")
    with pytest.raises(InputError, match=r"no images below this folder .Left out: 3 .heic files.; save them as JPEG"):
        own.listing(tmp_path)


@pytest.mark.parametrize(
    "suffix",
    [
        *("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "bmp", "dib", "gif", "tif", "tiff", "ppm", "pgm", "pbm"),
        *("pnm", "jp2", "tga", "icb", "ico", "pcx", "sgi", "qoi", "dds", "avif"),
    ],
)
def test_images_of_every_kind_are_read(tmp_path, suffix):
    """Pillow writes them; the pixels come back."""
    if suffix == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    image = Image.new("1" if suffix == "pbm" else "L" if suffix == "pgm" else "RGB", (16, 16), "white")
    for name in "ab":
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / f"1.{suffix}")
        (tmp_path / name / f"1.{suffix}").rename(tmp_path / name / f"1.{suffix.upper()}")
    found = own.listing(tmp_path)
    assert len(found.ids) == 2 and not found.notes
    for row, content in found.images():
        decoded = decode(content, found.ids[row], upright_rgb)
        assert decoded.size == (16, 16) and min(decoded.getpixel((8, 8))) > 250


@pytest.mark.parametrize("name", ["n01440764_18", "IMG.0001", "photo.jpg_large", "1.jpg?size=2", "Dr. Smith", "照片"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "AVIF", "WEBP", "GIF", "TIFF"])
def test_without_an_ending_the_first_bytes_decide(tmp_path, name, kind):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    for label in "ab":
        (tmp_path / label).mkdir()
        Image.new("RGB", (16, 16)).save(tmp_path / label / name, kind)
    (tmp_path / "a" / "LICENSE").write_text("no image")
    (tmp_path / "a" / "empty").write_bytes(b"")
    (tmp_path / "a" / "from a phone").write_bytes(HEIC)
    assert list(own.listing(tmp_path).ids) == [f"a/{name}", f"b/{name}"]
    assert said(tmp_path) == "Left out: 3 files without ending."


@pytest.mark.parametrize(
    "suffix", ["eps", "pdf", "svg", "h5", "fits", "npy", "mp4", "dcm", "xml", "jpg~", "bak", "cr2"]
)
def test_what_is_no_image_by_its_ending_is_left_out(tmp_path, suffix):
    photos(tmp_path / "a", tmp_path / "b")
    shutil.copy(tmp_path / "a" / "0.png", tmp_path / "a" / f"0.{suffix}")
    if suffix == "jpg~":  # not an ending, so the first bytes decide
        assert len(own.listing(tmp_path).ids) == 5
    else:
        assert len(own.listing(tmp_path).ids) == 4 and said(tmp_path) == f"Left out: 1 .{suffix} file."


def test_endings_are_those_of_the_installed_pillow(monkeypatch):
    assert ending("a/b.c/IMG.JPG") == ".jpg" and ending(".png") == "" and ending("a.tar.gz") == ".gz"
    known = Image.registered_extensions()
    assert endings() <= set(known) and {".tga", ".jpg", ".mpo"} <= endings()
    assert not {".eps", ".wmf", ".pdf", ".h5", ".mpg"} & endings()


def test_text_is_no_targa(tmp_path):
    """TGA has no first bytes, so bytes that would pass for its header are tried under its ending only."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "TGA")
    for name in ("picture", "picture.jpg"):
        (tmp_path / name).write_bytes(file.getvalue())
        assert not starts_like_an_image(str(tmp_path / name))
        with pytest.raises(InputError, match="no known format"):
            decode(file.getvalue(), name, upright_rgb)
    assert decode(file.getvalue(), "picture.tga", upright_rgb).size == (4, 4)


def weights(path):
    np.savez(path, weight=np.zeros((2, 2)))


def vectors(path, shift=0.0):
    np.savez(path, features=np.eye(4, 3, dtype=np.float32) + shift, labels=np.arange(4) % 2)


@pytest.mark.parametrize(
    "strays",
    [
        {"weights.safetensors": lambda path: path.write_bytes(b"weights")},
        {"index.npy": lambda path: np.save(path, np.zeros(3))},
        {"labels.npy": lambda path: np.save(path, np.zeros(3))},
        {"weights.npz": weights, "more.npz": weights, "third.safetensors": lambda path: path.write_bytes(b"")},
        {"one.npz": vectors},
    ],
)
@pytest.mark.parametrize("folders", [["a", "b"], ["train/a", "train/b", "val/a", "val/b"], ["train/a", "train/b"]])
def test_a_stray_file_does_not_make_features_of_images(tmp_path, strays, folders):
    photos(*(tmp_path / "x" / folder for folder in folders))
    for name, make in strays.items():
        make(tmp_path / "x" / name)
    cards = {"datasets": {}, "checkpoints": {}}
    assert _dataset(str(tmp_path / "x"), cards) == ("x", [])
    assert cards["datasets"]["x"]["images"] == str(tmp_path / "x")
    assert "Left out: " in said(tmp_path / "x") and own.listing(tmp_path / "x").class_names == ["a", "b"]


def test_pictures_beside_features_are_left_out(tmp_path):
    vectors(tmp_path / "one.npz"), vectors(tmp_path / "two.npz")
    photos(tmp_path / "figures" / "tsne", tmp_path / "figures" / "umap")
    Image.new("RGB", (4, 4)).save(tmp_path / "scores.png")
    (tmp_path / "README.md").write_text("ours")
    assert holds_features(tmp_path)
    assert left_out(tmp_path) == ["Left out: 1 .md file, 1 .png file, 1 folder."]


def test_features_and_classes_of_images_in_one_folder_are_refused(tmp_path):
    vectors(tmp_path / "one.npz"), vectors(tmp_path / "two.npz")
    photos(tmp_path / "cat", tmp_path / "dog")
    with pytest.raises(
        InputError, match=r"features .one.npz, two.npz. and folders of images .cat, dog.; give a folder"
    ):
        holds_features(tmp_path)


def test_reference_images_are_counted_once_as_well(tmp_path):
    photos(tmp_path / "x" / "deep")
    (tmp_path / "x" / "loop").symlink_to(".")
    (tmp_path / "x" / "deep" / "1.heic").write_bytes(HEIC)
    found = own.listing(tmp_path / "x", unlabelled=True)
    assert list(found.ids) == ["deep/0.png", "deep/1.png"]
    assert found.notes == ["Left out: 1 .heic file, 1 link to a folder that is read already."]


def test_an_empty_folder_beside_splits(tmp_path):
    """pytorch/vision#4925."""
    photos(*(tmp_path / split / name for split in ("train", "validation", "test") for name in "ab"))
    (tmp_path / "empty_subfolder_XYZ").mkdir()
    (tmp_path / "LICENSE").write_text("no image")
    assert own.listing(tmp_path).class_names == ["a", "b"] and splits_of(tmp_path) == [4, 4, 4]


def test_a_class_that_a_split_lacks(tmp_path):
    """ultralytics/ultralytics#13936, huggingface/pytorch-image-models#957: labels are names; 90 does not become 180."""
    photos(
        *(tmp_path / "train" / name for name in ("0", "90", "180")), tmp_path / "test" / "0", tmp_path / "test" / "90"
    )
    (tmp_path / "test" / "180").mkdir()
    found = own.listing(tmp_path)
    assert found.class_names == ["0", "180", "90"]
    assert [found.class_names[label] for label in found.labels[found.split == TEST]] == ["0", "0", "90", "90"]


def test_a_class_without_training_images_is_refused(tmp_path):
    """ultralytics/ultralytics#26192: as many classes in both splits, but not the same ones."""
    photos(*(tmp_path / "train" / name for name in "abc"), *(tmp_path / "val" / name for name in "bcd"))
    with pytest.raises(InputError, match="no training image of the class 'd', which has images in other splits"):
        own.listing(tmp_path)


def test_fruits_360(tmp_path):
    """Horea94/Fruit-Images-Dataset: Training, Test, and a folder of unlabelled images whose name begins with test."""
    photos(*(tmp_path / split / name for split in ("Training", "Test") for name in ("Apple Golden 1", "Avocado")))
    photos(tmp_path / "test-multiple_fruits", number=7)
    assert splits_of(tmp_path) == [4, 0, 4]
    assert "Left out: 7 images of the folder test-multiple_fruits" in said(tmp_path)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "AVIF"])
def test_an_image_under_another_ending(tmp_path, kind):
    """serengil/deepface#1169: a WebP file called .jpg."""
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8), "white").save(tmp_path / name / "1.jpg", kind)
    contents = dict(own.listing(tmp_path).images())
    assert decode(contents[0], "a/1.jpg", upright_rgb).getpixel((0, 0)) == (255, 255, 255)


def test_companions_of_macos_are_no_images(tmp_path):
    """python-pillow/Pillow#4807: on some disks macOS writes ._1.jpg beside 1.jpg."""
    photos(tmp_path / "a", tmp_path / "b", suffix="jpg")
    (tmp_path / "a" / "._0.jpg").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    assert list(own.listing(tmp_path).ids) == ["a/0.jpg", "a/1.jpg", "b/0.jpg", "b/1.jpg"]


def make(path, *files):
    """An image for each name; a name that ends with / is a folder of two images."""
    for name in files:
        photos(path / name) if name.endswith("/") else photos_at(path / name)


def photos_at(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (len(str(file)) % 256, 0, 0)).save(file, "PNG")


PETS = ("cat/", "dog/")
IN_SPLITS = ("train/cat/", "train/dog/", "val/cat/", "val/dog/")


def with_text(*names):
    def added(path):
        make(path, *PETS)
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(b"no image")

    return added


def with_link(link, target, method="symlink_to"):
    def added(path):
        make(path / "x", *PETS)
        make(path / "elsewhere", "1.png")
        getattr(path / "x" / link, method)(target if method == "symlink_to" else path / "x" / target)

    return added


def with_pipe(path):
    make(path, *PETS)
    os.mkfifo(path / "cat" / "1.jpg")


def with_features(*files):
    def added(path):
        make(path, *PETS)
        for file in files:
            vectors(path / file)

    return added


def picture_beside_features(path):
    vectors(path / "one.npz"), vectors(path / "two.npz")
    make(path, "plots/", "1.png")


def of(*files):
    return lambda path: make(path, *files)


# By the beginning of a row of the table in docs/own-data.md: the files, and the notes or (with !) the refusal.
ROWS = {
    "`train2017/cat`": (
        of("train2017/cat/", "train2017/dog/", "val2017/cat/", "val2017/dog/"),
        "train2017 (train), val",
    ),
    "`training_set/": (of("training_set/training_set/cat/", "training_set/training_set/dog/"), "training_set"),
    "`train/cat`, `val/cat`": (of(*IN_SPLITS), "Read as splits: train (train), val (test)."),
    "`train/cat` beside `models": (of(*IN_SPLITS, "models/thumbnails/"), "Left out: 2 images of the folder models"),
    "`train/cat` beside `test": (of("train/cat/", "train/dog/", "test/"), "Left out: 2 images of the folder test"),
    "`cat/train`": (of("cat/train/", "cat/test/", "dog/train/", "dog/test/"), "Read as splits: train (train), test"),
    "`amazon/cat`": (of("amazon/cat/", "amazon/dog/", "webcam/cat/", "webcam/dog/"), "amazon, webcam hold folders of"),
    "`cat/indoor`": (of("cat/indoor/", "dog/indoor/", "dog/garden/"), "Read as classes: cat, dog."),
    "`train/1.jpg`": (of("train/", "val/"), "!images of this split are in no class folder"),
    "`train/red`": (of("train/red/", "train/blue/", "bus/"), "!'train' can be a split or a class"),
    "`val/cat`": (of("val/cat/", "val/dog/", "test/cat/", "test/dog/"), "!no images to train on"),
    "`1.jpg`": (of("1.jpg", *PETS), "!this image is not in a class folder"),
    "`train/cat`, `train/dog`": (
        of("train/cat/", "train/dog/", "val/cat/", "val/eel/"),
        "!no training image of .*'eel'",
    ),
    "a class folder": (with_text("eel/1.heic"), "!no images in the class folder 'eel' .Left out: 1 .heic file"),
    "endings that": (of("cat/1.PNG", "dog/1.png"), ""),
    "a file without an ending": (with_text("cat/README"), "Left out: 1 file without ending."),
    "HEIC": (with_text("cat/1.heic", "cat/2.HEIC", "cat/1.svg"), "Left out: 2 .heic files, 1 .svg file."),
    "hidden": (with_text(".ipynb_checkpoints/1.png", "cat/.1.png"), "Left out: 2 hidden folders or images."),
    "junk": (with_text("cat/._1.jpg", "__MACOSX/1.jpg", "Thumbs.db", "cat/@eaDir/1.jpg"), ""),
    "a link to an image": (with_link("cat/z.png", "../../elsewhere/1.png"), ""),
    "a link to a folder": (with_link("cat/z", ".."), "Left out: 1 link to a folder that is read already."),
    "a second name of an image in the": (with_link("cat/z.png", "0.png"), "1 further name of an image that is counted"),
    "a second name of an image in another": (with_link("dog/z.png", "cat/0.png", "hardlink_to"), "!two classes"),
    "a pipe": (with_pipe, "Left out: 1 pipe, socket or device."),
    "a link without": (with_link("cat/z.png", "nowhere.png"), "Left out: 1 broken link."),
    "a folder without permission": None,  # test_a_folder_that_cannot_be_read_is_one_line
    "`weights.safetensors`": (with_features("one.npz"), "Left out: 1 .npz file."),
    "two or more files of features beside class": (with_features("one.npz", "two.npz"), "!holds features"),
    "two or more files of features beside single": (
        picture_beside_features,
        "features: Left out: 1 .png file, 1 folder.",
    ),
}


def rows():
    text = (ROOT / "docs/own-data.md").read_text(encoding="utf-8")
    table = text.split("| in the folder | result |\n|---|---|\n")[1].split("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()]


def test_every_case_is_a_row_of_the_docs():
    first = [row[0] for row in rows()]
    assert [sum(name.startswith(start) for start in ROWS) for name in first] == [1] * len(ROWS)


@pytest.mark.parametrize("start", [start for start, case in ROWS.items() if case])
def test_the_table_of_the_docs(tmp_path, start):
    files, expected = ROWS[start]
    files(tmp_path)
    path = tmp_path / "x" if (tmp_path / "x").exists() else tmp_path
    result = next(row[1] for row in rows() if row[0].startswith(start))
    assert result.startswith("refused") == expected.startswith("!")
    assert ("named" in result or "counted" in result) == bool(expected) or "refused" in result
    if expected.startswith("!"):
        with pytest.raises(InputError, match=expected[1:]) as error:
            _dataset(str(path), {"datasets": {}, "checkpoints": {}})
        assert "\n" not in str(error.value)
    else:
        name, checkpoints = _dataset(str(path), {"datasets": {}, "checkpoints": {}})
        assert bool(checkpoints) == expected.startswith("features: ")
        if checkpoints:
            assert " ".join(left_out(path)) == expected.removeprefix("features: ")
        else:
            assert own.listing(path).class_names == ["cat", "dog"]
            assert expected in said(path) and bool(expected) == bool(said(path))
