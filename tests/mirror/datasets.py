"""Stand-ins of the datasets: names, nesting and lists as in the originals, a few small images of a few classes.

Files that no reader needs are included as in the originals, as far as known: junk of macOS, other lists, programs.
Each function writes the files of one dataset into a folder and returns what its card has to say instead of the
original's: counts, classes and the like.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

from mirror.python2 import python2_pickle

RANDOM = np.random.default_rng(0)
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "  # how the files "._NAME" of macOS begin


def jpeg(mode: str = "RGB") -> bytes:
    """A small photograph of noise, of another size each time."""
    width, height = (int(side) for side in RANDOM.integers(20, 40, 2))
    pixels = RANDOM.integers(0, 256, (height, width, 4), dtype=np.uint8)
    image = Image.fromarray(pixels[..., : {"L": 1, "RGB": 3, "CMYK": 4}[mode]].squeeze(), mode)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def tar(
    path: Path | io.BytesIO,
    contents: Mapping[str, bytes],
    mode: str = "w:gz",
    special: Mapping[str, tuple[bytes, str]] | None = None,
) -> None:
    """An archive with its folders as members of their own, as tar makes them; `special` has types and targets."""
    with tarfile.open(**({"name": path} if isinstance(path, Path) else {"fileobj": path}), mode=mode) as archive:
        folders: dict[str, None] = {}
        for name in contents:
            folders |= {"/".join(name.split("/")[:depth]): None for depth in range(1, name.count("/") + 1)}
        for folder in folders:
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, (kind, target) in (special or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)


def lists(**rows: list[str]) -> dict[str, bytes]:
    return {name: "".join(f"{row}\n" for row in content).encode() for name, content in rows.items()}


def aircraft(folder: Path) -> dict[str, Any]:
    """A plain tar under the name of a .tar.gz file, as some browsers leave it; one image is a hard link to another."""
    variants = ["707-320", "Boeing 717", "F/A-18"]
    images, of_split, number = {}, {}, 34309
    for split, each in (("train", 2), ("val", 1), ("test", 1)):
        of_split[split] = []
        for variant in variants * each:
            number += 7
            of_split[split].append(f"{number:07d} {variant}")
            images[f"fgvc-aircraft-2013b/data/images/{number:07d}.jpg"] = jpeg()
    texts = lists(variants=variants) | {
        f"images_variant_{split}": lists(x=rows)["x"] for split, rows in of_split.items()
    }
    texts["images_variant_trainval"] = texts["images_variant_train"] + texts["images_variant_val"]
    texts["images_family_train"] = texts["images_manufacturer_train"] = b"0034316 Boeing\n"
    texts["families"] = b"Boeing 707\nBoeing 717\nF/A-18\n"
    texts = {f"fgvc-aircraft-2013b/data/{name}.txt": text for name, text in texts.items()}
    first, *_, last = images
    del images[last]
    tar(folder / "fgvc-aircraft-2013b.tar.gz", images | texts, "w", {last: (tarfile.LNKTYPE, first)})
    return {"classes": 3, "counts": {"train": 6, "validation": 3, "test": 3}}


def caltech101(folder: Path) -> dict[str, Any]:
    names = ["BACKGROUND_Google", "Faces", "Faces_easy"]
    images = {
        f"101_ObjectCategories/{name}/image_{number:04d}.jpg": jpeg("L" if number == 1 else "RGB")
        for name in names
        for number in range(1, 6)
    }
    inner, annotations = io.BytesIO(), io.BytesIO()
    tar(inner, images)
    tar(annotations, {"Annotations/Faces_2/annotation_0001.mat": b"MATLAB"}, "w")
    with zipfile.ZipFile(folder / "caltech-101.zip", "w") as archive:
        for name, content in (
            ("Annotations.tar", annotations.getvalue()),
            ("101_ObjectCategories.tar.gz", inner.getvalue()),
            ("show_annotation.m", b"% a program"),
        ):
            for junk in ("__MACOSX", "MACOSX"):
                archive.writestr(f"{junk}/caltech-101/._{name}", APPLE_DOUBLE)
            archive.writestr(f"caltech-101/{name}", content)
    train = [f"{name}/image_{number:04d}.jpg {label}" for label, name in enumerate(names) for number in (1, 2, 2, 4)]
    test = [f"{name}/image_{number:04d}.jpg {label}" for label, name in enumerate(names) for number in (3, 5)]
    for name, rows in (("train", train), ("test", test)):
        (folder / f"caltech101-{name}.txt").write_bytes(lists(x=rows)["x"])
    return {"classes": 3, "counts": {"train": 9, "validation": "seeded", "test": 6}, "drawn": 12}


def cars(folder: Path) -> dict[str, Any]:
    names = ["AM General Hummer SUV 2000", "Acura RL Sedan 2012"]
    fields = [(name, object) for name in ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")]
    annotations = {}
    for split, count in (("train", 8), ("test", 4)):
        images = {f"cars_{split}/{number:05d}.jpg": jpeg() for number in range(1, count + 1)}
        tar(folder / f"cars_{split}.tgz", images)
        annotations[split] = np.zeros((1, count), fields)
        for row in range(count):
            annotations[split][0, row] = (1, 1, 9, 9, 1 + row % 2, f"{row + 1:05d}.jpg")
    savemat(folder / "cars_test_annos_withlabels.mat", {"annotations": annotations["test"]})
    devkit = {"cars_train_annos.mat": {"annotations": annotations["train"]}}
    devkit["cars_meta.mat"] = {"class_names": np.array([names], dtype=object)}
    contents = {}
    for name, arrays in devkit.items():
        buffer = io.BytesIO()
        savemat(buffer, arrays)
        contents[f"devkit/{name}"] = buffer.getvalue()
    contents |= {"devkit/README.txt": b"fields", "devkit/eval_train.m": b"% a program"}
    contents["devkit/train_perfect_preds.txt"] = b"1\n2\n"
    tar(folder / "car_devkit.tgz", contents)
    return {"classes": 2, "counts": {"train": 8, "validation": "seeded", "test": 4}}


def _cifar(folder: Path, name: str, batches: Mapping[str, int], label_key: str, more: Mapping[str, bytes]) -> dict:
    """md5 of each batch in the binary encoding, in which the first byte is the label, then three planes of 32 x 32."""
    contents, md5 = {}, {}
    for batch, count in batches.items():
        planes, labels = RANDOM.integers(0, 256, (count, 3072), np.uint8), [row % 2 for row in range(count)]
        contents[f"{name}-py/{batch}"] = python2_pickle(
            {
                "batch_label": batch,
                label_key: labels,
                "data": planes,
                "filenames": [f"{row}.png" for row in range(count)],
            }
        )
        record = b"".join(bytes([label]) + row.tobytes() for label, row in zip(labels, planes, strict=True))
        md5[batch] = hashlib.md5(record).hexdigest()
    root = {"cifar-10": "cifar-10-batches-py", "cifar-100": "cifar-100-python"}[name]
    contents = {key.replace(f"{name}-py", root): value for key, value in contents.items()}
    tar(folder / f"{name}-python.tar.gz", contents | {f"{root}/{key}": value for key, value in more.items()})
    return md5


def cifar10(folder: Path) -> dict[str, Any]:
    names = ["airplane", "automobile"]
    batches = {f"data_batch_{number}": 2 for number in range(1, 6)} | {"test_batch": 4}
    meta = {"batches.meta": python2_pickle({"label_names": names, "num_vis": 3072}), "readme.html": b"<meta>"}
    md5 = _cifar(folder, "cifar-10", batches, "labels", meta)
    return {"classes": names, "counts": {"train": 10, "validation": "seeded", "test": 4}, "batch_md5": md5}


def cifar100(folder: Path) -> dict[str, Any]:
    meta = {"meta": python2_pickle({"fine_label_names": ["apple", "bear"], "coarse_label_names": ["fruit", "bears"]})}
    _cifar(folder, "cifar-100", {"train": 10, "test": 4}, "fine_labels", meta | {"file.txt~": b""})
    return {"classes": 2, "counts": {"train": 10, "validation": "seeded", "test": 4}}


def dtd(folder: Path) -> dict[str, Any]:
    names, numbers = ["banded", "blotchy"], {"train": (2, 3, 4), "val": (5, 6), "test": (38, 39)}
    images, texts = {}, {}
    for split, each in numbers.items():
        texts[f"dtd/labels/{split}1.txt"] = lists(x=[f"{name}/{name}_{n:04d}.jpg" for name in names for n in each])["x"]
        texts[f"dtd/labels/{split}2.txt"] = b"banded/banded_0099.jpg\n"
        images |= {f"dtd/images/{name}/{name}_{n:04d}.jpg": jpeg() for name in names for n in each}
    others = {"dtd/imdb/imdb.mat": b"MATLAB", "dtd/images/banded/.directory": b"[Dolphin]\n"}
    others["dtd/labels/labels_joint_anno.txt"] = b"banded/banded_0002.jpg banded\n"
    tar(folder / "dtd-r1.0.1.tar.gz", images | others | texts)
    return {"classes": 2, "counts": {"train": 6, "validation": 4, "test": 4}}


def flowers(folder: Path) -> dict[str, Any]:
    labels = np.array([[1, 2, 3] * 4], np.uint8)
    tar(folder / "102flowers.tgz", {f"jpg/image_{number:05d}.jpg": jpeg() for number in range(1, 13)})
    savemat(folder / "imagelabels.mat", {"labels": labels})
    ids = {"trnid": [[4, 5, 6]], "valid": [[7, 8, 9]], "tstid": [[12, 11, 10, 1, 2, 3]]}
    savemat(folder / "setid.mat", {key: np.array(value, np.uint16) for key, value in ids.items()})
    return {"classes": 3, "counts": {"train": 3, "validation": 3, "test": 6}}


def food(folder: Path) -> dict[str, Any]:
    """The classes are not in ASCII's order: "_" comes before "c"."""
    names, numbers = ["cheesecake", "cheese_plate"], {"train": range(100, 105), "test": range(200, 202)}
    contents = {f"food-101/images/{name}/{n}.jpg": jpeg() for name in names for each in numbers.values() for n in each}
    contents["food-101/meta/classes.txt"] = lists(x=names)["x"]
    contents["food-101/meta/labels.txt"] = b"Cheesecake\nCheese plate\n"
    contents |= {"food-101/README.txt": b"", "food-101/license_agreement.txt": b""}
    for split, each in numbers.items():
        of_class = {name: [f"{name}/{number}" for number in each] for name in names}
        contents[f"food-101/meta/{split}.txt"] = lists(x=sum(of_class.values(), []))["x"]
        contents[f"food-101/meta/{split}.json"] = json.dumps(of_class).encode()
    tar(folder / "food-101.tar.gz", contents)
    return {"classes": 2, "counts": {"train": 10, "validation": "seeded", "test": 4}}


