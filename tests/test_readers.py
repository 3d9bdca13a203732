"""Readers of the paper's datasets, on stand-ins in the originals' formats: the rows that torchvision's classes give."""

import hashlib
import io
import json
import pickle
import struct
import tarfile
import zipfile
import zlib
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import yaml
from mirror import datasets as made
from PIL import Image
from untar import untar

from pedrank.catalogue import catalogue
from pedrank.datasets.dataset import SPLITS, load_images
from pedrank.datasets.prepare import crop, prepare_dataset
from pedrank.datasets.readers.cifar10 import BATCHES
from pedrank.datasets.scored_rows import scored_rows
from pedrank.fetch.checksums import Refused, check_fetched
from pedrank.finetune.training_images import images_of
from pedrank.formats.archive import members, read_members
from pedrank.formats.image import decode
from pedrank.store.artefacts import read_metadata, write_text
from pedrank.utils.errors import InputError

SIZE = 24


@pytest.fixture(scope="module")
def standins(tmp_path_factory):
    """All stand-ins in one folder with their records, and a catalogue whose cards fit them."""
    folder = tmp_path_factory.mktemp("standins")
    cards = {name: maker(folder) for name, maker in made.MAKERS.items()}
    for path in list(folder.iterdir()):
        write_text(folder / f"{path.name}.sha256", f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    (folder / "catalogue.yaml").write_text(yaml.safe_dump({"datasets": cards}))
    return folder


@pytest.fixture(autouse=True)
def cards(standins, monkeypatch):
    monkeypatch.setenv("PEDRANK_CATALOGUE", str(standins / "catalogue.yaml"))


def prepared(standins, tmp_path, name):
    prepare_dataset(name, SIZE, standins, tmp_path / "images.safetensors", threads=2)
    return load_images(tmp_path / "images.safetensors")


def torchvisions(name: str, standins: Path, root: Path, monkeypatch) -> dict[str, list[tuple[Image.Image, int]]]:
    """Image and label of each row as torchvision's class gives them, by its split's name."""
    from torchvision import datasets as tv

    if name == "aircraft":
        untar(standins / "fgvc-aircraft-2013b.tar.gz", root)
        of = {s: tv.FGVCAircraft(root, s, "variant") for s in ("train", "val", "test")}
    elif name == "cars":
        for file in ("cars_train.tgz", "cars_test.tgz", "car_devkit.tgz"):
            untar(standins / file, root / "stanford_cars")
        (root / "stanford_cars/cars_test_annos_withlabels.mat").write_bytes(
            (standins / "cars_test_annos_withlabels.mat").read_bytes()
        )
        of = {s: tv.StanfordCars(root, s) for s in ("train", "test")}
    elif name in ("cifar10", "cifar100"):
        cls = {"cifar10": tv.CIFAR10, "cifar100": tv.CIFAR100}[name]
        untar(standins / f"{cls.filename}", root)
        for attribute in ("train_list", "test_list"):
            monkeypatch.setattr(cls, attribute, [[file, None] for file, _ in getattr(cls, attribute)])
        monkeypatch.setattr(cls, "meta", cls.meta | {"md5": None})
        of = {"train": cls(root, True), "test": cls(root, False)}
    elif name == "dtd":
        untar(standins / "dtd-r1.0.1.tar.gz", root / "dtd")
        of = {s: tv.DTD(root, s, 1) for s in ("train", "val", "test")}
    elif name == "flowers":
        untar(standins / "102flowers.tgz", root / "flowers-102")
        for file in ("imagelabels.mat", "setid.mat"):
            (root / "flowers-102" / file).write_bytes((standins / file).read_bytes())
        files = {key: (file, None) for key, (file, _) in tv.Flowers102._file_dict.items()}
        monkeypatch.setattr(tv.Flowers102, "_file_dict", files)
        of = {s: tv.Flowers102(root, s) for s in ("train", "val", "test")}
    elif name == "food":
        untar(standins / "food-101.tar.gz", root)
        of = {s: tv.Food101(root, s) for s in ("train", "test")}
    else:
        for file in ("pets-images.tar.gz", "pets-annotations.tar.gz"):
            untar(standins / file, root / "oxford-iiit-pet")
        of = {s: tv.OxfordIIITPet(root, s) for s in ("trainval", "test")}
    return {split: list(rows) for split, rows in of.items()}


@pytest.mark.parametrize("name", ["aircraft", "cars", "cifar10", "cifar100", "dtd", "flowers", "food", "pets"])
def test_rows_are_those_of_torchvisions_class(standins, tmp_path, monkeypatch, name):
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

    transform = Compose([Resize(SIZE, InterpolationMode.BICUBIC), CenterCrop(SIZE)])
    dataset = prepared(standins, tmp_path, name)
    theirs = torchvisions(name, standins, tmp_path, monkeypatch)
    mine = {"train": ("train", "validation")} if "val" not in theirs else {"train": ("train",), "val": ("validation",)}
    mine = {"trainval": mine.pop("train")} | mine if "trainval" in theirs else mine
    # torchvision sorts the dishes; the authors' classes.txt, which the label numbers follow, does not
    number = {0: 1, 1: 0} if name == "food" else {}
    for split, rows in theirs.items():
        chosen = dataset.rows(*mine.get(split, ("test",)))
        assert dataset.labels[chosen].tolist() == [number.get(label, label) for _, label in rows]
        expected = np.stack([np.asarray(transform(image.convert("RGB"))) for image, _ in rows])
        np.testing.assert_array_equal(dataset.images[chosen], expected)


@pytest.mark.parametrize("name", made.MAKERS)
def test_every_dataset_is_prepared_with_ids_counts_and_provenance(standins, tmp_path, name):
    dataset = prepared(standins, tmp_path, name)
    card = catalogue.catalogue("datasets")[name]
    ids = bytes(dataset.ids).decode().split("\n")
    assert (
        len(set(ids))
        == len(ids)
        == len(dataset.images)
        == sum(count for count in card["counts"].values() if count != "seeded")
    )
    if card["counts"]["validation"] == "seeded":
        assert len(dataset.rows("validation")) == card["counts"]["train"] // 5
    assert set(read_metadata(tmp_path / "images.safetensors")["made_by"]["inputs"]) == set(card["files"])
    assert [path.name for path in tmp_path.iterdir()] == ["images.safetensors"]


def test_preparing_again_gives_the_same_bytes(standins, tmp_path):
    contents = []
    for threads in (1, 3):
        prepare_dataset("pets", SIZE, standins, tmp_path / "images.safetensors", threads)
        contents.append((tmp_path / "images.safetensors").read_bytes())
    assert contents[0] == contents[1]


def test_the_validation_rows_are_a_fifth_drawn_as_ssl_transfer_draws_them(standins, tmp_path):
    dataset = prepared(standins, tmp_path, "food")
    indices = list(range(10))
    np.random.seed(0)
    np.random.shuffle(indices)
    assert sorted(indices[:2]) == dataset.rows("validation").tolist()


def test_caltechs_drawn_rows_count_as_often_as_they_were_drawn(standins, tmp_path):
    dataset = prepared(standins, tmp_path, "caltech101")
    everything = ("train", "validation", "test")
    rows, labels = scored_rows(dataset, "as_released", everything)
    assert (len(rows), len(labels)) == (12 + 6, 18)
    ids = bytes(dataset.ids).decode().split("\n")
    counted = {ids[row]: int(np.sum(rows == row)) for row in np.unique(rows)}
    assert {name for name, times in counted.items() if times == 2} == {
        f"{name}/image_0002.jpg" for name in ("BACKGROUND_Google", "Faces", "Faces_easy")
    }
    assert len(scored_rows(dataset, "paper", everything)[0]) == 9 + 6
    assert dataset.class_names == ("BACKGROUND_Google", "Faces", "Faces_easy")


def test_caltechs_list_of_2023_gives_the_same_rows_but_not_the_repeats(standins, tmp_path):
    """The list of 2023 is that of 2021 without its repeats, with the line ends of Windows."""
    expected = prepared(standins, tmp_path, "caltech101")
    arrays = {key: np.array(getattr(expected, key)) for key in ("images", "labels", "split", "ids", "released")}
    folder = tmp_path / "of 2023"
    folder.mkdir()
    for path in standins.glob("caltech*"):
        (folder / path.name).write_bytes(path.read_bytes())
    once = list(dict.fromkeys((standins / "caltech101-train.txt").read_text(encoding="utf-8").splitlines()))
    assert len(once) == 9
    (folder / "caltech101-train.txt").write_bytes("".join(f"{line}\r\n" for line in once).encode())
    dataset = prepared(folder, tmp_path, "caltech101")
    for key in ("images", "labels", "split", "ids"):
        np.testing.assert_array_equal(getattr(dataset, key), arrays[key])
    assert arrays["released"].max() == 2 and set(dataset.released.tolist()) == {1}
    assert len(scored_rows(dataset, "paper", SPLITS)[0]) == 15
    with pytest.raises(InputError, match="names each once; set `features: {mode: paper}`, or use the list of 2021"):
        scored_rows(dataset, "as_released", SPLITS)


def test_both_of_caltechs_lists_have_a_checksum(tmp_path):
    card = catalogue.files(catalogue.catalogue("datasets")["caltech101"])["caltech101-train.txt"]
    assert [digest[:8] for digest in card["sha256"]] == ["11ebeedd", "8dca4e4d"]
    path = tmp_path / "list.txt"
    for content in (b"first", b"second"):
        path.write_bytes(content)
        known = [hashlib.sha256(good).hexdigest() for good in (b"first", b"second")]
        assert check_fetched(path, "list.txt", {"sha256": known}) == hashlib.sha256(content).hexdigest()
    path.write_bytes(b"third")
    with pytest.raises(Refused, match=f"not {known[0]} or {known[1]}"):
        check_fetched(path, "list.txt", {"sha256": known})


def test_foods_labels_follow_the_authors_list_of_classes(standins, tmp_path):
    dataset = prepared(standins, tmp_path, "food")
    assert dataset.class_names == ("cheesecake", "cheese_plate")  # 16 and 17 of the original
    names = bytes(dataset.ids).decode().split("\n")
    assert [dataset.class_names[label] for label in dataset.labels] == [name.split("/")[0] for name in names]


@pytest.mark.parametrize("name, train, test", [("cifar10", 10, 4), ("cifar100", 10, 4), ("sun397", 20, 8)])
def test_training_rows_are_doubled_as_released(standins, tmp_path, name, train, test):
    dataset = prepared(standins, tmp_path, name)
    rows, labels = scored_rows(dataset, "as_released", SPLITS)
    assert rows.tolist() == np.repeat(np.arange(train), 2).tolist()
    np.testing.assert_array_equal(labels, dataset.labels[rows])
    assert len(scored_rows(dataset, "paper", SPLITS)[0]) == train + test
    assert len(scored_rows(dataset, "paper", ["train"])[0]) == train * 4 // 5
    assert catalogue.catalogue("datasets")[name]["released"] == "training images twice"
    with pytest.raises(InputError, match=f"{name}: no rows in the splits test"):
        scored_rows(dataset, "as_released", ["test"])


def test_vocs_labels_are_the_first_class_or_every_class(standins, tmp_path):
    dataset = prepared(standins, tmp_path, "voc2007")
    numbers = [int(name[-10:-4]) for name in bytes(dataset.ids).decode().split("\n")]
    # The lists: 1, there; 0, difficult; -1, not there. Fine-tuning leaves out -1: the latter two change places.
    ours = {1: 1, 0: -1, -1: 0}
    expected = np.array([[ours[made.target(number, label)] for label in range(20)] for number in numbers])
    np.testing.assert_array_equal(dataset.targets, expected)
    images = images_of(dataset, "11-point mAP", targets=dataset.targets)
    assert (images.targets == 0).sum() > (images.targets == 1).sum() > (images.targets == -1).sum() > 0
    rows, labels = scored_rows(dataset, "as_released", SPLITS)
    assert rows.tolist() == list(range(34))
    # Image 41 shows a difficult object alone: class 0, as argmax has it; image 4 shows classes 4 and 5.
    assert (labels[numbers.index(41)], labels[numbers.index(4)]) == (0, 4)
    rows, labels = scored_rows(dataset, "paper", SPLITS)
    assert list(zip(rows.tolist(), labels.tolist(), strict=True)) == [
        tuple(pair) for pair in np.argwhere(expected == 1)
    ]


def test_suns_barn_is_no_bar(standins, tmp_path):
    dataset = prepared(standins, tmp_path, "sun397")
    ids = bytes(dataset.ids).decode().split("\n")
    assert dataset.class_names == ("abbey", "badminton_court/indoor", "bar", "barn")
    for name, label in zip(ids, dataset.labels, strict=True):
        assert name.split("/", 1)[1].rsplit("/", 1)[0] == dataset.class_names[label]


@pytest.mark.parametrize("nested", ["cars_{split}/{name}", "stanford_cars/{name}"])
def test_stanford_cars_may_come_as_kaggles_zip_file(standins, tmp_path, nested):
    """As jessicali9530 and as rickyyyyyyy packed it (pytorch/vision#7545 and #8620)."""
    expected = prepared(standins, tmp_path, "cars").images.copy()
    folder = tmp_path / "kaggle"
    folder.mkdir()
    for path in standins.glob("car*"):
        (folder / path.name).write_bytes(path.read_bytes())
    with zipfile.ZipFile(folder / "cars_train.tgz", "w") as archive:
        for split in ("test", "train"):
            with tarfile.open(standins / f"cars_{split}.tgz") as original:
                for member in original:
                    if member.isfile():
                        name = nested.format(split=split, name=member.name)
                        archive.writestr(name, original.extractfile(member).read())
    (folder / "cars_test.tgz").write_bytes((folder / "cars_train.tgz").read_bytes())
    np.testing.assert_array_equal(prepared(folder, tmp_path, "cars").images, expected)


def test_cifar10_may_come_as_the_npm_package(standins, tmp_path):
    expected = prepared(standins, tmp_path, "cifar10")
    folder = tmp_path / "npm"
    folder.mkdir()
    rows, contents = expected.images, {}
    with tarfile.open(standins / "cifar-10-python.tar.gz") as archive:
        for name in BATCHES:
            batch = pickle.load(archive.extractfile(f"cifar-10-batches-py/{name}"), encoding="latin1")
            png = io.BytesIO()
            Image.fromarray(batch["data"].reshape(-1, 3, 1024).transpose(0, 2, 1)).save(png, "PNG")
            contents[f"package/{name}.png"] = png.getvalue()
    labels = expected.labels.tolist()
    contents["package/train_lables.json"] = json.dumps(labels[:10]).encode()
    contents["package/test_lables.json"] = json.dumps(labels[10:]).encode()
    made.tar(folder / "cifar-10-python.tar.gz", contents)
    write_text(folder / "cifar-10-python.tar.gz.sha256", "0  x\n")
    np.testing.assert_array_equal(prepared(folder, tmp_path, "cifar10").images, rows)


def change(standins, tmp_path, monkeypatch, dataset, **fields):
    """The stand-ins' catalogue with one card changed."""
    content = yaml.safe_load((standins / "catalogue.yaml").read_text())
    content["datasets"][dataset] |= fields
    (tmp_path / "changed.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("PEDRANK_CATALOGUE", str(tmp_path / "changed.yaml"))


@pytest.mark.parametrize(
    "dataset, fields, message",
    [
        ("dtd", {"counts": {"train": 7, "validation": 4, "test": 4}}, "dtd: counts .* differ from the card's"),
        ("dtd", {"classes": 3}, "dtd: 2 class names and 2 labels, but the card has 3 classes"),
        ("caltech101", {"drawn": 13}, "caltech101: the training list has 12 lines, not the card's 13"),
        ("cifar10", {"batch_md5": {"data_batch_1": "0" * 32}}, "data_batch_1 differs from the original's"),
    ],
)
def test_what_differs_from_the_card_is_refused(standins, tmp_path, monkeypatch, dataset, fields, message):
    change(standins, tmp_path, monkeypatch, dataset, **fields)
    with pytest.raises(InputError, match=message):
        prepare_dataset(dataset, SIZE, standins, tmp_path / "images.safetensors")
    assert not (tmp_path / "images.safetensors").exists()


def broken(standins, tmp_path, contents, name="102flowers.tgz"):
    """The flowers' files with another archive of images."""
    folder = tmp_path / "broken"
    folder.mkdir()
    for path in standins.iterdir():
        if path.name.startswith(("102flowers", "imagelabels", "setid")):
            (folder / path.name).write_bytes(path.read_bytes())
    if isinstance(contents, bytes):
        (folder / name).write_bytes(contents)
    else:
        with tarfile.open(folder / name, "w:gz") as archive:
            for member in contents:
                archive.addfile(member)
    return folder


USED = "jpg/image_00004.jpg"  # an image that the lists name


def member(name, kind=tarfile.REGTYPE, target="", size=0):
    made_member = tarfile.TarInfo(name)
    made_member.type, made_member.linkname, made_member.size = kind, target, size
    return made_member


@pytest.mark.parametrize(
    "malicious, message",
    [
        (member("jpg/../../../etc/cron.d/x"), r"refused: the member 'jpg/\.\./\.\./\.\./etc/cron.d/x' lies outside"),
        (member("/etc/passwd"), "refused: the member '/etc/passwd' lies outside the archive"),
        (member(USED, tarfile.SYMTYPE, "../../secret"), f"refused: the member '{USED}' is a link to .* outside"),
        (member(USED, tarfile.LNKTYPE, "/etc/shadow"), f"refused: the member '{USED}' is a link to '/etc/shadow', out"),
        (member(USED, tarfile.FIFOTYPE), f"refused: the member '{USED}' is neither a file nor a folder"),
        (member("jpg/null", tarfile.CHRTYPE), "refused: the member 'jpg/null' is neither a file nor a folder"),
        (member("jpg/bomb.jpg", size=2**40), "refused: the member 'jpg/bomb.jpg' has 1099511627776 bytes"),
    ],
    ids=["above", "absolute", "symlink", "hard link", "pipe", "device", "bomb"],
)
def test_malicious_members_are_refused_and_named(standins, tmp_path, malicious, message):
    folder = broken(standins, tmp_path, [malicious] if not malicious.size else [])
    if malicious.size:  # a header alone: the member's content is never read
        (folder / "102flowers.tgz").write_bytes(malicious.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(InputError, match=message) as error:
        prepare_dataset("flowers", SIZE, folder, tmp_path / "images.safetensors")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "images.safetensors").exists()


JUNK = {
    "__MACOSX/caltech-101/._101_ObjectCategories.tar.gz": b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ",
    "MACOSX/caltech-101/._Annotations.tar": b"\x00\x05\x16\x07",
    "caltech-101/.DS_Store": b"\x00\x00\x00\x01Bud1",
}


@pytest.mark.parametrize(
    "junk, mode",  # some browsers unpack a .tar.gz file and leave its name
    [(JUNK, "w:gz"), ({"caltech-101/._101_ObjectCategories.tar.gz": b"", "Thumbs.db": b"\xd0\xcf"}, "w")],
)
def test_caltechs_zip_file_is_read_in_every_order_of_its_members(standins, tmp_path, junk, mode):
    """Junk lies in the zip file and beside the images; the images are those of the archive without it."""
    expected = prepared(standins, tmp_path, "caltech101").images.copy()
    with zipfile.ZipFile(standins / "caltech-101.zip") as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if name.startswith("caltech-101/")}
    assert len(contents) == 3
    images = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(contents["caltech-101/101_ObjectCategories.tar.gz"])) as inner:
        everything = {info.name: inner.extractfile(info).read() for info in inner if info.isfile()}
    beside = {name.replace("/image", "/._image"): b"\x00\x05\x16\x07" for name in everything}
    made.tar(images, beside | everything | {"101_ObjectCategories/Faces/Thumbs.db": b""}, mode)
    contents["caltech-101/101_ObjectCategories.tar.gz"] = images.getvalue()
    folder = tmp_path / "with junk"
    folder.mkdir()
    for path in standins.glob("caltech*"):
        (folder / path.name).write_bytes(path.read_bytes())
    path = folder / "caltech-101.zip"
    for order in permutations(contents | junk):
        with zipfile.ZipFile(path, "w") as archive:
            for name in order:
                archive.writestr(name, (contents | junk)[name])
        got = {name: read() for name, read in members(path)}
        assert {name: content for name, content in got.items() if name.startswith("101_")} == everything
        assert len(got) == len(everything) + 2  # an annotation and the program
    np.testing.assert_array_equal(prepared(folder, tmp_path, "caltech101").images, expected)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_links_and_unused_special_members_are_no_reason_to_refuse(tmp_path, mode):
    """The contents are those that the standard library extracts. A link may come before the file it points to."""
    path, first, last = tmp_path / "a.tar.gz", made.jpeg(), made.jpeg()
    links = {
        "d/hard.jpg": (tarfile.LNKTYPE, "d/first.jpg"),
        "e/soft.jpg": (tarfile.SYMTYPE, "../d/first.jpg"),
        "e/again.jpg": (tarfile.SYMTYPE, "soft.jpg"),
        "late.jpg": (tarfile.SYMTYPE, "./last.jpg"),
    }
    with tarfile.open(path, mode) as archive:
        archive.addfile(member("d/first.jpg", size=len(first)), io.BytesIO(first))
        for name, (kind, target) in links.items():
            archive.addfile(member(name, kind, target))
        archive.addfile(member("last.jpg", size=len(last)), io.BytesIO(last))
    untar(path, tmp_path / "out")
    expected = {f.relative_to(tmp_path / "out").as_posix(): f.read_bytes() for f in (tmp_path / "out").rglob("*.jpg")}
    assert len(expected) == 6
    with tarfile.open(path, mode) as archive:  # the same with members of which nobody asks anything
        archive.addfile(member("nowhere", tarfile.SYMTYPE, "/usr/share/nothing"))
        archive.addfile(member("pipe", tarfile.FIFOTYPE))
        archive.addfile(member("label of the tape", b"V"))
        for name, target in (("loop", "pool"), ("pool", "loop"), ("self", "self"), ("folder", "d"), ("dead", "gone")):
            archive.addfile(member(name, tarfile.SYMTYPE, target))
        archive.addfile(member("d/first.jpg", size=len(first)), io.BytesIO(first))
        for name, (kind, target) in links.items():
            archive.addfile(member(name, kind, target))
        archive.addfile(member("last.jpg", size=len(last)), io.BytesIO(last))
    assert read_members(path, list(expected)) == expected
    for name, message in (("nowhere", "is a link to '/usr/share/nothing', outside"), ("pipe", "is neither a file")):
        with pytest.raises(InputError, match=f"a.tar.gz: refused: the member '{name}' {message}"):
            read_members(path, [name])
    for name in ("loop", "self", "folder", "dead"):
        with pytest.raises(InputError, match=f"a.tar.gz: no '{name}' inside"):
            read_members(path, [name])


