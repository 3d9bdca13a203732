"""From a cell of Table 1 back to its inputs: the value, its formulas and options, and the files of each checkpoint."""

from __future__ import annotations

import inspect
import json
import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.evaluation.correlation import weighted_tau
from pedrank.evaluation.names import (
    BASE,
    CONSENSUS,
    IMAGENET,
    MEAN,
    ORACLE,
    PRIOR,
    RANDOM,
    STATIC_RANKER,
    WITHOUT_FEATURES,
)
from pedrank.formats.yaml_file import read_yaml
from pedrank.metrics import get_metric
from pedrank.refinements import get_refinement
from pedrank.report import text
from pedrank.store.artefacts import read_csv
from pedrank.study.plan import Plan
from pedrank.study.plugins import load_plugin
from pedrank.study.trace_files import FileTracer, Node, walk
from pedrank.utils.errors import InputError, nearest
from pedrank.utils.paths import name_in_repository

if TYPE_CHECKING:
    import pandas as pd

_SAME = 1e-9  # relative difference that rounding explains
_OF_REFINEMENT = {  # sources of the equations of the built-in refinements
    "ped": "Li et al., ICCV 2023, section 3.3, Alg. 1, Eq. 4-7",
    "ped_overlap": "Li et al., ICCV 2023, section 3.3, Alg. 1; lambda by the share of pairs that overlap",
    "sa": "Khoba et al. 2025, the step Attract as released",
}
_TITLES = {
    "ped": "Potential Energy Decline (PED)",
    "ped_overlap": "Potential Energy Decline (PED), λ by overlap",
    "sa": "Spread-Attract (SA)",
}
_CHOICES = {
    CONSENSUS: "lambda for which the metric's ranking agrees best with the rankings of all metrics on raw features",
    ORACLE: "lambda with the highest tau_w on the dataset, chosen in hindsight",
}
_BASELINES = {
    STATIC_RANKER: ("pedrank/evaluation/baselines.py", "mean accuracy of a checkpoint on the other datasets"),
    IMAGENET: ("pedrank/ranking/known_weights.py", "published ImageNet top-1 accuracy of a checkpoint"),
    PRIOR: ("pedrank/ranking/prior.py", "mean z-score of published accuracies on other datasets, or ImageNet accuracy"),
    RANDOM: (
        "pedrank/evaluation/baselines.py",
        "the same score for every checkpoint; the interval contains 95 % of random rankings",
    ),
}


@dataclass(frozen=True)
class Value:
    """The printed value of a cell: a row of summary.csv.

    Attributes:
        tau_w: Weighted Kendall tau.
        ci_low, ci_high: Its 95 % bootstrap interval over checkpoints.
        p_value, p_holm: One-sided permutation test against chance, and the same with Holm's correction over datasets.
        n: Number of checkpoints.
        chosen: The refinement that was chosen, for "ped-consensus" and "ped-oracle"; else empty.
        recomputed: `tau_w` computed anew from the scores and accuracies of the trace; NaN for a single checkpoint.
    """

    tau_w: float
    ci_low: float
    ci_high: float
    p_value: float
    p_holm: float
    n: int
    chosen: str
    recomputed: float


@dataclass(frozen=True)
class Formula:
    """A step of the computation: its role, its title, the file that computes it, and the paper and equations."""

    role: str
    title: str
    file: str
    source: str


@dataclass(frozen=True)
class Origin:
    """One checkpoint in a cell: its numbers, and the files behind them.

    Attributes:
        checkpoint: Its name.
        score: The published form of the metric.
        rank_score: The form that ranks; higher is better.
        accuracy: In percent; None if the study has no ground truth.
        sd: Standard deviation of the accuracy over seeds, in points; NaN if unknown.
        score_file: The file of the score; None for the random ranking, which has no scores.
        accuracy_file: The row of the ground truth.
    """

    checkpoint: str
    score: float
    rank_score: float
    accuracy: float | None
    sd: float | None
    score_file: Node | None
    accuracy_file: Node | None


