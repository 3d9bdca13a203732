"""Pixels of a user's own images that are not 8-bit RGB, and images that are broken.

Expected values are arithmetic on the values written; files that Pillow cannot write are put together from the
specifications of PNG, TIFF and Netpbm.
"""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pedrank.catalogue.catalogue import _catalogue, check_catalogues
from pedrank.cli import command_line, rank_study
from pedrank.datasets.dataset import load_images
from pedrank.datasets.prepare import prepare_dataset
from pedrank.formats.image import decode
from pedrank.formats.photo import Traits, examine, levels, upright_rgb
from pedrank.user_data.image_cards import images_entry
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

GREYS = np.array([[0, 1, 255, 256], [1000, 2048, 4094, 4095]])
TWELVE_TO_EIGHT = [[0, 0, 15, 15], [62, 127, 254, 255]]  # v * 255 / 4095, rounded down


def png16(samples, colour_type, *chunks):
    """A PNG of 16 bits per sample: (H, W) grey (type 0), (H, W, C) grey + alpha (4), RGB (2) or RGBA (6)."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = samples.shape[:2]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in samples)
    head = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def tiff(samples, photometric=1, order="<"):
    """An uncompressed TIFF of one strip, of the samples' own type: (H, W) or (H, W, C)."""
    samples = np.asarray(samples)
    samples = samples.astype(samples.dtype.newbyteorder(order))
    content, channels = samples.tobytes(), samples.shape[2] if samples.ndim == 3 else 1
    sample_format = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    start = 8 + 2 + 12 * 10 + 4
    depths = struct.pack(f"{order}{channels}H", *[8 * samples.dtype.itemsize] * channels) if channels > 1 else b""
    entries = [(256, samples.shape[1]), (257, samples.shape[0]), (258, start if depths else 8 * samples.dtype.itemsize)]
    entries += [(259, 1), (262, photometric), (273, start + len(depths)), (277, channels), (278, samples.shape[0])]
    entries += [(279, len(content)), (339, sample_format)]
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, len(entries))
    for tag, value in entries:
        if tag == 258 and depths:
            head += struct.pack(f"{order}HHII", tag, 3, channels, value)
        else:
            head += struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0)
    return head + struct.pack(f"{order}I", 0) + depths + content


def pnm(samples, largest=65535):
    head = f"P{6 if samples.ndim == 3 else 5} {samples.shape[1]} {samples.shape[0]} {largest}\n"
    return head.encode() + samples.astype(">u2").tobytes()


def saved(image, suffix="TIFF", **options):
    file = io.BytesIO()
    image.save(file, suffix, **options)
    return file.getvalue()


def colours(samples, channels=3):
    return np.stack([samples] * channels, axis=-1)


@pytest.fixture
def prepared(tmp_path, monkeypatch, capsys):
    """Prepare files of two classes, given by name, as 4 x 2 pixels."""

    def prepare(files, **fields):
        root = tmp_path / f"photos{len(list(tmp_path.iterdir()))}"
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return prepare_folder(root, **fields)

    def prepare_folder(root, **fields):
        catalogue = tmp_path / "own.json"
        catalogue.write_text(json.dumps({"datasets": {"mine": {"images": str(root), **fields}}}))
        _catalogue.cache_clear()
        monkeypatch.setenv("PEDRANK_CATALOGUE", str(catalogue))
        check_catalogues(ROOT / "schemas")
        out = tmp_path / "out.safetensors"
        out.unlink(missing_ok=True)
        try:
            prepare_dataset("mine", 2, tmp_path, out, threads=2)
        finally:
            prepare.printed = capsys.readouterr().err
        return load_images(out)

    prepare.folder = prepare_folder
    yield prepare
    _catalogue.cache_clear()


def square(samples):
    """A 2 x 2 part of the test's greys, which no resizing changes."""
    return np.asarray(samples)[:, 2:]