def pets(folder: Path) -> dict[str, Any]:
    names, numbers = ["Abyssinian", "american_bulldog"], {"trainval": (1, 2, 3, 4, 5), "test": (10, 201)}
    images = {f"images/{name}_{n}.jpg": jpeg() for name in names for each in numbers.values() for n in each}
    images["images/Abyssinian_1.jpg"], images["images/Abyssinian_2.jpg"] = jpeg("CMYK"), _png()
    images["images/american_bulldog_3.jpg"], images["images/american_bulldog_4.jpg"] = _gif(), _more_bytes(jpeg())
    images["images/Abyssinian_100.mat"] = b"MATLAB"
    tar(folder / "pets-images.tar.gz", images)
    texts = {
        f"annotations/{split}.txt": lists(
            x=[f"{name}_{n} {b} {b} {b}" for b, name in enumerate(names, 1) for n in each]
        )["x"]
        for split, each in numbers.items()
    }
    texts |= {"annotations/README": b"breeds", "annotations/list.txt": b"#Image CLASS-ID SPECIES BREED ID\n"}
    texts["annotations/trimaps/._Abyssinian_1.png"] = APPLE_DOUBLE
    texts["annotations/trimaps/Abyssinian_1.png"] = _png()
    texts["annotations/xmls/Abyssinian_1.xml"] = b"<annotation/>"
    tar(folder / "pets-annotations.tar.gz", texts)
    return {"classes": 2, "counts": {"train": 10, "validation": "seeded", "test": 4}}


