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
from pedrank.catalogue import PACKAGE, catalogue
from pedrank.digest import code_digest
from pedrank.errors import InputError
from pedrank.lock import hold
from pedrank.study import check_names, check_schema, refinements

SCHEMA = Path(workflow.basedir) / "schemas/config.schema.yaml"

try:
    check_schema(config, SCHEMA)
    validate(config, SCHEMA)  # fills in the defaults
    check_names(config, metric_names())
except InputError as error:
    raise WorkflowError(str(error))

REFINEMENTS = refinements(config)
# The checkpoints of one job: a wildcard, or all of them where starting a process costs more than its work.
TOGETHER = config["checkpoints"] if config["together"] else ["{checkpoint}"]
PAPERS = ["figure4", "figure5", "figure6", "figure7", "motion"]
# Figures beyond the paper's, drawn in one process.
BEYOND = [*(f"scatter-{name}" for name in config["datasets"]), "critical-difference", "cost", "agreement"]
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
    return code_digest("scripts/score.py", f"pedrank/metrics/{wildcards.metric}.py")


def dataset_card(wildcards):
    return json.dumps(catalogue("datasets")[wildcards.dataset], sort_keys=True)


def dataset_downloads(wildcards):
    """The files that a dataset is made from; none where a package carries it."""
    return [f"results/downloads/{file}" for file in catalogue("datasets")[wildcards.dataset].get("files", {})]


def checkpoint_download(wildcards):
    entry = catalogue("checkpoints")[wildcards.checkpoint]
    return [] if entry["zoo"] == "tiny" else [f"results/downloads/{entry['file']}"]


def captions_digest():
    """One hash for all captions: the report shows them."""
    return [sha256(path)[:8] for path in sorted(Path(workflow.basedir, "report").glob("*.rst"))]


def shipped_digest(suffix):
    """A function of the wildcards: the hash of a file that is shipped with a tiny checkpoint, else nothing."""

    def digest(wildcards):
        file = PACKAGE / "checkpoints/tiny" / f"{wildcards.checkpoint}{suffix}"
        return sha256(file) if file.exists() else ""

    return digest