@dataclass(frozen=True)
class Trace:
    """A cell of Table 1 and everything behind it.

    Attributes:
        study, metric, refinement, dataset: Names of the cell.
        value: The printed value; None in a study without ground truth.
        formulas: Steps of the computation, with file and equation.
        options: Options by step.
        summary: The cell's row in summary.csv; None in a study without ground truth.
        checkpoints: Numbers and files of each checkpoint; empty for the dataset "mean".
        parts: For the dataset "mean", the traces of the datasets; else empty.
        warnings: Damaged files, files that have changed since others were made from them, and numbers that disagree.
    """

    study: str
    metric: str
    refinement: str
    dataset: str
    value: Value | None
    formulas: tuple[Formula, ...]
    options: Mapping[str, Mapping[str, Any]]
    summary: Node | None
    checkpoints: tuple[Origin, ...]
    parts: tuple[Trace, ...]
    warnings: tuple[str, ...]


_OF_VALUE = (
    Formula(
        "value",
        "weighted Kendall tau",
        "pedrank/evaluation/weighted_tau.py",
        "Vigna 2015: a pair weighs 1/(r_i + 1) + 1/(r_j + 1)",
    ),
    Formula("interval", "95 % bootstrap interval", "pedrank/evaluation/intervals.py", "checkpoints are resampled"),
    Formula("p-value", "permutation test", "pedrank/evaluation/permutation.py", "one-sided, against random rankings"),
)


def trace_cell(
    results: Path, study: str, metric: str, refinement: str, dataset: str, checkpoint: str | None = None
) -> Trace:
    """Trace one cell of Table 1 of a finished study back to its inputs.

    Args:
        results: The folder `results/` that holds the study.
        study: Name of the study.
        metric: A metric or baseline of the study, "static-ranker", "imagenet-accuracy", "prior" or "random".
        refinement: A refinement of the study, "none", "ped-consensus" or "ped-oracle".
        dataset: A dataset of the study, or "mean".
        checkpoint: Only this checkpoint; all of them if None.

    Returns:
        The trace. Recorded hashes are compared with the files as they are now; each difference is a warning.

    Raises:
        InputError: A name is unknown, or the study is not finished.
    """
    cells = _Cells(results, study, check=True)
    return cells.trace(metric, refinement, dataset, checkpoint)


def trace_study(results: Path, study: str) -> list[Trace]:
    """Trace every cell of Table 1, row by row.

    Hashes are those that were recorded, and are not compared with the files: the workflow does so before it runs.

    Args:
        results: The folder `results/` that holds the study.
        study: Name of the study.

    Returns:
        One trace per row of summary.csv, in its order.

    Raises:
        InputError: The study is not finished, or has no ground truth.
    """
    cells = _Cells(results, study, check=False)
    if cells.plan.ranked:
        raise InputError(
            f"study '{study}' has no ground truth, so it has no Table 1; trace a score with `pedrank trace`"
        )
    return [cells.trace(*key) for key in cells.keys]


def plain(traces: Sequence[Trace]) -> dict[str, Any]:
    """Traces as plain values, as JSON holds them: `cells`, and `files` by path, each once.

    NaN becomes None. A file names the paths of the files that it was made from, and the hash that was recorded of each.
    """
    nodes = [node for trace in traces for node in _roots(trace)]
    found = {
        node.path: {
            "sha256": node.sha256,
            "note": node.note,
            "version": node.version,
            "options": dict(node.options),
            "warnings": list(node.warnings),
            "inputs": [{"path": each.path, "recorded": node.recorded.get(each.path)} for each in node.children],
        }
        for node in walk(*nodes)
    }
    return {"cells": [_plain_cell(trace) for trace in traces], "files": found}


