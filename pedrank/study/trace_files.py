"""The files behind a score and an accuracy, each with the files that it was made from.

Artefacts carry a record of how they were made: safetensors files in their header, JSON files under `made_by`, some
tables in NAME.made-by.json beside them. The record names the version of pedrank, the options and the sha256 of each
input. A table without a record leads to the inputs of its rule, for which no hash is known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata as installed
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pedrank.catalogue.catalogue import catalogue, files
from pedrank.datasets.dataset import fingerprint
from pedrank.evaluation.names import IMAGENET, PRIOR
from pedrank.ranking.prior_rows import TABLES
from pedrank.store import artefacts
from pedrank.store.integrity import check_arrays, check_beside
from pedrank.study.plan import Plan
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, PUBLISHED, in_repository, name_in_repository

_REMEDY = "run the study again, which makes everything that depends on it again"

_PUBLISHED = "published accuracies; sources in pedrank/published/README.md"


@dataclass(frozen=True)
class Node:
    """A file, or a part of one, and the files that it was made from.

    Attributes:
        path: As the workflow names it, such as "results/quickstart/summary.csv"; "#" and the name of a part follow
            where the file holds more than this. Also the name of a package or a dataset that needs no file.
        sha256: Hash of the file; empty if there is no file, or if its inputs identify it.
        note: One line: the content, and where it comes from.
        version: The version of pedrank that made the file; empty where none is recorded.
        options: The options that it was made with, as recorded.
        warnings: Damage to the file, and inputs that have changed since it was made; one line each.
        children: The files that it was made from.
        recorded: The sha256 that children had when the file was made, by their paths, where it was recorded.
    """

    path: str
    sha256: str
    note: str
    version: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()
    recorded: Mapping[str, str] = field(default_factory=dict)


def walk(*nodes: Node) -> Iterator[Node]:
    """Each node and each node below it once, parents first.

    >>> leaf = Node("weights", "", "")
    >>> [node.path for node in walk(Node("score", "", "", children=(leaf,)), Node("run", "", "", children=(leaf,)))]
    ['score', 'weights', 'run']
    """
    seen: set[str] = set()
    pending = list(reversed(nodes))
    while pending:
        node = pending.pop()
        if node.path not in seen:
            seen.add(node.path)
            yield node
            pending.extend(reversed(node.children))


class FileTracer:
    """Finds the files of one study; each is looked at once."""

    def __init__(self, results: Path, plan: Plan, check: bool = True) -> None:
        """Trace the files of a study.

        Args:
            results: The folder `results/`.
            plan: The study's plan, which names its files.
            check: Whether seals and recorded hashes are compared with the files. Without it, a file whose hash is
                recorded is not read.
        """
        self.results, self.plan, self.check = results, plan, check
        self.study = f"results/{plan.config['study']}"
        self._known: dict[str, Node] = {}
        self._content: dict[str, tuple[Any, str]] = {}

    # --- Where a trace starts -----------------------------------------------------------------------------------------

    def score(self, metric: str, refinement: str, dataset: str, checkpoint: str) -> Node:
        """Find the file of a score.

        Args:
            metric: A metric or a baseline of the study.
            refinement: A refinement that is scored, or "none".
            dataset: A dataset of the study.
            checkpoint: A checkpoint of the study.

        Returns:
            The node of the score's JSON file, or of the baseline's row in its CSV file.
        """
        if metric in (IMAGENET, PRIOR):
            row = f"{self.study}/scores/prior/{dataset}.csv#{checkpoint}/{metric}"
            note = f"score of {checkpoint} on {dataset} by published accuracies"
            tables = [self._leaf(PUBLISHED / name, _PUBLISHED) for name in TABLES]
            return self._remember(row, lambda: self._node(row, note, {}, tables))
        if metric in self.plan.config["baselines"]:
            path = f"{self.study}/baselines/{dataset}/{checkpoint}.csv"
            features = f"{self.study}/features/{dataset}/{checkpoint}.safetensors"
            note = f"score of {checkpoint} on {dataset} by the baseline {metric}, on the raw features"
            return self._remember(f"{path}#{metric}", lambda: self._node(f"{path}#{metric}", note, {features: ""}))
        path, part = self.score_path(metric, refinement, dataset, checkpoint)
        note = f"score of {checkpoint} on {dataset} by {metric}, refinement {refinement}"
        record = self.score_record(metric, refinement, dataset, checkpoint)
        return self._remember(f"{path}{part}", lambda: self._made(f"{path}{part}", note, record.get("made_by", {})))

    def score_path(self, metric: str, refinement: str, dataset: str, checkpoint: str) -> tuple[str, str]:
        """Name the JSON file of a score, and the part of it that holds the score.

        Args:
            metric, refinement, dataset, checkpoint: As for `score`, but no baseline.

        Returns:
            The path, and "#metric/refinement" if one file holds all metrics, else an empty text.
        """
        study = self.plan.config["study"]
        names = {"study": study, "metric": metric, "refinement": refinement}
        pattern = self.plan.score_pattern("scores")
        path = pattern.format(**names, dataset=dataset, checkpoint=checkpoint)
        return path, "" if "{refinement}" in pattern else f"#{metric}/{refinement}"

    def score_record(self, metric: str, refinement: str, dataset: str, checkpoint: str) -> dict[str, Any]:
        """Read the record of a score.

        Args:
            metric, refinement, dataset, checkpoint: As for `score`, but no baseline.

        Returns:
            Score, rank_score and made_by; empty if the file lacks the record.
        """
        path, part = self.score_path(metric, refinement, dataset, checkpoint)
        content = self._json(path)[0]
        found = content.get(metric, {}).get(refinement, {}) if part and isinstance(content, dict) else content
        return found if isinstance(found, dict) else {}

    def accuracy(self, dataset: str, checkpoint: str, said: str) -> Node:
        """Find the row of a checkpoint in a table of ground truth, and the runs or the table behind it.

        Args:
            dataset: A dataset of the study.
            checkpoint: A checkpoint of the study.
            said: Its accuracy in words, for the note.

        Returns:
            The node of the row.
        """
        path = f"{self.study}/ground_truth/{dataset}.csv#{checkpoint}"
        source = self.plan.config["ground_truth"]["source"]
        note = f"accuracy of {checkpoint} on {dataset}: {said}"
        if source == "finetune":
            runs = self._remember(
                f"{self.study}/finetune/{dataset}.csv#{checkpoint}", partial(self._runs, dataset, checkpoint)
            )
            return self._remember(path, lambda: self._node(path, note, {}, [runs]))
        own = source == "file"
        known = self.plan.known_accuracies() if own else name_in_repository(PUBLISHED / "accuracy.csv")
        about = "accuracies of your own" if own else _PUBLISHED
        table = self._remember(f"{known}#{checkpoint}", lambda: self._node(f"{known}#{checkpoint}", about, {}))
        return self._remember(path, lambda: self._node(path, note, {}, [table]))

    def test_accuracies(self, dataset: str, checkpoint: str) -> list[float]:
        """List the accuracies of a checkpoint's final runs on a dataset, which the ground truth is the mean of.

        Args:
            dataset: A dataset of the study.
            checkpoint: A checkpoint of the study.

        Returns:
            One accuracy in percent per seed; seeds that were left out have none.
        """
        folder = f"{self.study}/finetune/{dataset}/{checkpoint}"
        records = [self._json(f"{folder}/test-seed{seed}.json")[0] for seed in self.plan.protocol.seeds]
        ran = [each for each in records if isinstance(each, dict) and not each.get("spared")]
        return [each["accuracy"] for each in ran if isinstance(each.get("accuracy"), (int, float))]

    def table(self, path: str, note: str, keep: Callable[[str], bool]) -> Node:
        """Find a table whose record lies in NAME.made-by.json beside it.

        Args:
            path: Path of the table, possibly with a part.
            note: Its content in one line.
            keep: Selects inputs of the table by their paths.

        Returns:
            The node of the table, with the selected inputs.
        """
        made = self._json(f"{path.partition('#')[0].removesuffix('.csv')}.made-by.json")[0]
        made = made if isinstance(made, dict) else {}
        inputs = {each: found for each, found in made.get("inputs", {}).items() if keep(each)}
        tables = [
            self._remember(each, partial(self._node, each, _of_table(each), {}, recorded=found))
            for each, found in inputs.items()
        ]
        return self._remember(path, lambda: self._node(path, note, {}, tables, made=made | {"inputs": inputs}))

    def locate(self, path: str) -> Path:
        """The file of a node's path: below `results`, of the checkout, or relative to the folder around `results`."""
        path = path.partition("#")[0]
        if path.startswith("results/"):
            return self.results / path.removeprefix("results/")
        beside = self.results.parent / path
        return in_repository(path) if path.startswith("pedrank/") and not beside.exists() else beside

    # --- Files by their place -----------------------------------------------------------------------------------------

    def file(self, path: str, recorded: str = "") -> Node:
        """Find a file that a record names.

        Args:
            path: The path in the record.
            recorded: The sha256 in the record; empty if it names none.

        Returns:
            The node of the file.
        """
        return self._remember(path, lambda: self._by_place(path, recorded))

    def _by_place(self, path: str, recorded: str) -> Node:
        place = Path(path).parts
        name = Path(path).name.removesuffix(".safetensors")
        if path.startswith(f"{self.study}/features/"):
            of = {"dataset": place[3], "checkpoint": name.removesuffix(".statistics")}
            what = "class statistics" if name.endswith(".statistics") else "features"
            note = "{what} of {checkpoint} on {dataset}".format(what=what, **of)
            own = "features" in catalogue("datasets").get(of["dataset"], {})
            return self._arrays(
                path, note, recorded, images="" if own else self.plan.seen_images(SimpleNamespace(**of))
            )
        if path.startswith(f"{self.study}/ped/"):
            return self._arrays(path, f"displacement of each class by {name}", recorded)
        if path.startswith(f"{self.study}/reference/"):
            return self._reference(path, name, recorded)
        if path.startswith("results/checkpoints/"):
            return self._checkpoint(path, name, recorded)
        if path.startswith("results/data/"):
            return self._images(path, place[2], recorded)
        return self._node(path, "a file of your own", {}, recorded=recorded)

    def _reference(self, path: str, checkpoint: str, recorded: str) -> Node:
        """Reference statistics: shipped, from a folder, from reference images, or from the dataset's own features."""
        source = self.plan.config["reference"]["source"]
        note = f"mean and standard deviation of {checkpoint}'s features on the reference images"
        if source in ("shipped", "folder"):
            if source == "shipped":
                leaf = self._leaf(
                    PACKAGE / f"checkpoints/tiny/{checkpoint}.reference.safetensors", "shipped with pedrank"
                )
            else:
                leaf = self.file(self.plan.reference_input(SimpleNamespace(checkpoint=checkpoint)))
            images = self._metadata(path)[0].get("images")
            return self._arrays(path, f"{note} ({images})" if images else note, recorded, extra=[leaf])
        if source == "self":
            return self._arrays(path, f"{note}: the dataset itself", recorded)
        images = self.plan.reference_images(SimpleNamespace(checkpoint=checkpoint))
        return self._arrays(path, note, recorded, images=images)

    def _checkpoint(self, path: str, name: str, recorded: str) -> Node:
        entry = catalogue("checkpoints").get(name, {})
        note = f"weights of {name}" + (f" ({entry['paper']})" if "paper" in entry else "")
        shipped = PACKAGE / f"checkpoints/tiny/{name}.safetensors"
        if entry.get("zoo") == "tiny" and shipped.is_file():
            return self._arrays(path, note, recorded, extra=[self._leaf(shipped, "shipped with pedrank")])
        package = str(entry.get("architecture", "")).partition("/")[0]
        made_by = self._metadata(path)[0].get("made_by", {})
        if not made_by.get("inputs") and package in ("timm", "torchvision", "hub"):
            leaf = Node(entry["architecture"], "", f"network and weights as {package} gives them", _version_of(package))
            return self._arrays(path, note, recorded, extra=[leaf])
        return self._arrays(path, note, recorded, downloads=files(entry))

    def _images(self, path: str, dataset: str, recorded: str) -> Node:
        card = catalogue("datasets").get(dataset, {})
        note = f"images of {dataset}, prepared once for all checkpoints"
        if "images" in card:
            made = self._metadata(path)[0].get("made_by", {})
            leaf = self._own_images(path, card, made.get("inputs", {}).get("images", ""))
            return self._arrays(path, note, recorded, extra=[leaf], keep=lambda name: name != "images")
        if files(card):
            return self._arrays(path, note, recorded, downloads=files(card))
        return self._arrays(path, note, recorded, extra=[self._embedded(dataset, card)])

    def _own_images(self, path: str, card: Mapping[str, Any], recorded: str) -> Node:
        """A user's own images, known by a fingerprint of their names, sizes and times."""
        from pedrank.user_data.images import fingerprint as names_and_sizes

        folder = str(card["images"])
        note = f"images of your own; fingerprint of their names, sizes and times when prepared: {recorded}"
        changed = False
        with suppress(InputError, OSError):  # the images need not be here any more
            changed = self.check and names_and_sizes(Path(folder), card["metric"] == "none") != recorded
        said = f"{folder}: these images have changed since {path} was made from them; {_REMEDY}"
        return Node(folder, "", note, warnings=(said,) if changed else ())

    def _embedded(self, dataset: str, card: Mapping[str, Any]) -> Node:
        """The origin of a dataset that needs no download: a file of this package, or another package."""
        shipped = PACKAGE / f"datasets/embedded/{dataset}.webp"
        source = str(card.get("source", ""))
        if shipped.is_file():
            return self._leaf(
                shipped, source if "shipped with pedrank" in source else f"shipped with pedrank: {source}"
            )
        package = source.partition("'s ")[0]
        note = f"from the package {package}: {source}; the sha256 is that of images, labels and split"
        return Node(f"{package} ({dataset})", str(card.get("sha256", "")), note, _version_of(package))

    def _download(self, file: str, recorded: str) -> Node:
        """The record of a downloaded file."""
        path = f"results/downloads/{file}.sha256"
        with suppress(OSError, IndexError, UnicodeDecodeError):
            found = self.locate(path).read_text(encoding="utf-8").split()[0]
            changed = f"{path}: {file} has been fetched again: its sha256 was {recorded}, is {found}; {_REMEDY}"
            kept = "" if self.locate(path.removesuffix(".sha256")).exists() else "; the file itself is no longer there"
            note = f"record of the download {file}; the sha256 is that of the file{kept}"
            return Node(path, found, note, warnings=(changed,) if recorded and found != recorded else ())
        note = f"download {file}; the sha256 is that of the file when it was converted"
        return Node(path, recorded, note, warnings=(f"{path}: the record of this download is missing",))

    def _runs(self, dataset: str, checkpoint: str) -> Node:
        """The rows of a checkpoint in the table of fine-tuning runs, and the records of these runs."""
        folder = f"{self.study}/finetune/{dataset}/{checkpoint}"
        found = {file.name for file in self.locate(folder).glob("*.json")}
        validations = {name for name in found if name.startswith("validation-") and not name.endswith(".timing.json")}
        tests = {f"test-seed{seed}.json" for seed in self.plan.protocol.seeds}  # others are left from another study
        names = sorted(validations | (tests & found))
        runs = [
            self._remember(f"{folder}/{name}", partial(self._run, f"{folder}/{name}", dataset, checkpoint))
            for name in names
        ]
        path = f"{self.study}/finetune/{dataset}.csv#{checkpoint}"
        return self._node(path, f"fine-tuning runs of {checkpoint} on {dataset}", {}, runs)

    def _run(self, path: str, dataset: str, checkpoint: str) -> Node:
        record = self._json(path)[0]
        if not isinstance(record, dict) or "stage" not in record or "options" not in record:
            return self._node(path, "not the record of a run", {})
        images = self.plan.seen_images(SimpleNamespace(dataset=dataset, checkpoint=checkpoint))
        known = {"images": images, "checkpoint": f"results/checkpoints/{checkpoint}.safetensors"}
        if "source" in record:
            known["source"] = f"results/data/{dataset}/images-{self.plan.config['finetune']['crop_from']}.safetensors"
        inputs = {file: record.get(name, "") for name, file in known.items()}
        others = {
            name: value for name, value in record["options"].items() if name not in ("learning_rate", "weight_decay")
        }
        made = {"pedrank": record.get("pedrank", ""), "options": others}  # the note names the point
        return self._node(path, _of_run(record), inputs, made=made)

    # --- Nodes --------------------------------------------------------------------------------------------------------

    def _remember(self, path: str, make: Callable[[], Node]) -> Node:
        if path not in self._known:
            self._known[path] = make()
        return self._known[path]

    def _made(self, path: str, note: str, made: Mapping[str, Any]) -> Node:
        return self._node(path, note, made.get("inputs", {}), made=made)

    def _arrays(
        self,
        path: str,
        note: str,
        recorded: str,
        extra: Sequence[Node] = (),
        images: str = "",
        downloads: Mapping[str, Any] | None = None,
        keep: Callable[[str], bool] = bool,
    ) -> Node:
        """A safetensors file, whose header says what made it.

        Args:
            path: Its path.
            note: Its content.
            recorded: The sha256 that it had when another file was made from it.
            extra: Inputs that its header does not name.
            images: The prepared images that the file was made from; empty where it was made from none.
            downloads: Files of the catalogue; recorded inputs of these names are downloads.
            keep: Selects recorded inputs by their names.
        """
        metadata, _ = self._metadata(path)
        made = metadata if "inputs" in metadata else metadata.get("made_by") or {}
        inputs = {name: found for name, found in made.get("inputs", {}).items() if keep(name)}
        fetched = [self._download(name, found) for name, found in inputs.items() if name in (downloads or {})]
        inputs = {name: found for name, found in inputs.items() if name not in (downloads or {})}
        if images and images not in inputs:  # images of gigabytes are known by what made them
            by = made.get("images")
            inputs[images] = hashlib.sha256(json.dumps(by, sort_keys=True).encode()).hexdigest() if by else ""
        return self._node(path, note, inputs, [*fetched, *extra], made=made, recorded=recorded)

    def _node(
        self,
        path: str,
        note: str,
        inputs: Mapping[str, str],
        extra: Sequence[Node] = (),
        made: Mapping[str, Any] | None = None,
        recorded: str = "",
    ) -> Node:
        """A node whose inputs are files with a recorded hash (which may be empty), and the nodes of `extra`."""
        made = made or {}
        children = [*(self.file(name, found) for name, found in inputs.items()), *extra]
        was = {name: found for name, found in ({**made.get("inputs", {}), **inputs}).items() if found}
        found, known = self._hash(path, recorded)
        return Node(
            path,
            found,
            note if not known else f"{note}; known by what it was made from, fingerprint {known}",
            str(made.get("pedrank", "")),
            made.get("options", {}),
            tuple(self._warnings(path, children, was)),
            tuple(children),
            was,
        )

    def _leaf(self, path: Path, note: str) -> Node:
        name = name_in_repository(path)
        return self._remember(name, lambda: Node(name, artefacts.sha256(path) if path.is_file() else "", note))

    def _hash(self, path: str, recorded: str) -> tuple[str, str]:
        """The sha256 of a file, or else the fingerprint of prepared images, which say what they were made from."""
        file = self.locate(path)
        if path.startswith("results/data/") and self._metadata(path)[0].get("made_by"):
            return "", fingerprint(file)
        if recorded and not self.check:
            return recorded, ""
        return artefacts.sha256(file) if file.is_file() else "", ""

    def _warnings(self, path: str, children: Sequence[Node], was: Mapping[str, str]) -> Iterator[str]:
        file = self.locate(path)
        if not file.exists():
            yield f"{path}: this file is missing; {_REMEDY}"
        if not self.check:
            return
        if damage := _damage(file):
            yield damage
        for child in children:
            now = child.sha256 or self._hash(child.path, "")[1]
            if child.path in was and now and now != was[child.path]:
                yield (
                    f"{child.path}: changed since {path} was made from it: its sha256 was {was[child.path]}, is {now}; "
                    f"{_REMEDY}"
                )

    def _metadata(self, path: str) -> tuple[dict[str, Any], str]:
        if path not in self._content:
            try:
                self._content[path] = artefacts.read_metadata(self.locate(path)), ""
            except InputError as error:
                self._content[path] = {}, str(error)
        return self._content[path]

    def _json(self, path: str) -> tuple[Any, str]:
        """The content of a JSON file, also where its seal is broken, which is a warning and no error here."""
        if path not in self._content:
            file = self.locate(path)
            try:
                self._content[path] = artefacts.read_json(file), ""
            except InputError as error:
                content: Any = {}
                with suppress(OSError, ValueError, RecursionError):
                    content = json.loads(file.read_text(encoding="utf-8"))
                self._content[path] = content, str(error)
        return self._content[path]


