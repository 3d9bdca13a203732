"""The plan of a study: names, paths, parameters and digests of its rules, computed from its configuration.

rules/*.smk say what depends on what. Everything that they compute is here, typed and tested without Snakemake. A method
whose argument is `wildcards` is an input or params function of a rule: its argument has one attribute per wildcard.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pedrank.catalogue.architecture import code_of
from pedrank.catalogue.catalogue import catalogue, converter, files, reader
from pedrank.catalogue.crop import crop_name
from pedrank.finetune.protocol import EVERYBODYS_SEEDS, Point, Protocol, point_name, protocol
from pedrank.metrics import bytes_needed
from pedrank.networks.build import builder
from pedrank.pretrain.recipe import recipe_of
from pedrank.ranking.costs import cost
from pedrank.ranking.known_weights import imagenet_accuracy, weights_key
from pedrank.ranking.prior_rows import TABLES, prior_rows
from pedrank.refinements import BUILT_IN
from pedrank.report import CROSS_DATASET_FIGURES
from pedrank.store.artefacts import atomic, read_arrays, sha256
from pedrank.store.digest import code_digest
from pedrank.study.names import fill, finetuned, is_ranked, refinements
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, PUBLISHED, in_repository, name_in_repository

# Two Snakemake processes (125 MB each) stand around a Slurm job, within its memory (measured: docs/clusters.md).
SNAKEMAKE_MB = 300

# Card fields that affect prepared images: all but URLs, titles and the name of the accuracy.
_CARD_WORDS = ("files", "title", "metric")
# Entry fields that affect converted weights.
_WEIGHT_FIELDS = (
    "architecture",
    "padding",
    "normalisation",
    "format",
    "unwrap",
    "prefix",
    "drop",
    "pretrained",
    "pretrain",
)
# Keys of a configuration that change no result: paths, whose content counts, and where files are fetched.
_PATHS = ("catalogue", "mirror", "plugins")
# PED's options that the ablation does not vary itself: a longer list of lambdas changes none of its numbers.
_SWEPT_PED = ("dt", "k", "max_steps", "exit_ratio", "mode")


class Plan:
    """A study as the rules see it."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Plan a study whose configuration is checked and has all defaults (`pedrank.study.config.check_study`)."""
        self.config = config

    # --- What the study consists of -----------------------------------------------------------------------------------

    @cached_property
    def ranked(self) -> bool:
        """Whether checkpoints are ranked without ground truth."""
        return is_ranked(self.config)

    @cached_property
    def finetuned(self) -> list[str]:
        """The checkpoints that are fine-tuned: all, or those that confirm a ranking."""
        return finetuned(self.config)

    @cached_property
    def budget(self) -> float:
        """Seconds for a race of the fine-tuned checkpoints; 0 where all of them are fine-tuned with all seeds."""
        return self.config["ground_truth"].get("budget", 0) if self.ranked else 0

    @cached_property
    def keeps(self) -> bool:
        """Whether the weights of the winner among the fine-tuned checkpoints are kept."""
        return self.ranked and bool(self.finetuned) and self.config["ground_truth"].get("keep", False)

    @cached_property
    def refinements(self) -> dict[str, dict[str, Any]]:
        """All refinements by name, "none" among them, with the arguments of `pedrank.refinements.move`."""
        return refinements(self.config)

    @cached_property
    def refined(self) -> dict[str, dict[str, Any]]:
        """The refinements but "none"."""
        return {name: options for name, options in self.refinements.items() if name != "none"}

    @cached_property
    def crops(self) -> dict[str, str]:
        """By checkpoint, the crop of the images that its network sees."""
        entries = catalogue("checkpoints")
        return {name: crop_name(entries[name], self.config["image_size"]) for name in self.config["checkpoints"]}

    @cached_property
    def one_job(self) -> bool:
        """Whether one job takes all checkpoints: where start-up dominates, and all see the same images."""
        return bool(self.config["together"]) and len(set(self.crops.values())) == 1

    @cached_property
    def checkpoints_per_job(self) -> list[str]:
        """Checkpoints per job: one, named by a wildcard, or all."""
        return list(self.config["checkpoints"]) if self.one_job else ["{checkpoint}"]

    @cached_property
    def feature_datasets(self) -> list[str]:
        """Datasets whose features a user has computed."""
        return [name for name in self.config["datasets"] if "features" in catalogue("datasets")[name]]

    @cached_property
    def image_datasets(self) -> list[str]:
        """Datasets with images."""
        return [name for name in self.config["datasets"] if name not in self.feature_datasets]

    @cached_property
    def own_reference(self) -> bool:
        """Whether features are rescaled by the statistics of the dataset's own features."""
        return self.config["reference"]["source"] == "self"

    @cached_property
    def reference(self) -> str:
        """The file of a checkpoint's reference statistics, as a pattern."""
        return f"results/{{study}}/reference/{'{dataset}/' if self.own_reference else ''}{{checkpoint}}.safetensors"

    @cached_property
    def metric_folder(self) -> str:
        """The metric's part of the path of a score job's log."""
        return "" if self.config["metrics_together"] else "{metric}/"

    @cached_property
    def extra_figures(self) -> list[str]:
        """Figures beside those of what PED does."""
        return [*(f"scatter-{name}" for name in self.config["datasets"]), *CROSS_DATASET_FIGURES]

    @cached_property
    def tables(self) -> list[str]:
        """The study's tables; the published Table 1 stands beside ours where the paper's checkpoints are compared."""
        zoos = {catalogue("checkpoints")[name]["zoo"] for name in self.config["checkpoints"]}
        published = ["table1-published"] if zoos == {"ssl"} else []
        return ["table1", *published, "table2", "selection", "ground-truth"]

    @cached_property
    def prior_rows(self) -> list[str]:
        """Rows of published accuracies, if they are known for all checkpoints: ImageNet accuracy, prior."""
        return [] if self.ranked else prior_rows(self._entries, self.config["datasets"])

    @property
    def _entries(self) -> dict[str, dict[str, Any]]:
        return {name: catalogue("checkpoints")[name] for name in self.config["checkpoints"]}

    @cached_property
    def protocol(self) -> Protocol:
        """The runs of each pair of dataset and checkpoint."""
        return protocol(self.config["finetune"])

    @cached_property
    def points(self) -> dict[str, Point]:
        """The grid's points by name."""
        return {point_name(point): point for point in self.protocol.points}

    def write_study(self, folder: Path = Path(".snakemake/pedrank")) -> Path:
        """Write the configuration for the scripts, which take names from it, and return the file.

        The file is named after its content: a dry run of an edited study does not change what running jobs read.
        """
        content = json.dumps(self.config, indent=1, sort_keys=True)
        path = folder / f"{self.config['study']}-{hashlib.sha256(content.encode()).hexdigest()[:12]}.json"
        if not path.exists():
            with suppress(OSError), atomic(path) as temporary:  # where nothing can be written, no job will run
                temporary.write_text(content + "\n", encoding="utf-8")
        return path

    # --- Parts of the configuration as arguments of scripts -----------------------------------------------------------

    def options(self, *keys: str) -> str:
        """A part of the configuration as JSON."""
        part: Any = self.config
        for key in keys:
            part = part[key]
        return _json(part)

    def swept_ped(self) -> str:
        """The options of PED that an ablation takes from the study."""
        return _json({key: self.config["ped"][key] for key in _SWEPT_PED})

    def ablation_settings(self) -> dict[str, Any]:
        """What Figures 4 and 5 need of the configuration: the varied values and the study's own."""
        return {"settings": {"ablation": self.config["ablation"], "ped": json.loads(self.swept_ped())}}

    def metric_options(self, names: Sequence[str]) -> str:
        """Options of these metrics, by name, where they have any."""
        given = self.config["metric_options"]
        return _json({name: given[name] for name in names if name in given})

    def scored(self, wildcards: Any) -> list[str]:
        """The metrics of one score job."""
        return list(self.config["metrics"]) if self.config["metrics_together"] else [wildcards.metric]

    def scored_options(self, wildcards: Any) -> str:
        """Options of the metrics of one score job."""
        return self.metric_options(self.scored(wildcards))

    def megabytes_of(self, metrics: Sequence[str], features: str) -> float:
        """Memory in MB that the most demanding of these metrics needs for a file of features, which is mapped as well.

        Args:
            metrics: Names of the metrics.
            features: The file.

        Raises:
            FileNotFoundError: The file does not exist yet.
            InputError: The file is damaged.
        """
        mapped = Path(features).stat().st_size
        arrays = read_arrays(features, "features", "labels", whole=False)
        (n, d), c = arrays["features"].shape, int(arrays["labels"].max()) + 1
        return (mapped + max(bytes_needed(name, n, d, c) for name in metrics)) / 1e6

    def dataset_card(self, wildcards: Any) -> str:
        """Card fields that affect prepared images; of a user's own images also which files there are."""
        card = catalogue("datasets")[wildcards.dataset]
        kept = {key: card[key] for key in sorted(card) if key not in _CARD_WORDS}
        if "images" in card:
            from pedrank.user_data.images import fingerprint

            kept["images"] = fingerprint(Path(card["images"]), card["metric"] == "none")
        return json.dumps(kept)

    @cached_property
    def user_weights(self) -> list[str]:
        """The converted weights of a user's own files, which hold notes such as that averaged weights were taken."""
        own = [name for name, entry in self._entries.items() if "weights" in entry]
        return [f"results/checkpoints/{name}.safetensors" for name in own]

    def dataset_notes(self, wildcards: Any) -> str:
        """Notes about a user's own data, a JSON list of sentences, such as files that were left out."""
        card = catalogue("datasets")[wildcards.dataset]
        if "images" in card:
            from pedrank.user_data.images import reading_notes

            return json.dumps(reading_notes(Path(card["images"])))
        if "features" in card:
            from pedrank.user_data.feature_files import left_out

            return json.dumps(left_out(Path(card["features"])))
        return "[]"

    def checkpoint_entry(self, wildcards: Any) -> str:
        """Entry fields that affect converted weights, the content of a user's own code, and the stamp of a file."""
        entry = catalogue("checkpoints")[wildcards.checkpoint]
        code = code_of(entry)
        content = {"code": sha256(code[0])} if code and Path(code[0]).is_file() else {}
        return json.dumps(
            {key: entry[key] for key in _WEIGHT_FIELDS if key in entry} | content | stamps(entry.get("weights"))
        )

    def dataset_metric(self, wildcards: Any) -> str:
        """The accuracy that a dataset is judged by."""
        return catalogue("datasets")[wildcards.dataset]["metric"]

    def finetune_search(self) -> str:
        """What decides the search of the grid: not how many seeds follow."""
        return _json(self.config["finetune"] | {"seeds": 1, "early_stopping": False})

    def finetune_training(self) -> str:
        """How every run trains."""
        return _json(dict(self.protocol.training))

    def made_by(self) -> dict[str, Any]:
        """What makes the study's results: configuration, inputs and code, but no paths, which a copy may change."""
        config = {key: value for key, value in self.config.items() if key not in _PATHS}
        by_name = {
            "datasets": (self.dataset_card, "dataset", self.image_datasets),
            "checkpoints": (self.checkpoint_entry, "checkpoint", self.config["checkpoints"]),
        }
        inputs = {
            kind: {name: json.loads(describe(SimpleNamespace(**{field: name}))) for name in names}
            for kind, (describe, field, names) in by_name.items()
        }
        metrics = [*self.config["metrics"], *self.config["baselines"]]
        code = {
            "prepare": self.code("prepare", *(_file_of(reader(name)) for name in self.image_datasets)),
            "features": self.code("features", *self._networks(None)),
            "ped": self.refinements_code("ped", list(self.refined.values())),
            "score": self.metrics_code("score", metrics),
            **({"finetune": code_digest("pedrank/finetune/run.py", *self._networks(None))} if self.finetuned else {}),
        }
        return json.loads(_json({"config": config, **inputs, "code": code}))

    # --- Digests of the code that decides a step's numbers ------------------------------------------------------------

    def code(self, script: str, *modules: str) -> str:
        """Digest of a script, of what it imports, and of `modules` (paths) that it loads by name."""
        return code_digest(f"scripts/{script}.py", *modules)

    def metrics_code(self, script: str, names: Sequence[str]) -> str:
        """Digest of a script that computes these metrics; of a user's plugins where one of them is theirs."""
        return self._by_name(script, {name: f"pedrank/metrics/{name}.py" for name in names})

    def score_code(self, wildcards: Any) -> str:
        """Digest of one score job."""
        return self.metrics_code("score", self.scored(wildcards))

    def refinements_code(self, script: str, options: Sequence[Mapping[str, Any]], metrics: Sequence[str] = ()) -> str:
        """Digest of a script that moves classes with these arguments of `move`, and may compute metrics."""
        movers = [each.get("by", "ped") for each in options]
        modules = {name: f"pedrank/refinements/{BUILT_IN.get(name, name)}.py" for name in movers}
        return self._by_name(script, modules | {name: f"pedrank/metrics/{name}.py" for name in metrics})

    def network_code(self, script: str) -> Callable[[Any], str]:
        """A params function: digest of a script that runs the networks of the job's checkpoints."""
        return lambda wildcards: self.code(script, *self._networks(getattr(wildcards, "checkpoint", None)))

    def run_code(self) -> Callable[[Any], str]:
        """A params function: digest of one run of fine-tuning."""
        return lambda wildcards: code_digest(
            "pedrank/finetune/run.py", *self._networks(getattr(wildcards, "checkpoint", None))
        )

    def dataset_code(self, wildcards: Any) -> str:
        """Digest of the preparation of a dataset: its reader is loaded by name."""
        return self.code("prepare", _file_of(reader(wildcards.dataset)))

    def checkpoint_code(self, wildcards: Any) -> str:
        """Digest of the conversion of a checkpoint: the converter and the network are loaded by name."""
        if "pretrain" in catalogue("checkpoints")[wildcards.checkpoint]:
            return self.code("checkpoint")
        module = converter(wildcards.checkpoint).replace(".", "/") + ".py"
        return self.code("checkpoint", module, *self._networks(wildcards.checkpoint))

    def table_code(self, table: str) -> str:
        """Digest of a table, whose module is loaded by name."""
        return self._titled("table", f"pedrank/report/tables/{table.replace('-', '_')}.py", *_templates())

    def figure_code(self, *figures: str) -> str:
        """Digest of figures, whose modules are loaded by name."""
        return self._titled("figure", *(f"pedrank/report/figures/{name.replace('-', '_')}.py" for name in figures))

    def ranking_code(self) -> str:
        """Digest of a ranking: its table, its figure and its sentences."""
        return self._titled("ranking", *_templates())

    def page_code(self, kind: str) -> str:
        """Digest of a page, whose module is loaded by name."""
        return self._titled("report", f"pedrank/report/pages/{kind}_page.py", *_templates())

    def trace_code(self) -> str:
        """Digest of the page behind Table 1, which names the file of each formula."""
        formulas = self.refinements_code("report", list(self.refined.values()))
        return self.page_code("trace") + self.code("report", "pedrank/study/trace.py") + formulas

    def _titled(self, script: str, *modules: str) -> str:
        """Digest of a script that prints metrics by their titles, which are in the metrics' modules and in plugins."""
        names = [*self.config["metrics"], *self.config["baselines"]]
        titles = {name: f"pedrank/metrics/{name}.py" for name in names}
        return self._by_name(script, titles | {module: module for module in modules})

    def _networks(self, checkpoint: str | None) -> list[str]:
        """The modules that build the networks of one checkpoint, or of all."""
        entries = catalogue("checkpoints")
        chosen = [checkpoint] if checkpoint else self.config["checkpoints"]
        built = {builder(entries[name]["architecture"]) for name in chosen if "architecture" in entries[name]}
        return [f"pedrank/networks/{module}.py" for module in sorted(built)]

    def _by_name(self, script: str, modules: Mapping[str, str]) -> str:
        """Digest of a script and of the modules of these names; of all plugins where one name is no module's."""
        ours = [module for module in modules.values() if in_repository(module).is_file()]
        plugins = "".join(sha256(file)[:16] for file in self.config["plugins"]) if len(ours) < len(modules) else ""
        return self.code(script, *ours) + plugins

    # --- Inputs -------------------------------------------------------------------------------------------------------

    def dataset_inputs(self, wildcards: Any) -> list[str]:
        """What a dataset is made from: records of downloads, or a file that we ship; packages bring the others."""
        shipped = _shipped(f"datasets/embedded/{wildcards.dataset}.webp")
        return shipped or [
            f"results/downloads/{file}.sha256" for file in files(catalogue("datasets")[wildcards.dataset])
        ]

    def checkpoint_inputs(self, wildcards: Any) -> list[str]:
        """What a checkpoint is made from: a file of the user's, one shipped or pre-trained, or records of downloads."""
        entry = catalogue("checkpoints")[wildcards.checkpoint]
        if "pretrain" in entry and entry["zoo"] != "tiny":
            return [f"results/pretrain/{wildcards.checkpoint}.safetensors"]
        _check_braces(Path(entry.get("weights", "")))
        own = (
            [entry["weights"]]
            if "weights" in entry
            else _shipped(f"checkpoints/tiny/{wildcards.checkpoint}.safetensors")
        )
        return own or [f"results/downloads/{file}.sha256" for file in files(entry)]

    def recipe(self, wildcards: Any) -> str:
        """The arguments of scripts/pretrain.py for a checkpoint with a recipe."""
        entry = catalogue("checkpoints")[wildcards.checkpoint]
        if "pretrain" not in entry:
            raise InputError(
                f"results/pretrain/{wildcards.checkpoint}.safetensors: no recipe; its entry has no `pretrain`"
            )
        return " ".join(f"--{name} {shlex.quote(str(value))}" for name, value in vars(recipe_of(entry)).items())

    def reference_input(self, wildcards: Any) -> str:
        """The file of a checkpoint's statistics: published, or shipped with the tiny zoo."""
        folder = self.config["reference"].get("folder")
        if folder:
            return f"{folder}/{wildcards.checkpoint}.safetensors"
        return shipped(PACKAGE / f"checkpoints/tiny/{wildcards.checkpoint}.reference.safetensors")

    def seen_images(self, wildcards: Any) -> str:
        """The prepared images of a dataset as the checkpoint sees them; without that wildcard, as all do."""
        return self._images(wildcards.dataset, wildcards)

    def reference_images(self, wildcards: Any) -> str:
        """The prepared reference images as the checkpoint sees them."""
        return self._images(self.config["reference"]["source"], wildcards)

    def _images(self, dataset: str, wildcards: Any) -> str:
        checkpoint = getattr(wildcards, "checkpoint", self.config["checkpoints"][0])
        return f"results/data/{dataset}/images-{self.crops[checkpoint]}.safetensors"

    def shown(self, template: str) -> str:
        """The file of the pair of dataset and checkpoint in Figure 6."""
        pair = self.config["figures"]["tsne"]
        return fill(template, pair | {"refined": pair["refinement"]})

    def shown_images(self) -> str:
        """The file whose header names the classes of the dataset in Figure 6: images, or else features."""
        shown = self.config["figures"]["tsne"]
        if shown["dataset"] in self.feature_datasets:
            return "results/{{study}}/features/{dataset}/{checkpoint}.safetensors".format(**shown)
        return f"results/data/{shown['dataset']}/images-{self.crops[shown['checkpoint']]}.safetensors"

    def given_features(self, wildcards: Any) -> dict[str, str]:
        """The user's file of features, and the labels beside it where it has none."""
        from pedrank.user_data.feature_files import LABELS, file_of

        file = file_of(Path(catalogue("datasets")[wildcards.dataset]["features"]), wildcards.checkpoint)
        _check_braces(file)
        return {"features": str(file), **({"labels": str(file.with_name(LABELS))} if file.suffix == ".npy" else {})}

    def known_accuracies(self) -> str:
        """The table that accuracies are taken from: the user's own, or the published one."""
        given = self.config["ground_truth"]
        return given["file"] if given["source"] == "file" else shipped(PUBLISHED / "accuracy.csv")

    def published_accuracies(self) -> list[str]:
        """The shipped tables that a prior is made of."""
        return [shipped(PUBLISHED / name) for name in TABLES]

    def known_weights(self) -> str:
        """The checkpoints' weights and ImageNet accuracies, as far as they are known by their entries."""
        entries = self._entries.items()
        return _json({name: [weights_key(name, entry), imagenet_accuracy(name, entry)] for name, entry in entries})

    def recorded(self) -> dict[str, Any]:
        """With a record of the user's, the record, and what the weights and images in it are recognised by."""
        if not self.config["ranking"].get("record") or not self.image_datasets:
            return {}
        names = self.config["checkpoints"]
        crops = sorted(set(self.crops.values()))
        return {
            "record": self.config["ranking"]["record"],
            "networks": [f"results/checkpoints/{name}.safetensors" for name in names],
            "seen": [f"results/data/{{dataset}}/images-{crop}.safetensors" for crop in crops],
        }

    def known_costs(self) -> str:
        """The checkpoints' published costs and their licences, as far as they are known by their entries."""
        return _json({name: cost(name, entry) for name, entry in self._entries.items()})

    @cached_property
    def has_costs(self) -> bool:
        """Whether parameters are published for two checkpoints or more, so that a figure can compare costs."""
        known = [cost(name, entry)["params_millions"] for name, entry in self._entries.items()]
        return len(known) - known.count(None) > 1

    def finetune_images(self) -> dict[str, Any]:
        """The images that are judged and, where crops are taken from larger ones, these as well."""
        larger = f"results/data/{{dataset}}/images-{self.config['finetune']['crop_from']}.safetensors"
        source = {} if self.protocol.training["augmentation"] == "none" else {"source": larger}
        return {"images": self.seen_images, **source}

    def raced_images(self) -> dict[str, Any]:
        """The images of a race, in each way that one of its networks sees them, and those that crops are taken from."""
        crops = sorted({self.crops[name] for name in self.finetuned})
        source = {name: path for name, path in self.finetune_images().items() if name == "source"}
        return {"images": [f"results/data/{{dataset}}/images-{crop}.safetensors" for crop in crops], **source}

    def seed_is_open(self, wildcards: Any) -> list[str]:
        """With early stopping, the file that says which checkpoints still need this seed."""
        number = self.protocol.seeds.index(int(wildcards.seed))
        if not self.protocol.early_stopping or number < EVERYBODYS_SEEDS:
            return []
        return [f"results/{wildcards.study}/finetune/{wildcards.dataset}/open-{wildcards.seed}.json"]

    def seeds_before(self, wildcards: Any) -> list[int]:
        """The seeds that come before this one."""
        return list(self.protocol.seeds[: self.protocol.seeds.index(int(wildcards.seed))])

    def tests_before(self, wildcards: Any) -> list[str]:
        """The tests of all checkpoints with the seeds before this one, seed by seed."""
        return [
            f"results/{wildcards.study}/finetune/{wildcards.dataset}/{checkpoint}/test-seed{seed}.json"
            for seed in self.seeds_before(wildcards)
            for checkpoint in self.finetuned
        ]

    # --- Outputs ------------------------------------------------------------------------------------------------------

    def score_files(self, what: str) -> list[str]:
        """What one score job makes of `scores` or `seconds`: a file of each refinement, or one of all metrics."""
        if self.config["metrics_together"]:
            return [f"results/{{study}}/{what}/{{dataset}}/{{checkpoint}}.json"]
        return [fill(self.score_pattern(what), {"refinement": name}) for name in self.refinements]

    def score_pattern(self, what: str) -> str:
        """The file of a score, or of its seconds, as a pattern."""
        if self.config["metrics_together"]:
            return f"results/{{study}}/{what}/{{dataset}}/{{checkpoint}}.json"
        suffix = {"scores": ".json", "seconds": ".seconds.json"}[what]
        return f"results/{{study}}/scores/{{metric}}/{{refinement}}/{{dataset}}/{{checkpoint}}{suffix}"

    def tables_of(self, what: str) -> list[str]:
        """The tables of all `scores` or `seconds` by dataset, as patterns: of the metrics, then of the baselines.

        Published accuracies have scores and no seconds.
        """
        folders = [what, f"{what}/baselines"] if self.config["baselines"] else [what]
        folders += ["scores/prior"] if what == "scores" and self.prior_rows else []
        return [f"results/{{study}}/{folder}/{{dataset}}.csv" for folder in folders]

    def final_results(self, figures: Sequence[str]) -> list[str]:
        """The default target: tables, figures and the summary of the study, or its rankings."""
        study, datasets = f"results/{self.config['study']}", self.config["datasets"]
        whole = [f"{study}/config.yaml", f"{study}/report.html"]
        if self.ranked:
            rankings = [f"{study}/ranking/{name}.{ext}" for name in datasets for ext in ("csv", "json", "md")]
            confirmed = [f"{study}/confirm/{name}.json" for name in datasets if self.finetuned]
            kept = [f"{study}/winner/{name}/model.safetensors" for name in datasets if self.keeps]
            return [*whole, *rankings, *confirmed, *kept]
        tables = [f"{study}/tables/{table}.{ext}" for table in self.tables for ext in ("csv", "md", "tex", "html")]
        pictures = [*figures, *self.extra_figures]
        return [
            f"{study}/summary.csv",
            f"{study}/per-checkpoint.csv",
            *whole,
            f"{study}/trace.html",
            *tables,
            *(f"{study}/figures/{name}.{ext}" for name in pictures for ext in ("csv", "pdf", "png")),
        ]