def test_an_archive_that_lacks_an_image_or_is_cut_short_is_named(standins, tmp_path):
    folder = broken(standins, tmp_path, [])
    with pytest.raises(InputError, match="102flowers.tgz: 12 images missing, first 'image_00004.jpg'"):
        prepare_dataset("flowers", SIZE, folder, tmp_path / "images.safetensors")
    whole = (standins / "102flowers.tgz").read_bytes()
    (folder / "102flowers.tgz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="102flowers.tgz: broken or cut short"):
        prepare_dataset("flowers", SIZE, folder, tmp_path / "images.safetensors")
    assert not (tmp_path / "images.safetensors").exists()


@pytest.mark.parametrize("content", [b"", b"no image", made.jpeg()[:200]])
def test_an_image_that_cannot_be_decoded_is_named(content):
    with pytest.raises(InputError, match="jpg/7.jpg: this image cannot be decoded") as error:
        decode(content, "jpg/7.jpg")
    assert " object at 0x" not in str(error.value)


def test_an_image_that_would_fill_the_memory_is_named():
    header = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    with pytest.raises(InputError, match="bomb.png: this image cannot be decoded .*decompression bomb"):
        decode(content + struct.pack(">I", 9) + b"IDAT" + bytes(13), "bomb.png")


@pytest.mark.parametrize("shape", [(224, 224), (300, 500), (500, 333), (37, 41), (225, 1000), (30, 900)])
def test_crops_are_torchvisions(shape):
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8))
    transform = Compose([Resize(224, InterpolationMode.BICUBIC), CenterCrop(224)])
    np.testing.assert_array_equal(crop(image, 224), np.asarray(transform(image)))


def test_unknown_dataset_is_refused(tmp_path):
    with pytest.raises(InputError, match="unknown dataset 'car'"):
        prepare_dataset("car", SIZE, tmp_path, tmp_path / "images.safetensors")