def _png() -> bytes:
    """Some of the pets are PNG files with an alpha channel, whatever their names say."""
    buffer = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (30, 25, 4), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _gif() -> bytes:
    """Others are GIF files (Abyssinian_34 and five cats of Egypt, by tensorflow/models#2194)."""
    buffer = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (25, 30, 3), np.uint8)).quantize(64).save(buffer, "GIF")
    return buffer.getvalue()


def _more_bytes(jpeg: bytes) -> bytes:
    """Two dogs have bytes before the marker of the end, which decoders skip with a warning (the same thread)."""
    return jpeg[:-2] + bytes(245) + jpeg[-2:]


def voc2007(folder: Path) -> dict[str, Any]:
    """Image i shows class i % 20 and, every fourth, the next one too; 41 in a difficult object only."""
    from pedrank.catalogue.catalogue import catalogue

    classes = catalogue("datasets")["voc2007"]["classes"]
    numbers = {"train": range(0, 20), "val": range(20, 26), "test": range(40, 48)}
    for archive, splits in (("trainval", ("train", "val")), ("test", ("test",))):
        contents = {}
        for split in splits:
            for index, name in enumerate(classes):
                rows = [f"{n:06d} {target(n, index):2d}" for n in numbers[split]]
                contents[f"VOCdevkit/VOC2007/ImageSets/Main/{name}_{split}.txt"] = lists(x=rows)["x"]
            for n in numbers[split]:
                contents[f"VOCdevkit/VOC2007/JPEGImages/{n:06d}.jpg"] = jpeg()
                contents[f"VOCdevkit/VOC2007/Annotations/{n:06d}.xml"] = _xml(n, classes)
            whole = lists(x=[f"{n:06d}" for n in numbers[split]])["x"]
            contents |= {f"VOCdevkit/VOC2007/ImageSets/{of}/{split}.txt": whole for of in ("Main", "Segmentation")}
            contents[f"VOCdevkit/VOC2007/ImageSets/Layout/person_{split}.txt"] = b"000000 1\n"
        tar(folder / f"VOC{archive}_06-Nov-2007.tar", contents, "w")
    return {"counts": {"train": 20, "validation": 6, "test": 8}}


