"""A user's own images: folders, tables and Arrow files; splits; and pixels of every kind of file."""

import io
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from pedrank.catalogue.crop import crop_name, parse_crop
from pedrank.datasets.dataset import load_images
from pedrank.datasets.listing import TEST, TRAIN, VALIDATION
from pedrank.datasets.prepare import prepare_dataset
from pedrank.datasets.splits import split_by_class
from pedrank.formats.image import decode
from pedrank.formats.photo import upright_rgb
from pedrank.user_data import images as own
from pedrank.user_data.image_cards import images_entry
from pedrank.utils.errors import InputError


def photo(path, colour=(200, 30, 60), size=(20, 16), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes of six images, one of one; what is no image, and what is hidden."""
    root = tmp_path / "photos"
    for number in range(6):
        photo(root / "cat" / f"{number}.png", (number, 0, 0))
        photo(root / "dog" / "more" / f"{number}.JPG", (0, number, 0))
    photo(root / "emu" / "only.webp")
    photo(root / "cat" / ".hidden.png")
    (root / "cat" / "notes.txt").write_text("no image")
    photo(root / "__MACOSX" / "x.png")
    return root


def test_a_folder_for_each_class(folder):
    found = own.listing(folder)
    assert found.class_names == ["cat", "dog", "emu"]
    assert np.bincount(found.labels).tolist() == [6, 6, 1]
    assert list(found.ids) == sorted(found.ids) and found.ids[6] == "dog/more/0.JPG"
    assert [content for row, content in found.images()][0] == folder / "cat/0.png"
    for label in (0, 1):
        assert np.bincount(found.split[found.labels == label], minlength=3).tolist() == [4, 1, 1]
    assert found.split[-1] == TRAIN
    notes = " ".join(own.notes(found))
    assert "1 of 3 classes have a single image, first 'emu'" in notes


def test_folders_of_splits_are_taken_as_such(tmp_path):
    for split, number in {"train": 3, "val": 1, "Testing": 2}.items():
        for name in ("a", "b"):
            for image in range(number):
                photo(tmp_path / split / name / f"{image}.png")
    found = own.listing(tmp_path)
    assert [int((found.split == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [6, 2, 4]
    assert found.class_names == ["a", "b"]


def test_validation_images_are_the_test_where_there_is_none(tmp_path):
    for split in ("train", "val"):
        for name in ("a", "b"):
            photo(tmp_path / split / name / "0.png")
    assert sorted(own.listing(tmp_path).split) == [TRAIN, TRAIN, TEST, TEST]


def test_classes_called_like_splits_are_classes_where_others_are_not(tmp_path):
    for name in ("train", "bus"):
        photo(tmp_path / name / "0.png")
    assert own.listing(tmp_path).class_names == ["bus", "train"]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda root: None, "nothing: no such folder or file"),
        (lambda root: root.mkdir(), "nothing: no images below this folder"),
        (lambda root: photo(root / "cat/0.png"), r"only one class \('cat'\)"),
        (lambda root: [photo(root / "a/0.png"), photo(root / "0.png")], "0.png: this image is not in a class folder"),
        (lambda root: [photo(root / "a/0.png"), (root / "b").mkdir()], "no images in the class folder 'b'"),
        (lambda root: photo(root / "0.png"), "this image is not in a class folder"),
        (lambda root: root.write_text("x"), "neither a folder of images nor a .csv file"),
    ],
)
def test_a_wrong_folder_is_one_line(tmp_path, make, message):
    make(tmp_path / "nothing")
    with pytest.raises(InputError, match=message) as error:
        images_entry(tmp_path / "nothing")
    assert "\n" not in str(error.value)


def table(tmp_path, *lines):
    for name in "abcdef":
        photo(tmp_path / f"{name}.png")
    path = tmp_path / "list.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_with_splits(tmp_path):
    path = table(tmp_path, "label,path,split", "x,a.png,train", "y,b.png,train", "y,c.png,test", "x,d.png,valid")
    found = own.listing(path)
    assert (list(found.ids), found.labels.tolist()) == (["a.png", "b.png", "c.png", "d.png"], [0, 1, 1, 0])
    assert found.split.tolist() == [TRAIN, TRAIN, TEST, VALIDATION] and found.targets is None


def test_a_bar_makes_several_labels(tmp_path):
    path = table(tmp_path, "path,label", "a.png,dog|cat", "b.png,cat", "c.png, dog | eel", "d.png,eel", "e.png,eel")
    found = own.listing(path)
    assert found.class_names == ["cat", "dog", "eel"]
    assert found.targets.tolist() == [[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1], [0, 0, 1]]
    assert found.labels.tolist() == [0, 0, 1, 2, 2]
    assert images_entry(path)["metric"] == "11-point mAP"


@pytest.mark.parametrize(
    "lines, message",
    [
        (["place,label", "a.png,x"], "no column 'path' in the first line, which has 'place', 'label'"),
        (["path,label"], "no images are listed"),
        (["path,label", "a.png,x", "b.png,"], "line 3: no label"),
        (["path,label", "a.png,x", "nope.png,y", "no.png,y"], "2 images are missing, first in line 3"),
        (["path,label", "a.png,x", "a.png,y"], r"line 3 lists .*a.png again \(first in line 2\)"),
        (["path,label,split", "a.png,x,train", "b.png,y,holdout"], "unknown split 'holdout'"),
        (["path,label,split", "a.png,x,test", "b.png,y,test"], "no images to train on"),
        (["path,label", "a.png,x", "b.png,x"], "only one class"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path, lines, message):
    with pytest.raises(InputError, match=message) as error:
        own.listing(table(tmp_path, *lines))
    assert "\n" not in str(error.value)


def encoded(mode, colour, suffix="PNG", **options):
    file = io.BytesIO()
    Image.new(mode, (8, 4), colour).save(file, suffix, **options)
    return file.getvalue()


def pixel(content):
    return np.asarray(decode(content, "x", upright_rgb))[0, 0].tolist()


def test_transparent_pixels_are_white():
    assert pixel(encoded("RGBA", (200, 0, 0, 0))) == [255, 255, 255]
    assert pixel(encoded("RGBA", (200, 0, 0, 128))) == pytest.approx([227, 127, 127], abs=1)
    assert pixel(encoded("LA", (10, 0))) == [255, 255, 255]
    palette = Image.new("P", (8, 4), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    file = io.BytesIO()
    palette.save(file, "PNG", transparency=1)
    assert pixel(file.getvalue()) == [255, 255, 255]


def test_sixteen_bits_are_scaled_and_not_clipped():
    file = io.BytesIO()
    Image.fromarray(np.full((4, 8), 0x8080, np.uint16)).save(file, "PNG")
    assert pixel(file.getvalue()) == [128, 128, 128]


def test_cmyk_is_converted():
    assert pixel(encoded("CMYK", (0, 255, 255, 0), "TIFF")) == [255, 0, 0]


def test_orientation_is_applied_to_a_users_images_alone():
    """Orientation 6: the camera was turned, the picture's top is its right side."""
    image = Image.fromarray(np.repeat(np.arange(0, 256, 32, np.uint8)[None, :, None], 3, 2).repeat(4, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    turned = np.asarray(decode(file.getvalue(), "x", upright_rgb))
    assert turned.shape == (8, 4, 3) and turned[:, 0, 0].tolist() == list(range(0, 256, 32))
    assert np.asarray(decode(file.getvalue(), "x")).shape == (4, 8, 3)


def test_a_thread_of_an_image_does_not_fill_the_memory(tmp_path):
    for name in ("a", "b"):
        photo(tmp_path / "photos" / name / "0.png", size=(1, 3000))
    assert upright_rgb(Image.new("RGB", (3000, 1))).size == (16, 1)


@pytest.fixture
def card(tmp_path, monkeypatch):
    """Name a path as the images of the dataset `mine`."""

    def name(path, **fields):
        (tmp_path / "own.yaml").write_text(
            f"datasets: {{mine: {{images: '{path}', **}}}}".replace(", **", fields.get("more", ""))
        )
        monkeypatch.setenv("PEDRANK_CATALOGUE", str(tmp_path / "own.yaml"))

    yield name
    from pedrank.catalogue.catalogue import _catalogue

    _catalogue.cache_clear()


def test_prepared_images_are_what_torchvisions_transform_sees(folder, card, tmp_path):
    from torchvision import transforms
    from torchvision.transforms import InterpolationMode

    card("photos")  # relative to the catalogue
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (37, 53, 3), np.uint8)).save(folder / "cat" / "0.png")
    prepare_dataset("mine", "16-of-20-bilinear", tmp_path, tmp_path / "out.safetensors", threads=2)
    dataset = load_images(tmp_path / "out.safetensors")
    sees = transforms.Compose([transforms.Resize(20, InterpolationMode.BILINEAR), transforms.CenterCrop(16)])
    np.testing.assert_array_equal(dataset.images[0], np.asarray(sees(Image.open(folder / "cat" / "0.png"))))
    assert dataset.class_names == ("cat", "dog", "emu") and dataset.images.shape == (13, 16, 16, 3)
    assert dataset.made_by["inputs"]["images"] and dataset.made_by["options"]["resize"] == 20


def test_reference_images_need_no_classes(tmp_path, card):
    for name in ("a.png", "deep/er/b.png", "c.jpg"):
        photo(tmp_path / "reference" / name)
    card("reference", more=", metric: none")
    prepare_dataset("mine", 8, tmp_path, tmp_path / "out.safetensors")
    dataset = load_images(tmp_path / "out.safetensors")
    assert len(dataset.images) == 3 and dataset.split.tolist() == [VALIDATION] * 3


def test_the_fingerprint_tells_what_changed_without_reading_it(folder):
    def now():
        own.fingerprint.cache_clear()
        return own.fingerprint(folder)

    first = now()
    (folder / "cat" / "notes.txt").write_text("still no image")
    assert now() == first
    os.utime(folder / "cat" / "1.png", ns=(1, 1))
    second = now()
    photo(folder / "cat" / "new.png")
    assert len({first, second, now()}) == 3


def test_the_fingerprint_of_a_table_sees_its_images(tmp_path):
    path = table(tmp_path, "path,label", "a.png,x", "b.png,y")
    first = own.fingerprint(path)
    photo(tmp_path / "a.png", (1, 2, 3), size=(99, 9))
    own.fingerprint.cache_clear()
    assert own.fingerprint(path) != first


@given(arrays.arrays(np.int64, st.integers(1, 200), elements=st.integers(0, 12)))
@settings(max_examples=60, deadline=None)
def test_every_class_is_trained_on_whatever_its_size(labels):
    split = split_by_class(labels)
    for label in np.unique(labels):
        train, validation, test = np.bincount(split[labels == label], minlength=3)
        number = train + validation + test
        assert train >= 1 and (number < 2 or test >= 1) and (number < 3 or validation >= 1)
        assert number < 5 or abs(test - number / 5) <= 0.5


def test_imbalance_is_said(tmp_path):
    for number in range(40):
        photo(tmp_path / "many" / f"{number}.png", size=(1, 1))
    for number in range(2):
        photo(tmp_path / "few" / f"{number}.png", size=(1, 1))
    assert any("40 images of 'many', 2 of 'few'" in note for note in own.notes(own.listing(tmp_path)))


def test_views_have_names():
    assert crop_name({}, 224) == "224" and crop_name({"image_size": 64}, 224) == "64"
    entry = {"image_size": 224, "resize": 256, "interpolation": "bilinear"}
    assert parse_crop(crop_name(entry, 32)) == (224, 256, "bilinear") and parse_crop("224-bilinear") == (
        224,
        224,
        "bilinear",
    )
    for wrong, message in {"224-of-100": "cannot be cut", "8-none": "unknown filter", "x": "not a crop"}.items():
        with pytest.raises(InputError, match=message):
            parse_crop(wrong)


@pytest.mark.parametrize("several", [False, True])
def test_a_hugging_face_dataset_on_disk(tmp_path, several, monkeypatch):
    datasets = pytest.importorskip("datasets")
    # A key of its caches, made by pickling, which some versions of dill and pyarrow cannot do together.
    monkeypatch.setattr("datasets.arrow_dataset.generate_fingerprint", lambda dataset: "key")
    label = datasets.ClassLabel(names=["cat", "dog", "never"])
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Sequence(label) if several else label})
    images = [Image.new("RGB", (6, 5), (number, 0, 0)) for number in range(8)]
    labels = [[0, 1] if several and number == 0 else [number % 2] if several else number % 2 for number in range(8)]
    part = datasets.Dataset.from_dict({"image": images, "label": labels}, features=features)
    datasets.DatasetDict({"train": part, "test": part.select(range(2))}).save_to_disk(str(tmp_path / "saved"))
    _is_read(tmp_path / "saved", several)


