"""Tables of images and of accuracies as people write them; pandas writes the inputs."""

import unicodedata

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pedrank.finetune.ground_truth import from_file
from pedrank.user_data import images
from pedrank.utils.errors import InputError

PATHS = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(4)]
LABELS = [path.split("/")[0] for path in PATHS]


def photo(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)


@pytest.fixture
def photos(tmp_path):
    for path in PATHS:
        photo(tmp_path / path)
    return tmp_path


def is_read(path, names=("cat", "dog")):
    images.fingerprint.cache_clear()
    found = images.listing(path)
    assert (list(found.ids), list(found.class_names)) == (PATHS, list(names))
    assert found.labels.tolist() == [0] * 4 + [1] * 4 and found.targets is None
    assert len({content.read_bytes() for _, content in found.images()}) == 1
    assert images.fingerprint(path)


def is_refused(path, *parts):
    with pytest.raises(InputError) as error:
        images.listing(path)
    for part in (path.name, *parts):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-sig", "utf-16-be-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_encodings_and_line_ends(photos, separator, encoding, end):
    table = pd.DataFrame({"path": PATHS, "label": ["cat, é"] * 4 + ["dog; 犬"] * 4})
    text = table.to_csv(index=False, sep=separator, lineterminator=end)
    mark = "\ufeff" if encoding.endswith("-sig") and encoding != "utf-8-sig" else ""
    (photos / "t.csv").write_bytes((mark + text).encode(encoding.replace("e-sig", "e")))
    is_read(photos / "t.csv", ("cat, é", "dog; 犬"))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".TSV", ".tab", ".txt"])
def test_suffixes_of_tables(photos, suffix):
    pd.DataFrame({"path": PATHS, "label": LABELS}).to_csv(photos / f"t{suffix}", index=False, sep="\t")
    is_read(photos / f"t{suffix}")


@pytest.mark.parametrize(
    "path", ["path", "Path", "PATH", "filename", "file_name", "File Name", "image", "img", "image-path"]
)
@pytest.mark.parametrize("label", ["label", "Label", "class", "target", "category", "class_name", "labels"])
def test_names_of_columns(photos, path, label):
    pd.DataFrame({path: PATHS, "width": 4, label: LABELS}).to_csv(photos / "t.csv")  # with an index column
    is_read(photos / "t.csv")


def test_the_documented_name_comes_before_other_spellings(photos):
    pd.DataFrame({"image": "x", "class": "y", "label": LABELS, "path": PATHS}).to_csv(photos / "t.csv", index=False)
    is_read(photos / "t.csv")


def test_blanks_quotes_and_empty_lines(photos):
    rows = [f'  "{path}",\t {label} ' for path, label in zip(PATHS, LABELS, strict=True)]
    (photos / "t.csv").write_text("\n".join(["", " path , label ", *rows[:3], "", ",", *rows[3:], " ", ",,"]))
    is_read(photos / "t.csv")
    (photos / "t.csv").write_text('path,label\n"cat/0.png" ,cat\n')
    is_refused(photos / "t.csv", "line 2: not CSV", "check the quotes")


def test_the_line_that_tells_excel_the_separator(photos):
    """zimmerman-team/IATI.cloud#1622."""
    text = pd.DataFrame({"path": PATHS, "label": LABELS}).to_csv(index=False, sep=";", lineterminator="\r\n")
    (photos / "t.csv").write_bytes(f"sep=;\r\n{text}".encode())
    is_read(photos / "t.csv")
    (photos / "t.csv").write_text("sep=;\npath;label\ncat/0.png;\n")
    is_refused(photos / "t.csv", "line 3: no label")


def test_paths_written_on_windows(photos):
    """CellProfiler/CellProfiler#1385: backslashes; a file whose own name has one comes first."""
    windows = [path.replace("/", "\\") for path in PATHS]
    pd.DataFrame({"path": windows, "label": LABELS}).to_csv(photos / "t.csv", index=False)
    is_read(photos / "t.csv")
    photo(photos / windows[0])
    assert images.listing(photos / "t.csv").ids[0] == windows[0]