def target(image: int, label: int) -> int:
    if label == image % 20:
        return 0 if image == 41 else 1
    return 1 if image % 4 == 0 and label == image % 20 + 1 else -1


def _xml(image: int, classes: list[str]) -> bytes:
    there = {name: target(image, label) for label, name in enumerate(classes)}
    objects = "".join(
        f"<object><name>{name}</name><difficult>{1 - value}</difficult></object>"
        for name, value in there.items()
        if value >= 0
    )
    return f"<annotation><filename>{image:06d}.jpg</filename>{objects}</annotation>".encode()


def sun397(folder: Path) -> dict[str, Any]:
    places = ["/a/abbey", "/b/badminton_court/indoor", "/b/bar", "/b/barn"]
    images = {place: [f"{place}/sun_a{index}{n}.jpg" for n in range(8)] for index, place in enumerate(places)}
    contents = {f"SUN397{name}": jpeg() for each in images.values() for name in each}
    unused = {"SUN397/absolute": (tarfile.SYMTYPE, "/usr/share/nothing"), "SUN397/pipe": (tarfile.FIFOTYPE, "")}
    names = {"SUN397/ClassName.txt": lists(x=places)["x"]}
    tar(folder / "SUN397.tar.gz", contents | names, special=unused)
    with zipfile.ZipFile(folder / "SUN397-Partitions.zip", "w") as archive:
        archive.writestr("ClassName.txt", lists(x=places)["x"])
        archive.writestr("Training_01.txt", lists(x=[name for each in images.values() for name in each[:5]])["x"])
        archive.writestr("Testing_01.txt", lists(x=[name for each in images.values() for name in each[5:7]])["x"])
        archive.writestr("Training_02.txt", b"/a/abbey/sun_a00.jpg\n")
    return {"classes": 4, "counts": {"train": 20, "validation": "seeded", "test": 8}}


def imagenet_val(folder: Path) -> dict[str, Any]:
    images = {f"ILSVRC2012_val_{number:08d}.JPEG": jpeg() for number in range(1, 13)}
    tar(folder / "ILSVRC2012_img_val.tar", images, "w")
    return {"counts": {"train": 0, "validation": 12, "test": 0}}


def imagenette_val(folder: Path) -> dict[str, Any]:
    images = {
        f"imagenette2-320/{split}/{wnid}/ILSVRC2012_{split}_{number:08d}.JPEG": jpeg()
        for split in ("train", "val")
        for wnid in ("n01440764", "n02102040")
        for number in range(3)
    }
    images = {name.replace("_val_", f"_val_{name.split('/')[2][1:4]}"): image for name, image in images.items()}
    junk = {"imagenette2-320/._.DS_Store": APPLE_DOUBLE, "imagenette2-320/.DS_Store": b"\x00\x00\x00\x01Bud1"}
    junk["imagenette2-320/val/n01440764/._ILSVRC2012_val_00000000.JPEG"] = APPLE_DOUBLE
    tar(folder / "imagenette2-320.tgz", junk | images | {"imagenette2-320/noisy_imagenette.csv": b"path"})
    return {"counts": {"train": 0, "validation": 6, "test": 0}}


MAKERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "aircraft": aircraft,
    "caltech101": caltech101,
    "cars": cars,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "dtd": dtd,
    "flowers": flowers,
    "food": food,
    "pets": pets,
    "voc2007": voc2007,
    "sun397": sun397,
    "imagenet-val": imagenet_val,
    "imagenette-val": imagenette_val,
}