def _of_run(record: Mapping[str, Any]) -> str:
    options = record["options"]
    point = f"learning rate {options.get('learning_rate')}, weight decay {options.get('weight_decay')}"
    if record.get("spared"):
        return f"{record['stage']} run, seed {record.get('seed')}: left out, because the rank was already certain"
    result = "diverged" if record.get("diverged") else f"{record.get('accuracy', float('nan')):.2f} %"
    chosen = "; the point that validation chose" if record["stage"] == "test" else ""
    return f"{record['stage']} run, seed {record.get('seed')}, {point}: {result}{chosen}"


def _of_table(path: str) -> str:
    kind = (
        "accuracies" if "/ground_truth/" in path else "scores of the baselines" if "/baselines/" in path else "scores"
    )
    return f"{kind} of all checkpoints on {Path(path).stem}"


def _damage(file: Path) -> str:
    """The line that says that a file is not what was written; empty where it is, or has no seal."""
    try:
        if file.suffix == ".safetensors" and file.is_file():
            artefacts.read_metadata(file)
            check_arrays(file)
        elif file.suffix == ".json" and file.is_file():
            artefacts.read_json(file)
        elif file.is_file():
            check_beside(file)
    except InputError as error:
        return str(error)
    return ""


def _version_of(package: str) -> str:
    with suppress(installed.PackageNotFoundError, ValueError):
        return f"{package} {installed.version(package)} is installed"
    return ""