def _plain_cell(trace: Trace) -> dict[str, Any]:
    checkpoints = [
        {
            "checkpoint": each.checkpoint,
            "score": _number(each.score),
            "rank_score": _number(each.rank_score),
            "accuracy": _number(each.accuracy),
            "sd": _number(each.sd),
            "score_file": each.score_file.path if each.score_file else None,
            "accuracy_file": each.accuracy_file.path if each.accuracy_file else None,
        }
        for each in trace.checkpoints
    ]
    value = {key: _number(number) for key, number in asdict(trace.value).items()} if trace.value else None
    return {
        "study": trace.study,
        "metric": trace.metric,
        "refinement": trace.refinement,
        "dataset": trace.dataset,
        "value": value,
        "formulas": [asdict(each) for each in trace.formulas],
        "options": {name: dict(options) for name, options in trace.options.items()},
        "summary_file": trace.summary.path if trace.summary else None,
        "checkpoints": checkpoints,
        "parts": [_plain_cell(part) for part in trace.parts],
        "warnings": list(trace.warnings),
    }


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _roots(trace: Trace) -> Iterator[Node]:
    """The nodes that a trace starts from."""
    if trace.summary:
        yield trace.summary
    for each in trace.checkpoints:
        yield from (node for node in (each.score_file, each.accuracy_file) if node)
    for part in trace.parts:
        yield from _roots(part)


