"""Hostile archives, the lists and images in them, and whole datasets of which one file is hostile."""

import gzip
import hashlib
import io
import re
import struct
import tarfile
import tempfile
import zipfile
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from fuzz import fuzzed
from fuzz.cage import caged
from fuzz.inputs import mutated, mutated_text
from hypothesis import given
from hypothesis import strategies as st
from mirror import datasets as made
from mirror.python2 import python2_pickle
from PIL import Image

from pedrank.datasets.prepare import crop, prepare_dataset
from pedrank.datasets.readers.cifar10 import _batch
from pedrank.formats.archive import members
from pedrank.formats.image import decode
from pedrank.formats.image_kinds import FORMATS, formats_of, starts_like_an_image
from pedrank.formats.matlab import read_matlab
from pedrank.formats.photo import upright_rgb
from pedrank.utils.errors import InputError, about

NAMES = [
    "a.jpg",
    "d/a.jpg",
    "../x",
    "/etc/passwd",
    "d/../../x",
    "C:\\x",
    "..",
    ".",
    "",
    "x" * 300,
    "a\nb",
    "\x1b[2J",
    "d/",
    "._a.tar.gz",
    "__MACOSX/a",
]
TYPES = [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE,
         tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME]  # fmt: skip
SIZES = [0, 1, 511, 512, 513, 2**20, 2**28, 2**28 + 1, 2**40, -1, -512]


def read_all(path):
    """What any reader does at the most: read every member; nothing lands anywhere."""
    for name, read in members(path):
        assert not name.startswith("/") and ".." not in name.split("/")
        read()


@st.composite
def tar_member(draw) -> bytes:
    info = tarfile.TarInfo(draw(st.sampled_from(NAMES)))
    info.type, info.linkname = draw(st.sampled_from(TYPES)), draw(st.sampled_from(NAMES))
    content = draw(
        st.one_of(st.binary(max_size=600), st.sampled_from([b"30 path=../x\n", b"25 size=-5\n", b"9\n9\n9\n"]))
    )
    info.size = draw(st.one_of(st.just(len(content)), st.sampled_from(SIZES)))
    padded = content + bytes(-len(content) % 512)
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape") + padded


@st.composite
def tars(draw) -> bytes:
    content = b"".join(draw(st.lists(tar_member(), max_size=4)))
    content += draw(st.sampled_from([bytes(1024), b"", bytes(512)]))
    return draw(st.sampled_from([lambda c: c, lambda c: gzip.compress(c, mtime=0)]))(content)


@st.composite
def zips(draw) -> bytes:
    buffer = io.BytesIO()
    kinds = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]
    with zipfile.ZipFile(buffer, "w", draw(st.sampled_from(kinds))) as archive:
        for _ in range(draw(st.integers(0, 3))):
            name = draw(st.sampled_from([*NAMES[:8], "x.tar", "x.tar.gz", "._x.tar", "Ünï"]))
            content = draw(st.one_of(st.binary(max_size=200), tars()))
            archive.writestr(zipfile.ZipInfo(name or "a"), content)
    return draw(st.one_of(st.just(buffer.getvalue()), mutated(buffer.getvalue())))


@given(content=st.one_of(tars(), tars().flatmap(mutated), zips()))
@fuzzed(25)
def test_an_archive(content):
    caged("archive", {"a.tar.gz": content}, lambda folder: read_all(folder / "a.tar.gz"))