def test_the_files_of_a_hugging_face_dataset(tmp_path):
    """The same layout, written by pyarrow alone."""
    pa = pytest.importorskip("pyarrow")
    columns = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["cat", "dog", "never"]}}
    import json

    for split, number in {"train": 8, "test": 2}.items():
        (tmp_path / split).mkdir()
        cells = [{"bytes": encoded("RGB", (row, 0, 0)), "path": None} for row in range(number)]
        rows = pa.table({"image": cells, "label": [row % 2 for row in range(number)]})
        with pa.OSFile(str(tmp_path / split / "data.arrow"), "wb") as file, pa.ipc.new_stream(file, rows.schema) as out:
            out.write_table(rows, max_chunksize=3)
        (tmp_path / split / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
        (tmp_path / split / "dataset_info.json").write_text(json.dumps({"features": columns}))
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    _is_read(tmp_path, several=False)
    (tmp_path / "test" / "data.arrow").write_bytes(b"cut")
    with pytest.raises(InputError, match="data.arrow: missing, or not an Arrow stream"):
        own.listing(tmp_path)


def _is_read(path, several):
    found = own.listing(path)
    assert found.class_names == ["cat", "dog"]
    assert [int((found.split == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [8, 0, 2]
    contents = dict(found.images())
    assert len(contents) == 10
    assert decode(contents[3], "x", upright_rgb).getpixel((0, 0)) == (3, 0, 0)
    assert decode(contents[9], "x", upright_rgb).getpixel((0, 0)) == (1, 0, 0)
    assert (found.targets is not None) == several
    if several:
        assert found.targets[0].tolist() == [1, 1] and found.targets[1].tolist() == [0, 1]


def test_without_pyarrow_the_line_says_what_to_install(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    (tmp_path / "dataset_info.json").write_text('{"features": {"image": {"_type": "Image"}, "label": {}}}')
    with pytest.raises(InputError, match=r"needs pyarrow; run pip install 'pedrank\[hf\]'"):
        own.listing(tmp_path)