class _Cells:
    """The cells of one study, which share what is read of its files."""

    def __init__(self, results: Path, study: str, check: bool) -> None:
        self.results, self.study = results, study
        self.config = _config(results, study)
        self.plan = Plan(self.config)
        self.files = FileTracer(results, self.plan, check)
        self.folder = results / study
        self.broken: list[str] = []  # tables that are not what was written
        self.complaints: list[str] = []  # scores that differ from the table that has them
        self._rows: dict[Path, dict[tuple[str, ...], Mapping[str, Any]]] = {}
        self.rows: dict[tuple[str, ...], Mapping[str, Any]] = {}
        if self.plan.ranked:
            methods: list[tuple[str, str]] = [
                *((name, each) for name in self.config["metrics"] for each in self.plan.refinements)
            ]
            methods += [(name, BASE) for name in self.config["baselines"]]
            self.keys: list[tuple[str, ...]] = [
                (*method, dataset) for method in methods for dataset in self.config["datasets"]
            ]
        else:
            self.rows = self._table(self.folder / "summary.csv", "metric", "refinement", "dataset")
            self.keys = list(self.rows)

    def trace(self, metric: str, refinement: str, dataset: str, checkpoint: str | None = None) -> Trace:
        self._check(metric, refinement, dataset, checkpoint)
        before = len(self.complaints)
        parts: tuple[Trace, ...] = ()
        origins: list[Origin] = []
        if dataset == MEAN:
            parts = tuple(self.trace(metric, refinement, each, checkpoint) for each in self.config["datasets"])
        else:
            origins = self._origins(metric, refinement, dataset, checkpoint)
        value = self._value(metric, refinement, dataset, origins, parts)
        summary = self._summary(metric, refinement, dataset) if value else None
        formulas = tuple(self._formulas(metric, refinement, value))
        options = self._options(metric, refinement, value)
        found = Trace(
            self.study, metric, refinement, dataset, value, formulas, options, summary, tuple(origins), parts, ()
        )
        warnings = [warning for node in walk(*_roots(found)) for warning in node.warnings]
        warnings += [*self.broken, *self.complaints[before:], *self._differences(found)]
        return Trace(**{**vars(found), "warnings": tuple(dict.fromkeys(warnings))})

    def _check(self, metric: str, refinement: str, dataset: str, checkpoint: str | None) -> None:
        """Raise InputError unless the study has the cell."""
        metrics = list(dict.fromkeys(key[0] for key in self.keys))
        _known("metric", metric, metrics, f"study '{self.study}'")
        refinements = list(dict.fromkeys(key[1] for key in self.keys if key[0] == metric))
        _known("refinement", refinement, refinements, f"metric '{metric}'")
        datasets = list(dict.fromkeys(key[2] for key in self.keys))
        _known("dataset", dataset, datasets, f"study '{self.study}'")
        if checkpoint is not None:
            _known("checkpoint", checkpoint, self.config["checkpoints"], f"study '{self.study}'")

    # --- The parts of a trace -----------------------------------------------------------------------------------------

    def _origins(self, metric: str, refinement: str, dataset: str, only: str | None) -> list[Origin]:
        names = [only] if only else self.config["checkpoints"]
        used = self._used(metric, refinement, dataset)
        return [self._origin(metric, used, dataset, name) for name in names]

    def _used(self, metric: str, refinement: str, dataset: str) -> str:
        """The refinement that was scored: where one is chosen, the chosen one."""
        chosen = self.rows.get((metric, refinement, dataset), {}).get("chosen")
        return chosen if isinstance(chosen, str) and chosen else refinement

    def _origin(self, metric: str, refinement: str, dataset: str, checkpoint: str) -> Origin:
        accuracy, sd, accuracy_file = self._accuracy(dataset, checkpoint)
        if metric == RANDOM:
            return Origin(checkpoint, 0.0, 0.0, accuracy, sd, None, accuracy_file)
        if metric == STATIC_RANKER:
            others = [self._accuracy(each, checkpoint) for each in self.config["datasets"] if each != dataset]
            mean = math.fsum(each[0] for each in others if each[0] is not None) / len(others)
            files = tuple(each[2] for each in others if each[2] is not None)
            note = f"mean accuracy of {checkpoint} on the other datasets"
            node = Node(f"{checkpoint} without {dataset}", "", note, children=files)
            return Origin(checkpoint, mean, mean, accuracy, sd, node, accuracy_file)
        score, rank_score = self._score(metric, refinement, dataset, checkpoint)
        node = self.files.score(metric, refinement, dataset, checkpoint)
        return Origin(checkpoint, score, rank_score, accuracy, sd, node, accuracy_file)

    def _score(self, metric: str, refinement: str, dataset: str, checkpoint: str) -> tuple[float, float]:
        """Score and rank_score from the table of the dataset, compared with the score's own file."""
        folder = self._score_folder(metric)
        path = self.folder / folder / f"{dataset}.csv"
        row = self._table(path, "checkpoint", "metric", "refinement").get((checkpoint, metric, refinement))
        found = (_real(row.get("score")), _real(row.get("rank_score"))) if row is not None else (math.nan, math.nan)
        if folder == "scores":
            own = self.files.score_record(metric, refinement, dataset, checkpoint).get("rank_score")
            if not _same(_real(own), found[1]):
                file, part = self.files.score_path(metric, refinement, dataset, checkpoint)
                self.complaints.append(
                    f"{file}{part}: rank_score {own} here, {found[1]} in results/{self.study}/scores/{dataset}.csv; "
                    "run the study again"
                )
        return found

    def _score_folder(self, metric: str) -> str:
        """The folder of the tables that hold a metric's scores."""
        if metric in (IMAGENET, PRIOR):
            return "scores/prior"
        return "scores/baselines" if metric in self.config["baselines"] else "scores"

    def _accuracy(self, dataset: str, checkpoint: str) -> tuple[float | None, float | None, Node | None]:
        if self.plan.ranked:
            return None, None, None
        row = self._table(self.folder / f"ground_truth/{dataset}.csv", "checkpoint").get((checkpoint,))
        if row is None:
            return None, None, None
        accuracy, sd = _real(row.get("accuracy")), _real(row.get("sd"))
        said = f"{text.accuracy(accuracy, sd)} %"
        if _real(row.get("seeds")) > 1:
            said += f", mean and standard deviation over {int(row['seeds'])} seeds"
        if self.config["ground_truth"]["source"] == "finetune":
            runs = self.files.test_accuracies(dataset, checkpoint)
            mean = math.fsum(runs) / len(runs) if runs else math.nan
            if not _same(mean, accuracy):
                self.complaints.append(
                    f"results/{self.study}/ground_truth/{dataset}.csv: accuracy {accuracy} of {checkpoint}, but the "
                    f"mean of its {len(runs)} test runs is {mean}; run the study again"
                )
        return accuracy, sd, self.files.accuracy(dataset, checkpoint, said)

    def _value(
        self, metric: str, refinement: str, dataset: str, origins: Sequence[Origin], parts: Sequence[Trace]
    ) -> Value | None:
        row = self.rows.get((metric, refinement, dataset))
        if row is None:
            return None
        numbers = {name: _real(row.get(name)) for name in ("tau_w", "ci_low", "ci_high", "p_value", "p_holm")}
        recomputed = math.nan
        with suppress(InputError):  # undefined for ties (as the random ranker's), and for a single checkpoint
            if parts:
                recomputed = math.fsum(part.value.recomputed for part in parts if part.value) / len(parts)
            else:
                recomputed = weighted_tau(
                    np.array([each.rank_score for each in origins]), np.array([each.accuracy for each in origins])
                )
        chosen = row["chosen"] if isinstance(row["chosen"], str) else ""
        return Value(**numbers, n=int(row["n"]), chosen=chosen, recomputed=recomputed)

    def _summary(self, metric: str, refinement: str, dataset: str) -> Node:
        """summary.csv with those of its inputs that concern the cell."""
        folder = self._score_folder(metric)
        datasets = self.config["datasets"] if dataset == MEAN or metric == STATIC_RANKER else [dataset]
        scores = [] if metric in (STATIC_RANKER, RANDOM) else [f"{folder}/{name}.csv" for name in datasets]
        tables = [*scores, *(f"ground_truth/{name}.csv" for name in datasets)]
        wanted = {f"results/{self.study}/{each}" for each in tables}
        path = f"results/{self.study}/summary.csv#{metric}/{refinement}/{dataset}"
        return self.files.table(path, "value, interval and tests of the cell", wanted.__contains__)

    def _differences(self, trace: Trace) -> Iterator[str]:
        """Numbers that disagree although each file is whole."""
        value = trace.value
        if value and not math.isnan(value.recomputed) and not _same(value.recomputed, value.tau_w):
            yield (
                f"results/{self.study}/summary.csv: weighted tau {value.tau_w} on {trace.dataset}, but "
                f"{value.recomputed} from the scores and accuracies; run the study again"
            )

    def _formulas(self, metric: str, refinement: str, value: Value | None) -> Iterator[Formula]:
        if value:
            yield from _OF_VALUE
        if metric in _BASELINES:
            yield Formula("score", text.metric(metric), *_BASELINES[metric])
            return
        yield _formula_of_metric(metric, self.config["plugins"])
        if refinement in _CHOICES:
            yield Formula("choice", refinement, "pedrank/evaluation/result.py", _CHOICES[refinement])
        by = self.plan.refinements.get(refinement, {}).get("by", "ped")
        if refinement != BASE:
            yield _formula_of_refinement(by, self.config["plugins"])

    def _options(self, metric: str, refinement: str, value: Value | None) -> dict[str, dict[str, Any]]:
        """Options of the metric, defaults included, and of the other steps as the study gives them."""
        if metric in WITHOUT_FEATURES:
            return {"ground truth": self._ground_truth()} if not self.plan.ranked else {}
        found = {"metric": _defaults(metric) | self.config["metric_options"].get(metric, {})}
        used = value.chosen if value and value.chosen else refinement
        if used in _CHOICES:
            found["refinement"] = {"chosen": "on each dataset", "lambdas": self.config["ped"]["lambdas"]}
        elif used != BASE:
            found["refinement"] = dict(self.plan.refinements[used])
        found["features"] = {**self.config["features"], "image_size": self.config["image_size"]}
        if refinement != BASE:
            found["reference statistics"] = dict(self.config["reference"])
        return found | ({} if self.plan.ranked else {"ground truth": self._ground_truth()})

    def _ground_truth(self) -> dict[str, Any]:
        given = self.config["ground_truth"]
        if given["source"] != "finetune":
            return dict(given)
        protocol = self.plan.protocol
        rates, decays = ({point[axis] for point in protocol.points} for axis in (0, 1))
        grid = {"learning_rates": sorted(rates), "weight_decays": sorted(decays), "seeds": len(protocol.seeds)}
        return {**given, **protocol.training, **grid}

    def _table(self, path: Path, *keys: str) -> dict[tuple[str, ...], Mapping[str, Any]]:
        """The rows of a table of the study by these columns."""
        if path not in self._rows:
            records = self._read(path, keys).to_dict("records")
            self._rows[path] = {tuple(str(row[key]) for key in keys): row for row in records}
        return self._rows[path]

    def _read(self, path: Path, columns: Sequence[str]) -> pd.DataFrame:
        """A table of the study, also where its seal is broken, which is a warning and no error here."""
        if not path.is_file():
            remedy = "run the same command again, which continues the study"
            raise InputError(f"study '{self.study}' is not finished: no file {path}; {remedy}")
        try:
            return read_csv(path, columns)
        except InputError as error:
            import pandas as pd

            self.broken.append(str(error))
            try:
                found = pd.read_csv(path, keep_default_na=False, na_values=[""])
            except ValueError:
                raise error from None
            if not set(columns) <= set(found.columns):
                raise
            return found