def tar_of(*pieces: bytes) -> bytes:
    return b"".join(pieces) + bytes(1024)


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, content: bytes = b"") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size or len(content)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def link(name: str, target: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info.tobuf(tarfile.GNU_FORMAT)


def overlapping() -> bytes:
    """A zip file, 100 members of which are the same million bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(10**6))
        archive.filelist *= 1000
    return buffer.getvalue()


def with_password() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"secret")
    content = bytearray(buffer.getvalue())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1
    return bytes(content)


LONG = member("././@LongLink", tarfile.GNUTYPE_LONGNAME, content=b"x" * 600)
ARCHIVES = {
    "empty members without end": (lambda: gzip.compress(member("a") * 45_000, 6), "unpacks to over 20 times"),
    "zeros": (lambda: gzip.compress(member("a", size=2**28), 9), "unpacks to over 20 times its size"),
    "a name of 200 MB": (
        lambda: gzip.compress(member("a", tarfile.GNUTYPE_LONGNAME, 2 * 10**8) + bytes(2 * 10**8), 1),
        "broken or cut short .a name of 200000000 bytes",
    ),
    "names of names": (lambda: gzip.compress(tar_of(LONG * 5000), 1), "broken or cut short"),
    "links to the same member": (
        lambda: gzip.compress(tar_of(member("a", content=bytes(10**6)), *(link(f"{n}", "a") for n in range(1000))), 9),
        "unpacks to over 20 times its size",
    ),
    "links with long names": (
        lambda: gzip.compress(
            tar_of(*(member("x", tarfile.GNUTYPE_LONGNAME, content=b"%06d" % n + b"x" * 60_000) + link("x", "a")
                     for n in range(1000))), 9),
        "refused: too many links",
    ),
    # Python's own check of overlapping members, where a release has it, comes first.
    "a zip file of the same member": (overlapping, "unpacks to over 20 times its size|broken or cut short .Overlapped"),
    "a password": (with_password, "broken or cut short"),
    "xz": (lambda: __import__("lzma").compress(tar_of(member("a"))), "broken or cut short"),
    "a name that is not in the code it says": (
        lambda: _named(b"\xff\xfe", utf8=True), "broken or cut short"
    ),
}  # fmt: skip


def _named(name: bytes, utf8: bool) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("ab", b"")
    content = bytearray(buffer.getvalue().replace(b"ab", name))
    for signature, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        content[content.index(signature) + at] |= 8
    return bytes(content)


@pytest.mark.parametrize("bomb", ARCHIVES)
def test_archive_bombs_are_refused_and_take_neither_time_nor_memory(bomb):
    build, expected = ARCHIVES[bomb]
    message = caged("archive bombs", {"a.tar.gz": build()}, lambda folder: read_all(folder / "a.tar.gz"), memory=150)
    assert re.search(f"a.tar.gz: .*{expected}", message), message


@cache
def pictures(*formats: str) -> tuple[bytes, ...]:
    """A small image in every mode of some formats."""
    random, found = np.random.default_rng(0), []
    colours = Image.fromarray(random.integers(0, 256, (9, 7, 3), np.uint8))
    for kind in formats:
        for mode in ("RGB", "L", "P", "RGBA", "CMYK", "1", "I;16"):
            buffer = io.BytesIO()
            image = colours.convert("L").convert("I").convert("I;16") if mode == "I;16" else colours.convert(mode)
            try:
                image.save(buffer, kind)
            except (KeyError, OSError, ValueError):
                continue  # not every format can be written, and not in every mode
            found.append(buffer.getvalue())
    assert len(found) > 20
    return tuple(found)


def picture(folder, size=8):
    image = decode((folder / "a.jpg").read_bytes(), "a.jpg")
    with about("a.jpg"):
        assert crop(image, size).shape == (size, size, 3)


@given(content=mutated(*pictures(*FORMATS)))
@fuzzed(25)
def test_an_image(content):
    # Pillow's own limit is 179 million pixels; larger images are refused.
    caged("image", {"a.jpg": content}, picture, memory=1600)


@given(content=mutated(*pictures(*formats_of("a.tga"))))
@fuzzed(15)
def test_an_image_of_ones_own(content):
    def look(folder):
        starts_like_an_image(str(folder / "a.tga"))
        image = decode((folder / "a.tga").read_bytes(), "a.tga", upright_rgb)
        with about("a.tga"):
            assert crop(image, 8).shape == (8, 8, 3)

    caged("image of one's own", {"a.tga": content}, look, memory=2500)


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


RED = Image.new("RGB", (40, 20), (250, 10, 20))
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(x) print\n"


@pytest.mark.parametrize(
    "content, message",
    [
        (png(1, 500_000, bytes(10**6)), "an image of 1 x 500000 pixels is too long and narrow"),
        (png(0, 5), "this image cannot be decoded"),
        (png(20_000, 20_000), "decompression bomb"),
        (encoded(Image.fromarray(np.full((5, 5), 60_000, np.uint16)), "PNG"), "16; save it with 8 bits per channel"),
        (encoded(Image.fromarray(np.ones((5, 5), np.float32)), "TIFF"), "pixels of mode F"),
        (encoded(RED, "JPEG")[:300], "this image cannot be decoded"),
        (EPS, "this image cannot be decoded"),  # Pillow would start Ghostscript
    ],
    ids=["narrow", "no pixels", "bomb", "16 bits", "floats", "truncated", "PostScript"],
)
def test_images_that_are_refused(content, message):
    assert message in caged("images, by hand", {"a.jpg": content}, lambda folder: picture(folder, 64))


def test_colours_of_odd_images_are_torchvisions():
    """And EXIF's orientation is left alone: the published pipelines do not apply it."""
    turned = Image.Exif()
    turned[0x0112] = 6
    for content in (
        encoded(RED.convert("CMYK"), "JPEG", quality=95),
        encoded(RED, "JPEG", quality=95, exif=turned),
        encoded(RED.quantize(4), "PNG", transparency=0),
        encoded(RED.convert("RGBA"), "PNG"),
    ):
        image = decode(content, "a.jpg")
        assert image.size == RED.size and image.mode == "RGB"
        assert np.array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))
        assert np.abs(np.asarray(image, int) - [250, 10, 20]).max() < 30