@pytest.mark.parametrize("form, other", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_in_either_unicode_form(photos, form, other):
    """Garmelon/PFERD#141: a Mac stores é as two characters; labels in both forms are one class."""
    names = [f"é{number}.png" for number in range(4)]
    for name in names:
        photo(photos / unicodedata.normalize(form, name))
    labels = [unicodedata.normalize(each, "café") for each in ("NFC", "NFD", "NFC", "NFD")]
    table = pd.DataFrame({"path": [unicodedata.normalize(other, name) for name in names] + PATHS[:4]})
    table.assign(label=labels + ["cat"] * 4).to_csv(photos / "t.csv", index=False)
    found = images.listing(photos / "t.csv")
    assert found.class_names == ["café", "cat"] and np.bincount(found.labels).tolist() == [4, 4]


@pytest.mark.parametrize(
    "text, parts",
    [
        ("cat/0.png,cat\ndog/0.png,dog\n", ["has 'cat/0.png', 'cat'; name the columns path and label"]),
        ("id;place;kind\n1;cat/0.png;cat\n", ["no column 'path'", "has 'id', 'place', 'kind'"]),
        ("path;kind\ncat/0.png;cat\n", ["no column 'label'", "has 'path', 'kind'"]),
        ("path label\ncat/0.png cat\n", ["no column 'path'", "has 'path label'"]),
        ("path,fine_label,coarse_label\n", ["no column 'label'", "'fine_label', 'coarse_label'"]),
        ("image,img,label\n", ["several columns may be the path: 'image', 'img'", "call the right one 'path'"]),
        ("path,class,target\n", ["several columns may be the label: 'class', 'target'"]),
        ("path,label,Label\n", ["several columns may be the label: 'label', 'Label'"]),
        ("path,label,split,Split\n", ["several columns may be the split"]),
        ("path,label\ncat/0.png,cat\n,dog\n", ["line 3: no path"]),
        ("path,label\n\ncat/0.png,cat\ndog/0.png\n", ["line 4: no label"]),
        ("path,label\ncat/0.png, | \n", ["line 2: no label"]),
        ("path,label,split\ncat/0.png,cat,train\ndog/0.png,dog,\n", ["line 3: no split"]),
        ("path,label\ncat/0.png,cat, small\n", ["line 2 has more cells", "','"]),
        ("path\tlabel\ncat/0.png\tcat\tsmall\n", ["line 2 has more cells", "separator tab"]),
        ("path,label\ncat/0.png,cat\n./cat/0.png,dog\n", ["line 3 lists", "first in line 2"]),
        ('path,label\n"cat/0.png,cat\ndog/0.png,dog\n', ["line 3: not CSV", "check the quotes"]),
        ("", ["no column 'path'", "has no text"]),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_is_refused(photos, text, parts):
    """Among them an open quote, which would swallow all lines below it (BurntSushi/rust-csv#252)."""
    (photos / "t.csv").write_text(text)
    is_refused(photos / "t.csv", *parts)


@pytest.mark.parametrize(
    "content, parts",
    [
        ("path,label\ncat/0.png,chât\n".encode("cp1252"), ["line 2 is not text in UTF-8; save"]),
        ("path,label\n".encode("utf-16-le"), ["zero bytes"]),
        (b"\xff\xfep", ["line 1 is not text in UTF-16"]),
        ("path,label\n".encode("utf-32"), ["zero bytes"]),
        (b"PK\x03\x04\x14\x00", ["zero bytes"]),
    ],
    ids=range(5),
)  # fmt: skip
def test_what_is_no_text(photos, content, parts):
    (photos / "t.csv").write_bytes(content)
    is_refused(photos / "t.csv", *parts)


def test_trailing_separators_of_a_spreadsheet(photos):
    rows = [f"{path};{label};;" for path, label in zip(PATHS, LABELS, strict=True)]
    (photos / "t.csv").write_text("\n".join(["path;label", *rows, ";;;"]))
    is_read(photos / "t.csv")


def accuracies(path):
    table = from_file(path, "flowers", ["b", "a"])
    assert table["accuracy"].tolist() == [80.25, 91.5]
    assert table["sd"].tolist() == [0.125, 0.5]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_accuracies_of_a_spreadsheet(tmp_path, separator, decimal, encoding):
    """SheetJS/sheetjs#2239: where commas are decimal, Excel writes semicolons."""
    table = pd.DataFrame(
        {"Dataset": "flowers", "Checkpoint": ["a", "b"], "Accuracy": [91.5, 80.25], "SD": [0.5, 0.125]}
    )
    table.to_csv(tmp_path / "mine.csv", sep=separator, decimal=decimal, encoding=encoding, lineterminator="\r\n")
    accuracies(tmp_path / "mine.csv")


def test_accuracies_with_blanks_and_percent_signs(tmp_path):
    lines = ["dataset, checkpoint, accuracy, sd", "flowers , a, 91.5 %, 0.5", "", "flowers, b, 80.25%, 0.125"]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    accuracies(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    "text, message",
    [
        ("dataset;model;accuracy\n", "no column 'checkpoint' in the first line, which has 'dataset', 'model'"),
        ("dataset,checkpoint,accuracy\n\nflowers,a,90\nflowers,b,high\n", "line 4: accuracy 'high'"),
        ("dataset,checkpoint,accuracy\nflowers,,90\n", "line 2: no checkpoint"),
        ('dataset,checkpoint,accuracy,seeds\nflowers,a,90,"1,000"\n', "line 2: seeds '1,000' is not a number"),
        ("dataset,checkpoint,accuracy\nflowers,a,1.234,5\n", "line 2 has more cells"),
        ('dataset,checkpoint,accuracy\nflowers,a,"1.234,5"\n', "accuracy '1.234,5' is not a percentage"),
        ("dataset,checkpoint,accuracy\nflowers,a,\n", "line 2: no accuracy"),
    ],
)  # fmt: skip
def test_accuracies_that_are_refused(tmp_path, text, message):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        from_file(tmp_path / "mine.csv", "flowers", ["a", "b"])


def test_a_missing_table_of_accuracies_is_named(tmp_path):
    with pytest.raises(InputError, match="no.csv: no such file; correct the path"):
        from_file(tmp_path / "no.csv", "flowers", ["a", "b"])