def _config(results: Path, study: str) -> dict[str, Any]:
    """The configuration of a study; its catalogue is in use afterwards, and its plugins are loaded."""
    studies = sorted(path.parent.name for path in results.glob("*/config.yaml"))
    if study not in studies:
        rank = Path("pedrank-results/results")
        elsewhere = f"`make quickstart` makes one; `pedrank rank` puts its studies below {rank}"
        remedy = (
            nearest(study, studies) if studies else f"no study is there; {elsewhere}: give that folder as --results"
        )
        if (rank / study / "config.yaml").is_file():
            remedy = f"add --results {rank}"
        raise InputError(f"unknown study '{study}' in {results}; {remedy}")
    config = read_yaml(results / study / "config.yaml")
    if "catalogue" in config:
        given = results.parent / config["catalogue"]
        beside = results.parent / given.name  # where `pedrank rank` puts it, should the folder have moved
        os.environ["PEDRANK_CATALOGUE"] = str((given if given.is_file() else beside).resolve())
    for plugin in config.setdefault("plugins", []):
        with suppress(InputError):  # the trace then says that a plugin defines the metric
            load_plugin(results.parent / plugin)
    for part, default in (("baselines", []), ("metric_options", {}), ("ped", {"lambdas": []})):
        config.setdefault(part, default)
    return config