@cache
def standins() -> tuple[dict[str, bytes], str]:
    """The files of all datasets, and their cards."""
    made.RANDOM = np.random.default_rng(0)  # of the stand-ins' images: the same in every process
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cards = {dataset: maker(folder) for dataset, maker in made.MAKERS.items()}
        return {path.name: path.read_bytes() for path in folder.iterdir()}, yaml.safe_dump({"datasets": cards})


SMALL = {
    "aircraft": ["fgvc-aircraft-2013b.tar.gz"],
    "caltech101": ["caltech-101.zip", "caltech101-train.txt", "caltech101-test.txt"],
    "cars": ["cars_train.tgz", "cars_test.tgz", "car_devkit.tgz", "cars_test_annos_withlabels.mat"],
    "cifar10": ["cifar-10-python.tar.gz"], "cifar100": ["cifar-100-python.tar.gz"], "dtd": ["dtd-r1.0.1.tar.gz"],
    "flowers": ["102flowers.tgz", "imagelabels.mat", "setid.mat"], "food": ["food-101.tar.gz"],
    "pets": ["pets-images.tar.gz", "pets-annotations.tar.gz"], "sun397": ["SUN397.tar.gz", "SUN397-Partitions.zip"],
    "voc2007": ["VOCtrainval_06-Nov-2007.tar", "VOCtest_06-Nov-2007.tar"],
}  # fmt: skip
UNREAD = (".jpg", ".xml", ".png", ".html", ".m", "~", ".directory", "README", "README.txt", "agreement.txt", "imdb.mat")
WORDS = ["-1", "0", "99999999999999999999", "a/b.jpg", "../x.jpg", "x", "1 2 3", "\x00", "é", "1.5"]


