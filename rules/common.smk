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

from pedrank.store.artefacts import sha256
from pedrank.catalogue.architecture import code_of
from pedrank.catalogue.catalogue import catalogue, files, reader
from pedrank.utils.paths import PACKAGE
from pedrank.store.digest import code_digest
from pedrank.utils.errors import InputError
from pedrank.finetune.protocol import EVERYBODYS_SEEDS, point_name, protocol
from pedrank.runtime.lock import alone
from pedrank.report import CROSS_DATASET_FIGURES as ACROSS, PAPER_FIGURES as PAPERS
from pedrank.runtime.slurm import RUN_MINUTES
from pedrank.study.config import check_schema, check_study, refinements
from pedrank.catalogue.crop import PATTERN, crop_name as view
from pedrank.store.verify import damaged

SCHEMA = Path(workflow.basedir) / "schemas/config.schema.yaml"

try:
    check_schema(config, SCHEMA)
    validate(config, SCHEMA)  # fills in the defaults
    check_study(config, SCHEMA.parent)
except InputError as error:
    raise WorkflowError(str(error))

# A changed artefact stops every run, also one that would read it only much later, or has nothing to do.
if workflow.is_main_process:
    if found := damaged([Path("results", part) for part in ("data", "checkpoints", config["study"])]):
        raise WorkflowError(*(f"error: {line}" for line in found.values()))

# Without ground truth there is a ranking and nothing to judge it by; fine-tuning a few checkpoints confirms it.
RANKED = config["ground_truth"]["source"] == "none"
FINETUNED = config["ground_truth"].get("confirm", []) if RANKED else config["checkpoints"]
for part in ["ablation", "figures"] * RANKED + ["finetune"] * (not FINETUNED):
    config.pop(part, None)

REFINEMENTS = refinements(config)
# How each checkpoint sees the images.
VIEWS = {name: view(catalogue("checkpoints")[name], config["image_size"]) for name in config["checkpoints"]}
# The checkpoints of one job: a wildcard, or all of them where starting a process costs more than its work, and all see
# the same images.
ONE_JOB = config["together"] and len(set(VIEWS.values())) == 1
TOGETHER = config["checkpoints"] if ONE_JOB else ["{checkpoint}"]
# Datasets whose features a user has computed, and the others.
GIVEN = [name for name in config["datasets"] if "features" in catalogue("datasets")[name]]
PICTURED = [name for name in config["datasets"] if name not in GIVEN]
# Statistics that rescale features are a checkpoint's, unless they are of the dataset's own features.
OWN_REFERENCE = config["reference"]["source"] == "self"
REFERENCE = f"results/{{study}}/reference/{'{dataset}/' if OWN_REFERENCE else ''}{{checkpoint}}.safetensors"
# The metrics of one score job, and their part of its log's name.
SCORED, METRIC = (config["metrics"], "") if config["metrics_together"] else (["{metric}"], "{metric}/")
if FINETUNED:
    # The runs of each pair, and what decides the numbers of one: a longer grid does not.
    FINETUNE = protocol(config["finetune"])
    POINTS = {point_name(point): point for point in FINETUNE.points}
    FINETUNE_TRAINING = json.dumps(dict(FINETUNE.training), sort_keys=True)
    FINETUNE_SEARCH = json.dumps(config["finetune"] | {"seeds": 1, "early_stopping": False}, sort_keys=True)
    FINETUNE_CODE = code_digest("pedrank/finetune/run.py")
# Around a job of Slurm stand two Snakemakes of 125 MB each, within its memory. docs/clusters.md: how all was measured.
AROUND = 300
# Figures beyond the paper's, drawn in one process.
BEYOND = [*(f"scatter-{name}" for name in config["datasets"]), *ACROSS]
MOVED = {name: options for name, options in REFINEMENTS.items() if name != "none"}


wildcard_constraints:
    study=config["study"],
    dataset="[a-z0-9.-]+",
    size=PATTERN,
    checkpoint="|".join(config["checkpoints"]),
    metric="|".join(config["metrics"]),
    refinement="|".join(REFINEMENTS),


# Scripts find the package in this checkout, whatever the working directory, and end when this process ends: on a cluster
# that is the Snakemake which the job itself started, on the same node. Without conda they run in the environment that
# Snakemake itself runs in, activated or not.
PATH = (
    ""
    if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
    else f"{Path(sys.executable).parent}:"
)
GPU_JOBS = workflow.global_resources.get("gpu")
GPU_JOBS = "" if GPU_JOBS is None else GPU_JOBS.value
shell.prefix(
    f"set -euo pipefail; export PEDRANK='{workflow.basedir}' PYTHONPATH='{workflow.basedir}' PATH='{PATH}'\"$PATH\""
    f" PEDRANK_HEAD={os.getpid()} PEDRANK_GPU_JOBS={GPU_JOBS}; "
)