def _known(kind: str, name: str, known: Collection[str], where: str) -> None:
    if name not in known:
        alike = nearest(name if name in known else name.lower(), known)
        raise InputError(f"unknown {kind} '{name}' of {where}; {alike}")


def _real(value: Any) -> float:
    """A number of a file that may be damaged; NaN for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * max(1.0, abs(one)) or (math.isnan(one) and math.isnan(other))


def _formula_of_metric(name: str, plugins: Sequence[str]) -> Formula:
    try:
        found = get_metric(name)
    except InputError:
        return Formula("score", name, ", ".join(plugins), "a plugin of your own, which is missing now")
    said = (found.function.__doc__ or "").strip().splitlines() or [""]
    title, paper = getattr(found, "title", ""), getattr(found, "paper", "")
    return Formula("score", title or text.metric(name), _file_of(found.function), paper or said[0])


def _formula_of_refinement(by: str, plugins: Sequence[str]) -> Formula:
    try:
        function = get_refinement(by)
    except InputError:
        return Formula("refinement", by, ", ".join(plugins), "a plugin of your own, which is missing now")
    said = (function.__doc__ or "").strip().splitlines() or [""]
    title = _TITLES.get(by, by)
    return Formula("refinement", title, _file_of(function), _OF_REFINEMENT.get(by, said[0]))


def _file_of(function: Any) -> str:
    return name_in_repository(Path(inspect.unwrap(function).__code__.co_filename))


def _defaults(metric: str) -> dict[str, Any]:
    """The keyword options of a metric with their defaults."""
    with suppress(InputError, ValueError):
        given = list(inspect.signature(get_metric(metric).function).parameters.values())[1:]
        found = {each.name: each.default for each in given if each.default is not inspect.Parameter.empty}
        return json.loads(json.dumps(found, default=str))
    return {}
