"""
Helpers of all stages: the checked configuration, the names it holds, and what the rules ask of the package.
No rules here, and no functions in the other files.
"""

import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod
from snakemake.utils import validate

from pedrank import metric_names
from pedrank.artefacts import sha256
from pedrank.catalogue import PACKAGE, catalogue, files, reader, use_settings
from pedrank.digest import code_digest
from pedrank.errors import InputError
from pedrank.finetune.protocol import EVERYBODYS_SEEDS, point_name, protocol
from pedrank.lock import hold
from pedrank.plugins import load
from pedrank.refinements import registered
from pedrank.report import ACROSS, PAPERS
from pedrank.study import check_names, check_schema, refinements

SCHEMA = Path(workflow.basedir) / "schemas/config.schema.yaml"

try:
    check_schema(config, SCHEMA)
    validate(config, SCHEMA)  # fills in the defaults
    use_settings(config, SCHEMA.parent)
    for plugin in config["plugins"]:
        load(plugin)
    check_names(config, metric_names(), registered)
except InputError as error:
    raise WorkflowError(str(error))

REFINEMENTS = refinements(config)
# The checkpoints of one job: a wildcard, or all of them where starting a process costs more than its work.
TOGETHER = config["checkpoints"] if config["together"] else ["{checkpoint}"]
# The runs of each pair of checkpoint and dataset, and what decides the numbers of one: a longer grid does not.
FINETUNE = protocol(config["finetune"])
POINTS = {point_name(point): point for point in FINETUNE.points}
FINETUNE_TRAINING = json.dumps(dict(FINETUNE.training), sort_keys=True)
FINETUNE_SEARCH = json.dumps(config["finetune"] | {"seeds": 1, "early_stopping": False}, sort_keys=True)
FINETUNE_CODE = code_digest("pedrank/finetune/run.py")
# Figures beyond the paper's, drawn in one process.
BEYOND = [*(f"scatter-{name}" for name in config["datasets"]), *ACROSS]
MOVED = {name: options for name, options in REFINEMENTS.items() if name != "none"}


wildcard_constraints:
    study=config["study"],
    dataset="[a-z0-9.-]+",
    size=r"\d+",
    checkpoint="|".join(config["checkpoints"]),
    metric="|".join(config["metrics"]),
    refinement="|".join(REFINEMENTS),


# Scripts find the package in this checkout, whatever the working directory, and end when this process ends. Without conda
# they run in the environment that Snakemake itself runs in, activated or not.
PATH = (
    ""
    if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
    else f"{Path(sys.executable).parent}:"
)
shell.prefix(
    f"set -euo pipefail; export PEDRANK='{workflow.basedir}' PYTHONPATH='{workflow.basedir}' PATH='{PATH}'\"$PATH\""
    f" PEDRANK_HEAD={os.getpid()}; "
)


def hold_lock():
    """One workflow at a time here; in place of Snakemake's lock, which a killed run leaves behind."""
    global LOCK
    try:
        LOCK = hold(Path(".snakemake/pedrank.lock"))
    except InputError as error:
        raise WorkflowError(str(error))


def tables():
    """The study's tables; the paper's stands beside Table 1 where the paper's checkpoints are compared."""
    papers = set(catalogue("checkpoints")[name]["zoo"] for name in config["checkpoints"]) == {"ssl"}
    return ["table1", *(["table1-published"] if papers else []), "table2", "selection", "ground-truth"]


def final_results():
    """The default target: tables, figures and the summary of the study."""
    study = config["study"]
    return [
        f"results/{study}/summary.csv",
        f"results/{study}/config.yaml",
        f"results/{study}/report.html",
        *collect(
            "results/{study}/tables/{table}.{ext}",
            study=study,
            table=tables(),
            ext=["csv", "md", "tex", "html"],
        ),
        *collect(
            "results/{study}/figures/{figure}.{ext}",
            study=study,
            figure=[*PAPERS, *BEYOND],
            ext=["csv", "pdf", "png"],
        ),
    ]


def baseline_files(suffix):
    """The files of all baselines, or none where the study has no baselines; the study stays a wildcard."""
    stem = "results/{{study}}/baselines/{dataset}/{checkpoint}"
    files = collect(f"{stem}{suffix}", dataset=config["datasets"], checkpoint=config["checkpoints"])
    return files if config["baselines"] else []