def spare_parts(config: Mapping[str, Any]) -> list[str]:
    """Parts of a configuration that its study does not use."""
    return ["ablation", "figures"] * is_ranked(config) + ["finetune"] * (not finetuned(config))


def used_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the metrics that the study computes; those of others change nothing, and rerun nothing."""
    used = {*config["metrics"], *config["baselines"], config.get("ablation", {}).get("metric")}
    return {name: options for name, options in config["metric_options"].items() if name in used}


def stamps(*given: str | None) -> dict[str, list[list[int]]]:
    """Sizes and times of a user's own files: one that is replaced by an older one is seen as well."""
    there = [Path(file).stat() for file in given if file and Path(file).is_file()]
    return {"stamps": [[status.st_size, status.st_mtime_ns] for status in there]} if there else {}


def shipped(path: Path) -> str:
    """A shipped file as an input: relative to the working directory if below it, so that both may move."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def _check_braces(path: Path) -> None:
    """Refuse a user's input file whose path Snakemake would take for a pattern; it has no way to write braces there."""
    if re.search(r"\{\s*\w", str(path)):
        raise InputError(f"{path}: braces in the path of an input are wildcards of Snakemake; give a link without them")


def _shipped(name: str) -> list[str]:
    return [shipped(PACKAGE / name)] if (PACKAGE / name).is_file() else []


def _templates() -> list[str]:
    """The templates that tables and pages are made with."""
    folder = PACKAGE / "report/pages/templates"
    return sorted(name_in_repository(path) for path in folder.iterdir() if path.is_file())


def _file_of(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def _json(part: Any) -> str:
    return json.dumps(part, sort_keys=True)
