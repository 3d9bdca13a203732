"""The user's own record: accuracies of weights after fine-tuning, which make a prior on other datasets.

It is one CSV file of the user, `record.csv` in the folder `pedrank` of the user's data (XDG_DATA_HOME, or
~/.local/share); the variable PEDRANK_RECORD names another file, or "none" for no record. `pedrank rank` adds what
--finetune and --budget have measured; `pedrank record --add` adds finished studies. Weights are known by the hash of
their tensors, so a file of weights has one record under all its names.

Accuracies of one protocol on the same images become standardised differences,

    z_i = level + (a_i - mean of a) / s        s^2 = (sum of (a - mean)^2 + 4 s0^2) / (n + 3)

where `level` is the mean published prior of these n checkpoints (0 where none is known), since those that were chosen
for fine-tuning are rarely average; and s0 the typical standard deviation of accuracies, without which the noise of two
or three close ones would count as much as real differences.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pedrank.ranking.dataset_names import left_out
from pedrank.store.artefacts import atomic, read_arrays, read_csv
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dataset", "images", "protocol", "checkpoint", "weights", "accuracy", "seeds")
KEY = ["images", "protocol", "weights"]
FEWEST = 3  # datasets of the record from which it makes a prior by itself: with one, features alone rank better
SAMPLED = 64  # images that a hash of images is made of, beside all labels


def record_file() -> Path | None:
    """The user's record, whether it exists or not; None if there is to be none."""
    named = os.environ.get("PEDRANK_RECORD")
    if named:
        return None if named == "none" else Path(named).expanduser()
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local/share") / "pedrank/record.csv"


def read_record(path: Path | None) -> pd.DataFrame:
    """Read a record; one that does not exist has no rows.

    Args:
        path: From `record_file`.

    Returns:
        Table with `COLUMNS`.

    Raises:
        InputError: The file is no record.
    """
    import pandas as pd

    if path is None or not path.exists():
        return pd.DataFrame(columns=list(COLUMNS))
    table = read_csv(path, COLUMNS)
    if not pd.api.types.is_numeric_dtype(table["accuracy"]):
        raise InputError(f"{path}: an accuracy is no number; correct it, or move the file away to begin a new record")
    return table[list(COLUMNS)].astype({"images": str, "protocol": str, "weights": str, "dataset": str})


def add(path: Path, rows: pd.DataFrame) -> int:
    """Add accuracies to a record; newer ones replace those of the same weights, images and protocol.

    Args:
        path: The record; it is made if it does not exist.
        rows: Table with `COLUMNS`.

    Returns:
        Number of rows that are new.

    Raises:
        InputError: The file is no record.
    """
    import pandas as pd

    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two rankings may end at once
        before = read_record(path)
        both = rows if before.empty else pd.concat([before, rows])
        after = both.drop_duplicates(KEY, keep="last")
        with atomic(path) as temporary:
            after.to_csv(temporary, index=False, lineterminator="\n")
    return len(after) - len(before)