def options(*keys):
    """A part of the configuration as one JSON argument of a script."""
    part = config
    for key in keys:
        part = part[key]
    return json.dumps(part, sort_keys=True)


def ablation_options():
    return json.dumps({"ablation": config["ablation"], "ped": config["ped"]}, sort_keys=True)


def metric_options(wildcards):
    return json.dumps(config["metric_options"].get(wildcards.metric, {}), sort_keys=True)


def metric_digest(wildcards):
    """Editing one metric reruns its scores alone: its own file is digested, not the registry's whole list."""
    own = metric_files([wildcards.metric])
    return code_digest("scripts/score.py", *own) + ("" if own else plugins_digest())


def metric_files(names):
    """The files of those metrics that are not a plugin's."""
    files = [f"pedrank/metrics/{name}.py" for name in names]
    return [file for file in files if (PACKAGE.parent / file).exists()]


def plugins_digest():
    return "".join(sha256(file)[:16] for file in config["plugins"])


def dataset_card(wildcards):
    """What of the card decides the prepared images: not where they are fetched, nor how they are described."""
    card = catalogue("datasets")[wildcards.dataset]
    return json.dumps({key: card[key] for key in sorted(card) if key not in ("files", "title", "metric")})


def dataset_metric(wildcards):
    return catalogue("datasets")[wildcards.dataset]["metric"]


def finetune_images():
    """The images that are judged and, where crops are taken from larger ones, these as well."""
    sizes = {"images": config["image_size"]}
    if FINETUNE.training["augmentation"] != "none":
        sizes["source"] = config["finetune"]["crop_from"]
    return {
        name: expand("results/data/{{dataset}}/images-{size}.safetensors", size=size) for name, size in sizes.items()
    }


def finetune_source(wildcards, input):
    return f"--source {input.source}" if "source" in input.keys() else ""


def seed_is_open(wildcards):
    """With early stopping, the file that says which checkpoints still need this seed."""
    number = FINETUNE.seeds.index(int(wildcards.seed))
    if not FINETUNE.early_stopping or number < EVERYBODYS_SEEDS:
        return []
    return "results/{study}/finetune/{dataset}/open-{seed}.json"


def tests_before(wildcards):
    """The tests of all checkpoints with the seeds before this one, seed by seed."""
    before = FINETUNE.seeds[: FINETUNE.seeds.index(int(wildcards.seed))]
    return [
        f"results/{wildcards.study}/finetune/{wildcards.dataset}/{checkpoint}/test-seed{seed}.json"
        for seed in before
        for checkpoint in config["checkpoints"]
    ]


def dataset_downloads(wildcards):
    """Records of the files that a dataset is made from; none where a package carries it."""
    return [f"results/downloads/{file}.sha256" for file in files(catalogue("datasets")[wildcards.dataset])]


def dataset_digest(wildcards):
    return code_digest("scripts/prepare.py", f"pedrank/datasets/{reader(wildcards.dataset)}.py")


def checkpoint_entry(wildcards):
    """What of the entry decides the converted weights."""
    entry = catalogue("checkpoints")[wildcards.checkpoint]
    kept = ("architecture", "padding", "normalisation", "format", "unwrap", "prefix", "drop")
    return json.dumps({key: entry[key] for key in kept if key in entry})


def checkpoint_download(wildcards):
    return [f"results/downloads/{file}.sha256" for file in files(catalogue("checkpoints")[wildcards.checkpoint])]


def reference_input(wildcards):
    """The published file of a checkpoint's statistics; none where they come with the package."""
    folder = config["reference"].get("folder")
    return f"{folder}/{wildcards.checkpoint}.safetensors" if folder else []


def reference_statistics(wildcards, input):
    return str(input) or f"$PEDRANK/pedrank/checkpoints/tiny/{wildcards.checkpoint}.reference.safetensors"


def captions_digest():
    """One hash for all captions: the report shows them."""
    return [sha256(path)[:8] for path in sorted(Path(workflow.basedir, "report").glob("*.rst"))]


def shipped_digest(suffix):
    """A function of the wildcards: the hash of a file that is shipped with a tiny checkpoint, else nothing."""

    def digest(wildcards):
        file = PACKAGE / "checkpoints/tiny" / f"{wildcards.checkpoint}{suffix}"
        return sha256(file) if file.exists() else ""

    return digest