@st.composite
def spoilt(draw, name: str, content: bytes) -> bytes:
    """A file with bytes changed, or a tar archive in which a list, a pickle or an image has, packed again."""
    if not name.endswith((".tar.gz", ".tgz", ".tar")) or draw(st.booleans()):
        text = name.endswith(".txt") and draw(st.booleans())
        return draw(mutated_text(content.decode(), WORDS) if text else mutated(content))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        contents = {info.name: archive.extractfile(info).read() for info in archive if info.isfile()}
    lists = [key for key in contents if not key.endswith(UNREAD)]
    victim = draw(st.sampled_from(lists or sorted(contents)))
    text = victim.endswith(".txt")
    changed = mutated_text(contents[victim].decode(), WORDS) if text else mutated(contents[victim])
    buffer = io.BytesIO()
    made.tar(buffer, contents | {victim: draw(changed)}, "w" if name.endswith(".tar") else "w:gz")
    return buffer.getvalue()


@pytest.mark.parametrize("dataset", SMALL)
def test_a_dataset_of_which_one_file_is_hostile(dataset, monkeypatch):
    contents, cards = standins()
    contents = {name: contents[name] for name in SMALL[dataset]} | {"catalogue.yaml": cards.encode()}

    def read(folder):
        for name in SMALL[dataset]:
            (folder / f"{name}.sha256").write_text(
                f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
            )
        monkeypatch.setenv("PEDRANK_CATALOGUE", str(folder / "catalogue.yaml"))
        out = folder / "images.safetensors"
        try:
            prepare_dataset(dataset, 8, folder, out)
        except InputError:
            assert not out.exists()
            raise
        finally:
            for path in (*folder.glob("*.sha256"), out):
                path.unlink(missing_ok=True)

    assert caged(f"dataset, {dataset}", contents, read) == ""

    @given(data=st.data())
    @fuzzed(4)
    def hostile(data):
        name = data.draw(st.sampled_from(SMALL[dataset]))
        # Names an image, a file or the dataset: whatever the remedy is about.
        caged(f"dataset, {dataset}", contents | {name: data.draw(spoilt(name, contents[name]))}, read, named=":")

    hostile()


def matlab_file(packed: bool = True) -> bytes:
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(
        buffer,
        {"labels": np.array([[1, 2, 3] * 40], np.uint8), "names": np.array(["a", "b"], object)},
        do_compression=packed,
    )
    return buffer.getvalue()


@given(content=mutated(matlab_file(), matlab_file(False)))
@fuzzed()
def test_a_matlab_file(content):
    def read(folder):
        try:
            read_matlab((folder / "a.mat").read_bytes())
        except ValueError as error:  # prepare names the file
            raise InputError(f"a.mat: {error}") from None

    caged("MATLAB file", {"a.mat": content}, read)


def test_a_matlab_bomb_is_refused():
    packed = zlib.compress(bytes(2**27), 1)
    content = matlab_file(False)[:128] + struct.pack("<II", 15, len(packed)) + packed

    def read(folder):
        try:
            read_matlab((folder / "a.mat").read_bytes())
        except ValueError as error:
            raise InputError(f"a.mat: {error}") from None

    assert "unpacks to over" in caged("MATLAB file", {"a.mat": content}, read, memory=150)


LABELS = {"a list": b"](K\x01]e", "itself twice": b"]q\x07(h\x07h\x07e", "a text": b"](K\x01U\x01ae"}


@pytest.mark.parametrize("labels", LABELS)
def test_labels_that_are_no_numbers_are_refused(labels):
    """NumPy would look through a list that holds itself twice for ever."""
    honest = python2_pickle({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 1]})
    content = honest.replace(b"](K\x01K\x01e", LABELS[labels])
    assert content != honest
    message = caged("CIFAR's pickle", {"a": content}, lambda folder: _batch(content, "labels", folder / "a"))
    assert "the values of a batch are not bytes" in message


def test_a_kind_of_number_that_is_none_does_not_reach_scipy():
    """It would read beyond its table of kinds, and end the process."""
    content = bytearray(matlab_file(False))
    content[473] = 1

    def look(folder):
        with about("a.mat"):
            try:
                read_matlab((folder / "a.mat").read_bytes())
            except ValueError as error:
                raise InputError(str(error)) from None

    assert "an element of kind 272" in caged("MATLAB file", {"a.mat": bytes(content)}, look)