def hold_lock():
    """One workflow at a time here; in place of Snakemake's lock, which a killed run leaves behind."""
    global LOCK
    try:
        LOCK = alone(Path.cwd())
    except InputError as error:
        raise WorkflowError(str(error))


def megabytes(peak, of_features=0):
    """Memory of a job: its peak, and `of_features` times the features that it maps; more at each attempt."""

    def asked(wildcards, input, attempt):
        mapped = 0
        if of_features:  # not known before the file is there: a dry run shows <TBD>
            files = [input.features] if isinstance(input.features, str) else input.features
            mapped = max(map(os.path.getsize, files)) / 1e6
        return attempt * int(AROUND + peak + of_features * mapped)

    return asked


def minutes(longest):
    return lambda wildcards, attempt: attempt * longest


def tables():
    """The study's tables; the paper's stands beside Table 1 where the paper's checkpoints are compared."""
    papers = set(catalogue("checkpoints")[name]["zoo"] for name in config["checkpoints"]) == {"ssl"}
    return ["table1", *(["table1-published"] if papers else []), "table2", "selection", "ground-truth"]


def final_results():
    """The default target: tables, figures and the summary of the study, or its rankings."""
    study = config["study"]
    if RANKED:
        return [
            f"results/{study}/config.yaml",
            f"results/{study}/report.html",
            *collect(
                f"results/{study}/ranking/{{dataset}}.{{ext}}", dataset=config["datasets"], ext=["csv", "json", "md"]
            ),
            *confirmations(study),
        ]
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


def confirmations(study):
    """The files that say what fine-tuning the highest-ranked checkpoints has shown; none where none is fine-tuned."""
    return collect(
        "results/{study}/confirm/{dataset}.json", study=study, dataset=config["datasets"] if FINETUNED else []
    )


def baseline_files(what):
    """The tables of the baselines' `scores` or `seconds`, none where there are no baselines; the study stays a wildcard."""
    files = collect(f"results/{{{{study}}}}/{what}/baselines/{{dataset}}.csv", dataset=config["datasets"])
    return files if config["baselines"] else []


def options(*keys):
    """A part of the configuration as one JSON argument of a script."""
    part = config
    for key in keys:
        part = part[key]
    return json.dumps(part, sort_keys=True)


def ablation_options():
    return json.dumps({"ablation": config["ablation"], "ped": config["ped"]}, sort_keys=True)


def score_files(what):
    """What one score job makes of `scores` or `seconds`: a file of each refinement, or one of all metrics."""
    if config["metrics_together"]:
        return [f"results/{{study}}/{what}/{{dataset}}/{{checkpoint}}.json"]
    suffix = {"scores": ".json", "seconds": ".seconds.json"}[what]
    return [f"results/{{study}}/scores/{{metric}}/{name}/{{dataset}}/{{checkpoint}}{suffix}" for name in REFINEMENTS]


def scored(wildcards):
    """The metrics of one job of rule score."""
    return config["metrics"] if config["metrics_together"] else [wildcards.metric]


def metric_options(wildcards):
    """By the metric's name, where it has any."""
    given, names = config["metric_options"], scored(wildcards)
    return json.dumps({name: given[name] for name in names if name in given}, sort_keys=True)


def metric_digest(wildcards):
    """Editing one metric reruns its scores alone: its own file is digested, not the registry's whole list."""
    names = scored(wildcards)
    own = metric_files(names)
    return code_digest("scripts/score.py", *own) + ("" if len(own) == len(names) else plugins_digest())


def metric_files(names):
    """The files of those metrics that are not a plugin's."""
    files = [f"pedrank/metrics/{name}.py" for name in names]
    return [file for file in files if (PACKAGE.parent / file).exists()]


def plugins_digest():
    return "".join(sha256(file)[:16] for file in config["plugins"])


def dataset_card(wildcards):
    """What of the card decides the prepared images: not where they are fetched, nor how they are described; of a user's
    own images also which files there are, so that a new one is seen."""
    card = catalogue("datasets")[wildcards.dataset]
    kept = {key: card[key] for key in sorted(card) if key not in ("files", "title", "metric")}
    if "images" in card:
        kept["images"] = images_fingerprint(card)
    return json.dumps(kept)