def weights_hash(path: Path) -> str:
    """Hash of the tensors of a converted checkpoint, whatever its header says.

    Args:
        path: A safetensors file.
    """
    digest = hashlib.sha256()
    for name, array in sorted(read_arrays(path, whole=False).items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def images_hash(path: Path) -> str:
    """Hash of the labels, and of some of the images, of a prepared dataset.

    Args:
        path: A safetensors file with images (N, H, W, 3), labels (N,) and split (N,).
    """
    arrays = read_arrays(path, "images", "labels", "split", whole=False)
    count = len(arrays["images"])
    chosen = np.unique(np.linspace(0, max(count - 1, 0), min(SAMPLED, count)).astype(int))
    digest = hashlib.sha256(str(arrays["images"].shape).encode())
    for part in (arrays["labels"], arrays["split"], *(arrays["images"][at] for at in chosen)):
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def of_study(
    record: Path | None, dataset: str, images: Sequence[Path], networks: Mapping[str, Path]
) -> pd.DataFrame | None:
    """Return the recorded accuracies of a study's checkpoints on other datasets: `elsewhere`, read from files.

    Args:
        record: The record; None for none.
        dataset: Name of the dataset that is ranked.
        images: Its prepared files.
        networks: Converted checkpoints by name.
    """
    if record is None:
        return None
    hashes = {name: weights_hash(path) for name, path in networks.items()}
    return elsewhere(read_record(record), dataset, [images_hash(path) for path in images], hashes)


def elsewhere(record: pd.DataFrame, dataset: str, images: Collection[str], weights: Mapping[str, str]) -> pd.DataFrame:
    """Return the recorded accuracies of a study's checkpoints on other datasets.

    Args:
        record: From `read_record`.
        dataset: Name of the dataset that is ranked; it is left out, in every usual spelling.
        images: Hashes of its images; accuracies on the same images are left out as well.
        weights: Hash of the weights by checkpoint.

    Returns:
        Long table: group (protocol and images), checkpoint, accuracy (percent). Groups of fewer than two of these
        checkpoints are left out.

    >>> import pandas as pd
    >>> rows = [("cars", "1", "p", "x", "a", 80.0, 3), ("cars", "1", "p", "y", "b", 90.0, 3)]
    >>> record = pd.DataFrame(rows, columns=COLUMNS)
    >>> elsewhere(record, "pets", [], {"byol": "a", "swav": "b"})["checkpoint"].tolist()
    ['byol', 'swav']
    >>> len(elsewhere(record, "Stanford Cars", [], {"byol": "a", "swav": "b"}))
    0
    """
    kept = left_out(record, dataset)
    kept = kept[~kept["images"].isin(list(images))]
    names = {digest: name for name, digest in reversed(list(weights.items()))}
    kept = kept.assign(checkpoint=kept["weights"].map(names), group=kept["protocol"] + " " + kept["images"])
    kept = kept.dropna(subset="checkpoint")
    enough = kept.groupby("group")["checkpoint"].transform("nunique") > 1
    return kept.loc[enough.astype(bool), ["group", "checkpoint", "accuracy"]].reset_index(drop=True)


def with_record(
    prior: pd.Series, datasets: pd.Series, recorded: pd.DataFrame, spread: float, fewest: int = FEWEST
) -> pd.DataFrame:
    """A prior that counts every recorded dataset like a published one.

    Args:
        prior: (n,) published prior by checkpoint, NaN where unknown.
        datasets: (n,) number of datasets that it rests on; at least 1 where it is known.
        recorded: From `elsewhere`.
        spread: Typical standard deviation of accuracies, in points.
        fewest: Recorded datasets that a checkpoint without a published prior needs.

    Returns:
        Table (n, 2) by checkpoint: prior, and recorded (number of datasets of the record that it rests on).

    >>> import pandas as pd
    >>> prior = pd.Series({"byol": 0.5, "mine": float("nan")})
    >>> one = pd.DataFrame({"group": "a", "checkpoint": ["byol", "mine"], "accuracy": [80.0, 90.0]})
    >>> many = pd.concat([one.assign(group=group) for group in "abc"])
    >>> with_record(prior, pd.Series({"byol": 9, "mine": 0}), one, 1.0)["recorded"].tolist()
    [1, 0]
    >>> with_record(prior, pd.Series({"byol": 9, "mine": 0}), many, 1.0)["prior"].round(2).tolist()
    [0.12, 2.02]
    """
    import pandas as pd

    sums, counts = pd.Series(0.0, prior.index), pd.Series(0, prior.index)
    for _, rows in recorded.groupby("group"):
        accuracies = rows.groupby("checkpoint")["accuracy"].mean()
        centred = accuracies - accuracies.mean()
        level = prior.reindex(accuracies.index).mean()
        scale = np.sqrt(((centred**2).sum() + 4 * spread**2) / (len(centred) + 3))
        sums[centred.index] += centred / scale + (0.0 if np.isnan(level) else level)
        counts[centred.index] += 1
    known = prior.notna()
    weight = datasets.where(known, 0).clip(lower=0) + counts
    used = known | (counts >= fewest)
    mean = (prior.fillna(0.0) * datasets.where(known, 0) + sums) / weight.where(weight > 0)
    return pd.DataFrame({"prior": mean.where(used), "recorded": counts.where(used, 0)})