WRITERS = {
    "I;16 TIFF": lambda v: saved(Image.fromarray(v.astype(np.uint16))),
    "I;16 compressed TIFF": lambda v: saved(Image.fromarray(v.astype(np.uint16)), compression="tiff_lzw"),
    "I;16B TIFF": lambda v: tiff(v.astype(np.uint16), order=">"),
    "I;16 PNG": lambda v: png16(v, 0),
    "signed 16-bit TIFF": lambda v: tiff(v.astype(np.int16)),
    "int32 TIFF": lambda v: saved(Image.fromarray(v.astype(np.int32))),
    "uint32 TIFF": lambda v: tiff(v.astype(np.uint32)),
    "float TIFF": lambda v: saved(Image.fromarray(v.astype(np.float32))),
    "PGM": lambda v: pnm(v),
    "JPEG 2000": lambda v: saved(Image.fromarray(v.astype(np.uint16)), "JPEG2000"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_twelve_bits_in_a_wider_file_use_all_of_eight(prepared, kind):
    """The dark image stays darker than the bright one: all images of a dataset have one scale."""
    write = WRITERS[kind]
    dark, bright = np.full((2, 2), 256), square(GREYS)
    dataset = prepared({"a/0.tif": write(dark), "b/0.tif": write(bright)})
    if kind == "float TIFF":  # rounded to the nearest
        assert dataset.images[..., 0].tolist() == [[[16, 16]] * 2, [[16, 16], [255, 255]]]
    else:
        assert dataset.images[..., 0].tolist() == [[[15, 15]] * 2, square(TWELVE_TO_EIGHT).tolist()]
    assert (dataset.images == dataset.images[..., :1]).all()
    facts = dataset.made_by["pixels"]
    assert (facts["black_white"], facts["span"], facts["deep"]) == ([0, 4095], [255, 4095], 2)
    assert "2 of 2 images have more than 8 bits per channel, with values from 255 to 4,095" in facts["notes"][0]
    assert facts["notes"][0] in prepared.printed


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_white_is_the_largest_number_of_the_fewest_bits(bits):
    for largest in (2**bits - 1, max(2 ** (bits - 1), 1)):
        assert levels([Traits((7.0, float(largest)))]) == (0, 2**bits - 1)
    assert levels([Traits((0.0, 1.0))]) == (0, 255)  # integers, such as a mask
    assert levels([Traits((0.0, 0.02), fraction=True)]) == (0, 1)
    assert levels([Traits((0.0, 1.5), fraction=True)]) == (0, 255)


def test_the_order_of_the_images_does_not_count():
    found = [Traits((0.0, 900.0)), Traits((5.0, 3000.0)), Traits((1.0, 12.0)), Traits()]
    assert {levels(order) for order in permutations(found)} == {(0, 4095)}


def test_sixteen_bits_and_eight_bits_are_as_ever(prepared):
    """65,535 is white, 257 values become one; 8-bit images beside them keep their values."""
    deep = np.array([[0, 256], [257, 65535]])
    grey = np.array([[0, 7], [99, 200]], np.uint8)
    dataset = prepared({"a/0.png": png16(deep, 0), "b/0.png": saved(Image.fromarray(grey), "PNG")})
    assert dataset.images[..., 0].tolist() == [[[0, 0], [1, 255]], grey.tolist()]
    assert dataset.made_by["pixels"]["deep"] == 1


def test_fractions_of_one_are_the_eight_bits_they_were(prepared):
    grey = np.arange(252, 256).reshape(2, 2)
    dataset = prepared({f"{name}/0.tif": saved(Image.fromarray((grey / 255).astype(np.float32))) for name in "ab"})
    assert dataset.images[0, ..., 0].tolist() == grey.tolist()
    assert dataset.made_by["pixels"]["black_white"] == [0, 1]


def test_eight_bits_in_an_int32_file_keep_their_values(prepared):
    grey = np.array([[3, 90], [200, 255]], np.int32)
    dataset = prepared({f"{name}/0.tif": saved(Image.fromarray(grey)) for name in "ab"})
    assert dataset.images[0, ..., 0].tolist() == grey.tolist()


COLOURS = {
    "RGB PNG": lambda v: png16(colours(v), 2),
    "RGBA PNG": lambda v: png16(np.dstack([colours(v), np.full(v.shape, 65535)]), 6),
    "grey and alpha PNG": lambda v: png16(np.dstack([v, np.full(v.shape, 65535)]), 4),
    "RGB TIFF": lambda v: tiff(colours(v).astype(np.uint16), 2),
    "big-endian RGB TIFF": lambda v: tiff(colours(v).astype(np.uint16), 2, ">"),
    "CMYK TIFF": lambda v: tiff(colours(v, 4).astype(np.uint16), 5),
    "PPM": lambda v: pnm(colours(v)),
}


@pytest.mark.parametrize("kind", COLOURS)
def test_colours_of_twelve_bits_in_sixteen_are_refused_and_of_sixteen_read(prepared, kind):
    write = COLOURS[kind]
    twelve = {"a/0.tif": write(square(GREYS)), "b/0.tif": write(square(GREYS))}
    with pytest.raises(InputError, match=r"colour images of 16 bits .* up to 4,\d+ only.*--pixel-range 0 65535"):
        prepared(twelve)
    prepared(twelve, pixel_range=[0, 65535])
    sixteen = np.array([[0, 4112], [30840, 65535]])  # 16, 120 and 255 times 257
    images = prepared({"a/0.tif": write(sixteen), "b/0.tif": write(sixteen)}).images
    if kind != "CMYK TIFF":
        assert images[0].tolist() == colours(np.array([[0, 16], [120, 255]])).tolist()


def test_a_declared_maximum_of_netpbm_is_white(prepared):
    dataset = prepared({f"{name}/0.ppm": pnm(colours(square(GREYS)), 4095) for name in "ab"})
    assert dataset.images[0, ..., 0].tolist() == [[16, 16], [255, 255]]  # Pillow rounds to the nearest


def test_negative_values_need_a_range(prepared):
    """Hounsfield units: -1000 is air."""
    scan = np.array([[-1000, -160], [40, 3071]], np.int16)
    files = {"a/0.tif": tiff(scan), "b/0.tif": tiff(scan, order=">")}
    with pytest.raises(InputError, match=r"values go from -1,000 to 3,071; .*--pixel-range LOW HIGH"):
        prepared(files)
    dataset = prepared(files, pixel_range=[-160, 240])
    assert dataset.images[:, ..., 0].tolist() == [[[0, 0], [127, 255]]] * 2  # 200 / 400 is 127.5 of 255
    assert dataset.made_by["pixels"]["black_white"] == [-160, 240]
    with pytest.raises(InputError, match="white must be above black"):
        prepared(files, pixel_range=[240, -160])


def test_images_without_a_number_in_some_pixels_are_broken(prepared):
    """Infinity and NaN of geographic rasters."""
    whole = np.array([[0.0, 0.5], [0.25, 1.0]], np.float32)
    files = {f"{name}/{i}.tif": saved(Image.fromarray(whole)) for name in "ab" for i in range(3)}
    for i, wrong in enumerate((np.nan, np.inf)):
        files[f"a/{i}.tif"] = saved(Image.fromarray(np.where(whole == 0.5, np.float32(wrong), whole)))
    with pytest.raises(InputError, match=r"a/0.tif: .*NaN or infinite.*2 of 6 images"):
        prepared(files)
    assert len(prepared(files, skip_broken=True).images) == 4


def test_white_is_zero_and_transparent_values_of_sixteen_bits():
    ramp = np.array([[0, 257], [65278, 65535]])
    turned = decode(tiff(ramp.astype(np.uint16), photometric=0), "x", upright_rgb)
    assert np.asarray(turned)[..., 0].tolist() == [[255, 254], [1, 0]]
    key = decode(png16(ramp, 0, (b"tRNS", struct.pack(">H", 257))), "x", upright_rgb)
    assert np.asarray(key)[..., 0].tolist() == [[0, 255], [254, 255]]


def planes(samples):
    """A TIFF of 16-bit RGB in separate planes: the tag for it, and three strips."""
    content = b"".join(samples.astype("<u2").tobytes() for _ in range(3))
    start, length = 8 + 2 + 12 * 10 + 4, len(content) // 3
    tail = struct.pack("<3H", 16, 16, 16) + struct.pack("<3I", *(start + 30 + length * i for i in range(3)))
    tail += struct.pack("<3I", *[length] * 3)
    entries = [(256, 3, 1, samples.shape[1]), (257, 3, 1, samples.shape[0]), (258, 3, 3, start), (259, 3, 1, 1)]
    entries += [(262, 3, 1, 2), (273, 4, 3, start + 6), (277, 3, 1, 3), (278, 3, 1, samples.shape[0])]
    entries += [(279, 4, 3, start + 18), (284, 3, 1, 2)]
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    return head + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4) + tail + content


def deep_jpeg2000():
    """The start of a JPEG 2000 file of 12 bits per channel, which is refused before its pixels are decoded."""
    whole = saved(Image.new("RGB", (4, 4), "white"), "JPEG2000")
    at = whole.index(b"\xff\x4f\xff\x51") + 42
    return whole[:at] + bytes([11]) + whole[at + 1 :]


@pytest.mark.parametrize(
    "content, why",
    [
        (tiff(np.array([[-1, 1]], np.int8)), "signed 8-bit pixels"),
        (planes(GREYS), "16 bits per channel in separate planes"),
        (deep_jpeg2000(), "more than 8 bits per channel in JPEG 2000"),
    ],
    ids=["signed bytes", "planes", "JPEG 2000"],
)
def test_files_that_pillow_misreads_are_broken(prepared, content, why):
    """Pillow returns pixels for each of them, without a warning."""
    assert Image.open(io.BytesIO(content)).mode in ("L", "RGB")
    with pytest.raises(InputError, match=f"a/x.tif: this image cannot be decoded .*{why}"):
        prepared(ordinary() | {"a/x.tif": content})
    assert len(prepared(ordinary() | {"a/x.tif": content}, skip_broken=True).images) == 12


def test_planes_and_jpeg_2000_of_eight_bits_are_read():
    for file in (saved(Image.new("RGB", (4, 4), "white"), "JPEG2000"), saved(Image.new("L", (4, 4), 255), "JPEG2000")):
        assert np.asarray(decode(file, "x", lambda image: examine(image)[0])).min() == 255


def test_sixteen_bits_are_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    for image in (Image.fromarray(GREYS.astype(np.uint16)), Image.fromarray(GREYS.astype(np.int32))):
        turned = np.asarray(decode(saved(image, exif=exif), "x", lambda image: upright_rgb(image, (0, 4095))))
        assert turned[..., 0].tolist() == np.rot90(TWELVE_TO_EIGHT, -1).tolist()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_metadata_that_cannot_be_read_do_not_break_an_image():
    """An XMP packet that is not UTF-8, and EXIF data that are cut: the pixels are whole."""
    for metadata in ({"xmp": b"<x:xmpmeta>\xa8</x:xmpmeta>"}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01"}):
        content = saved(Image.new("RGB", (8, 8), "white"), "JPEG", **metadata)
        assert np.asarray(decode(content, "x", upright_rgb)).min() == 255


def test_one_bit_and_palettes_are_what_they_show():
    for image in (Image.new("1", (2, 2), 1), Image.new("LA", (2, 2), (255, 255))):
        assert np.asarray(decode(saved(image, "PNG"), "x", upright_rgb)).min() == 255
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    assert np.asarray(decode(saved(palette, "GIF"), "x", upright_rgb)).tolist() == [[[10, 20, 30], [40, 50, 60]]]


def test_animations_pages_and_long_images_are_counted(prepared):
    pictures = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue", "lime")]
    several = {"save_all": True, "append_images": pictures[1:]}
    files = {f"a/0.{suffix}": saved(pictures[0], suffix, **several) for suffix in ("GIF", "TIFF", "PNG")}
    files["a/0.webp"] = saved(pictures[0], "WEBP", lossless=True, **several)
    files["a/1.jpg"] = saved(pictures[0], "MPO", **several)  # a photo with a preview
    files["a/1.gif"] = saved(pictures[0], "GIF")
    files["b/long.png"] = saved(Image.new("RGB", (200, 2)), "PNG")
    dataset = prepared(files)
    facts = dataset.made_by["pixels"]
    assert (facts["several"], facts["cropped"]) == (4, 1)
    assert facts["notes"] == [
        "4 of 7 images have several pictures or pages; only the first of each is used",
        "1 of 7 images are more than 16 times as long as wide; only their middle is used",
    ]
    assert [image[0, 0, 0] > 250 for image in dataset.images[:6]] == [True] * 6  # red


def ordinary(number=6):
    return {
        f"{name}/{i}.png": saved(Image.new("RGB", (2, 2), (40 * i, 9, 9)), "PNG")
        for name in "ab"
        for i in range(number)
    }


def test_ordinary_images_have_no_notes_and_the_options_change_nothing(prepared, tmp_path):
    dataset = prepared(ordinary())
    assert set(dataset.made_by) == {"pedrank", "options", "inputs", "code"} and "note" in prepared.printed
    root, content = tmp_path / "photos0", (tmp_path / "out.safetensors").read_bytes()
    prepared.folder(root, skip_broken=True, pixel_range=[0, 4095])
    assert (tmp_path / "out.safetensors").read_bytes() == content


def broken_files():
    whole = saved(Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)), "PNG")
    photo = saved(Image.open(io.BytesIO(whole)), "JPEG")
    return {
        "empty.jpg": b"",
        "page.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "text.png": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\n",
        "zeros.png": bytes(500),
        "head.png": whole[:30],
        **{f"cut-{name}": content[: len(content) // 2] for name, content in {"0.png": whole, "1.jpg": photo}.items()},
        **{f"cut.{suffix}": saved(Image.open(io.BytesIO(whole)), suffix)[:900] for suffix in ("bmp", "webp", "gif")},
        "cut.tif": saved(Image.open(io.BytesIO(whole)), "TIFF")[:900],
        "bomb.png": saved(Image.new("1", (3000, 3000)), "PNG"),
    }


def test_all_broken_images_are_listed_in_one_go(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2**20)
    broken = broken_files()
    files = ordinary() | {f"a/{name}": content for name, content in broken.items()}
    with pytest.raises(InputError) as error:
        prepared(files)
    assert "\n" not in str(error.value) and "--skip-broken" in str(error.value)
    assert f"{len(broken)} of {len(files)} images cannot be decoded" in str(error.value)
    listed = [line.split(": ")[1] for line in prepared.printed.splitlines() if line.startswith("broken: ")]
    assert listed == sorted(f"a/{name}" for name in broken)
    assert "delete" not in prepared.printed and "remove" not in prepared.printed
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize("splits", [["train/", "test/"], [""]])
def test_broken_images_are_left_out_and_counted(prepared, splits, monkeypatch):
    """With splits of its own or without, what is left is as if the broken images had never been there."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2**20)
    whole = {f"{split}{name}": content for split in splits for name, content in ordinary().items()}
    broken = {f"{split}b/{name}": content for split in splits for name, content in broken_files().items()}
    expected = prepared(whole)
    found = prepared(whole | broken, skip_broken=True)
    for name in ("images", "labels", "split", "ids"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    assert found.made_by["pixels"]["skipped"] == len(broken)
    assert f"{len(broken)} of {len(whole | broken)} images cannot be decoded and are left out" in prepared.printed
    assert prepared.printed.count("broken: ") == len(broken)
    assert "skipped" not in str(expected.made_by)


def test_a_file_that_may_not_be_read_or_has_gone_is_broken(prepared, monkeypatch):
    read = Path.read_bytes

    def refuse(path):
        if path.name == "3.png":
            raise PermissionError(13, "Permission denied", str(path))
        if path.name == "4.png":
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=r"a/3.png: .*\(Permission denied\).*4 of 12 images"):
        prepared(ordinary())
    assert len(prepared(ordinary(), skip_broken=True).images) == 8


def test_a_class_without_a_whole_image_is_refused(prepared):
    files = ordinary() | {f"b/{i}.png": b"no picture" for i in range(6)}
    with pytest.raises(InputError, match="all images of the class 'b' are broken"):
        prepared(files, skip_broken=True)


def test_an_image_of_several_labels_is_left_out(prepared, tmp_path):
    root = tmp_path / "several"
    for name, content in (ordinary() | {"a/1.png": b""}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    lines = [f"{name},{'x|y' if name.startswith('a') else 'y'}" for name in ordinary()]
    (root / "list.csv").write_text("\n".join(["path,label", *lines]) + "\n")
    dataset = prepared.folder(root / "list.csv", skip_broken=True, metric="11-point mAP")
    assert dataset.targets.tolist() == [[1, 1]] * 5 + [[0, 1]] * 6


def test_the_catalogue_of_a_study_knows_the_options_for_images_alone(tmp_path, monkeypatch):
    card = {"title": "a", "source": "a", "licence": "a", "metric": "top-1"}
    for fields in ({"features": "f", "skip_broken": True}, {"images": "f", "pixel_range": [1]}):
        (tmp_path / "own.json").write_text(json.dumps({"datasets": {"mine": card | fields}}))
        _catalogue.cache_clear()
        monkeypatch.setenv("PEDRANK_CATALOGUE", str(tmp_path / "own.json"))
        with pytest.raises(InputError, match="catalogue of datasets, mine"):
            check_catalogues(ROOT / "schemas")
    _catalogue.cache_clear()


def test_a_null_image_of_a_hugging_face_dataset_is_broken(prepared, tmp_path):
    pa = pytest.importorskip("pyarrow")
    cells = [{"bytes": saved(Image.new("RGB", (2, 2)), "PNG"), "path": None} for _ in range(10)]
    rows = pa.table({"image": [*cells, None], "label": [row % 2 for row in range(11)]})
    with pa.OSFile(str(tmp_path / "data.arrow"), "wb") as file, pa.ipc.new_stream(file, rows.schema) as out:
        out.write_table(rows)
    columns = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    (tmp_path / "dataset_info.json").write_text(json.dumps({"features": columns}))
    with pytest.raises(InputError, match="10: this image cannot be decoded .empty"):
        prepared.folder(tmp_path)
    assert len(prepared.folder(tmp_path, skip_broken=True).images) == 10


def test_rank_lists_and_leaves_out_broken_images_and_tells_the_range(tmp_path):
    random = np.random.default_rng(0)
    for label, name in enumerate("ab"):
        (tmp_path / "cells" / name).mkdir(parents=True)
        for i in range(12):
            pixels = random.integers(0, 2000 + 2000 * label, (32, 32)).astype(np.uint16)
            Image.fromarray(pixels).save(tmp_path / f"cells/{name}/{i}.tif")
    for i in (3, 7):
        path = tmp_path / f"cells/b/{i}.tif"
        path.write_bytes(path.read_bytes()[:700])

    def rank(*more):
        command = [sys.executable, "-m", "pedrank", "rank", "--images", "cells", "--metric", "logme", "--cores", "2"]
        command += ["--checkpoints", "byol-tiny", "moco-tiny", *more]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)

    done = rank()
    message = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and "b/3.tif" in message and "--skip-broken" in message
    assert "(2 of 24 images cannot be decoded; the log of this job lists them all)" in message
    assert "broken: b/7.tif" in (tmp_path / "pedrank-results/pedrank.log").read_text()
    done = rank("--skip-broken")
    assert done.returncode == 0, done.stderr
    assert "Note: 2 of 24 images cannot be decoded and are left out" in done.stdout
    assert "Note: 22 of 24 images have more than 8 bits per channel" in done.stdout
    assert "0 is read as black and 4,095 as white" in done.stdout
    done = rank("--skip-broken", "--pixel-range", "0", "8191", "--json")
    assert "0 is read as black and 8,191 as white" in json.loads(done.stdout)["notes"][1]


@pytest.mark.parametrize("option", [["--skip-broken"], ["--pixel-range", "0", "4095"]])
def test_the_options_are_for_ones_own_images(option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = command_line().parse_args(["rank", "--images", "mnist", "--zoo", "tiny", *option])
    with pytest.raises(InputError, match=f"{option[0]}: mnist is not images of yours; leave out {option[0]}"):
        rank_study.collect(words)


def test_the_card_of_images_is_checked_without_opening_them(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").touch()
    assert "skip_broken" not in images_entry(tmp_path)