def images_fingerprint(card):
    from pedrank.user_data.images import fingerprint

    try:
        return fingerprint(Path(card["images"]), card["metric"] == "none")
    except InputError as error:
        raise WorkflowError(str(error))


def seen_images(wildcards):
    """The prepared images of a dataset as the checkpoint sees them; without that wildcard, as all do."""
    name = getattr(wildcards, "checkpoint", config["checkpoints"][0])
    return f"results/data/{wildcards.dataset}/images-{VIEWS[name]}.safetensors"


def shown_images():
    """The file whose header names the classes of the dataset in Figure 6: its images, or features if it has none."""
    shown = config["figures"]["tsne"]
    if shown["dataset"] in GIVEN:
        return "results/{{study}}/features/{dataset}/{checkpoint}.safetensors".format(**shown)
    return f"results/data/{shown['dataset']}/images-{VIEWS[shown['checkpoint']]}.safetensors"


def reference_images(wildcards):
    """The prepared reference images as the checkpoint sees them."""
    name = getattr(wildcards, "checkpoint", config["checkpoints"][0])
    return f"results/data/{config['reference']['source']}/images-{VIEWS[name]}.safetensors"


def given_features(wildcards):
    """The user's file of features, and the labels beside it where it has none."""
    from pedrank.user_data.feature_files import LABELS, file_of

    try:
        file = file_of(Path(catalogue("datasets")[wildcards.dataset]["features"]), wildcards.checkpoint)
    except InputError as error:
        raise WorkflowError(str(error))
    return {"features": str(file), **({"labels": str(file.with_name(LABELS))} if file.suffix == ".npy" else {})}


def dataset_metric(wildcards):
    return catalogue("datasets")[wildcards.dataset]["metric"]


def finetune_images():
    """The images that are judged and, where crops are taken from larger ones, these as well."""
    larger = f"results/data/{{dataset}}/images-{config['finetune']['crop_from']}.safetensors"
    source = {} if FINETUNE.training["augmentation"] == "none" else {"source": larger}
    return {"images": seen_images, **source}


def finetune_source(wildcards, input):
    return f"--source {input.source}" if "source" in input.keys() else ""


def seed_is_open(wildcards):
    """With early stopping, the file that says which checkpoints still need this seed."""
    number = FINETUNE.seeds.index(int(wildcards.seed))
    if not FINETUNE.early_stopping or number < EVERYBODYS_SEEDS:
        return []
    return "results/{study}/finetune/{dataset}/open-{seed}.json"


def seeds_before(wildcards):
    return FINETUNE.seeds[: FINETUNE.seeds.index(int(wildcards.seed))]


def tests_before(wildcards):
    """The tests of all checkpoints with the seeds before this one, seed by seed."""
    return [
        f"results/{wildcards.study}/finetune/{wildcards.dataset}/{checkpoint}/test-seed{seed}.json"
        for seed in seeds_before(wildcards)
        for checkpoint in FINETUNED
    ]


def dataset_downloads(wildcards):
    """Records of the files that a dataset is made from; none where a package carries it."""
    return [f"results/downloads/{file}.sha256" for file in files(catalogue("datasets")[wildcards.dataset])]


def dataset_digest(wildcards):
    return code_digest("scripts/prepare.py", reader(wildcards.dataset).replace(".", "/") + ".py")


def checkpoint_entry(wildcards):
    """What of the entry decides the converted weights; of a user's own code its content."""
    entry = catalogue("checkpoints")[wildcards.checkpoint]
    kept = ("architecture", "padding", "normalisation", "format", "unwrap", "prefix", "drop", "pretrained")
    code = code_of(entry)
    digest = {"code": sha256(code[0])} if code and Path(code[0]).is_file() else {}
    return json.dumps({key: entry[key] for key in kept if key in entry} | digest | stamps(entry.get("weights")))


def stamps(*files):
    """Sizes and times of a user's own files: one that is replaced by an older one is seen as well."""
    there = [Path(file).stat() for file in files if file and Path(file).is_file()]
    return {"stamps": [[status.st_size, status.st_mtime_ns] for status in there]} if there else {}


def checkpoint_files(wildcards):
    """The user's own file of weights, or records of the files that are fetched; none where a package brings them."""
    entry = catalogue("checkpoints")[wildcards.checkpoint]
    return entry.get("weights") or [f"results/downloads/{file}.sha256" for file in files(entry)]


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
