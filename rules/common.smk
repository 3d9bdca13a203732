"""
Parts that need Snakemake: the checked configuration, wildcard constraints, shell prefix, memory and minutes of jobs.
No rules here. Everything that rules compute is in pedrank/study/plan.py, typed and tested.
"""

import json
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod
from snakemake.utils import validate

from pedrank.catalogue.crop import PATTERN
from pedrank.ranking.combine import PARAMETERS
from pedrank.report import CROSS_DATASET_FIGURES, PAPER_FIGURES
from pedrank.runtime.interrupt import stop_in_one_line
from pedrank.runtime.lock import alone
from pedrank.runtime.slurm import RUN_MINUTES
from pedrank.runtime.writable import check_writable
from pedrank.store.verify import damaged
from pedrank.study.config import check_schema, check_study, check_targets
from pedrank.study.made_with import check_made_with, note_end, note_start
from pedrank.study.names import fill
from pedrank.study.plan import SNAKEMAKE_MB, Plan, shipped, spare_parts, stamps, used_options
from pedrank.study.restore_types import restore_types
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PUBLISHED, ROOT

stop_in_one_line(lambda: getattr(workflow, "scheduler", None) is not None)

# The folder of the Snakefile, also where another workflow uses this one as a module: the checkout, or a folder in the
# installed package.
WORKFLOW = Path(str(workflow.current_basedir)).parent
SCHEMA = WORKFLOW / "schemas/config.schema.yaml"

try:
    check_targets(workflow.overwrite_configfiles)
    restore_types(config, SCHEMA)
    check_schema(config, SCHEMA)
    validate(config, SCHEMA)  # fills in the defaults
    check_study(config, SCHEMA.parent)
except InputError as error:
    raise WorkflowError(str(error))

# A damaged artefact stops every run, even one that would read it much later, or has nothing to do.
if workflow.is_main_process:
    try:
        check_writable()
    except InputError as error:
        raise WorkflowError(str(error))
    if found := damaged([Path("results", part) for part in ("data", "checkpoints", config["study"])]):
        raise WorkflowError(*(f"error: {line}" for line in found.values()))

for part in spare_parts(config):
    config.pop(part, None)
config["metric_options"] = used_options(config)

PLAN = Plan(config)
RESULTS = Path("results", config["study"])

if workflow.is_main_process:
    try:
        check_made_with(RESULTS, PLAN.made_by)
    except InputError as error:
        raise WorkflowError(str(error))

CHECKPOINTS_PER_JOB = PLAN.checkpoints_per_job
STUDY = "results/{study}/config.yaml"
FEATURES = "results/{study}/features/{dataset}/{checkpoint}.safetensors"
GROUND_TRUTH = "results/{study}/ground_truth/{dataset}.csv"


wildcard_constraints:
    study=config["study"],
    dataset="[a-z0-9.-]+",
    size=PATTERN,
    checkpoint="|".join(config["checkpoints"]),
    metric="|".join(config["metrics"]),
    refinement="|".join(PLAN.refinements),


# Scripts are started by launch.py, which imports the package around it, from any working directory. They end when this
# process ends; on a cluster, this process is the Snakemake that the job starts on the same node. Without conda, they run
# in Snakemake's own environment, even if it is not activated. They read the study's configuration from a file, since it
# can be too long for a command.
PATH = (
    ""
    if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
    else f"{Path(sys.executable).parent}:"
)
GPU_JOBS = workflow.global_resources.get("gpu")
GPU_JOBS = "" if GPU_JOBS is None else GPU_JOBS.value
EXPORTS = {
    "PEDRANK": WORKFLOW,
    "PEDRANK_HEAD": os.getpid(),
    "PEDRANK_GPU_JOBS": GPU_JOBS,
    "PEDRANK_STUDY": PLAN.write_study(),
}
LAUNCH = next(each for each in (WORKFLOW / "pedrank", WORKFLOW.parent) if each.is_dir()) / "runtime/launch.py"
PREFIX = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in EXPORTS.items())
PREFIX = f'set -euo pipefail; export {PREFIX} PATH={shlex.quote(PATH)}"$PATH"; '
PREFIX += f"trap '' INT; python() {{ command python {shlex.quote(str(LAUNCH))} \"$@\"; }}; "
shell.prefix(PREFIX.replace("{", "{{").replace("}", "}}"))  # Snakemake fills in fields in braces


def on_gpu(rule):
    """Whether a profile or the command line gives a rule a GPU that it does not have by itself (`set-resources`)."""
    gpu = workflow.resource_settings.overwrite_resources.get(rule, {}).get("gpu")
    return gpu is not None and (gpu.is_evaluable() or bool(gpu.value))


def environment(name):
    """The file of a conda environment. Snakemake fills in fields in braces, so those of the path are doubled."""
    return str(WORKFLOW / f"envs/{name}.yaml").replace("{", "{{").replace("}", "}}")


def begin():
    """Before the first job: allow one workflow at a time on these results, and note what makes them.

    The lock replaces Snakemake's, which a killed run leaves behind.
    """
    global LOCKS
    try:
        LOCKS = alone(Path.cwd())
        note_start(RESULTS, PLAN.made_by())
    except InputError as error:
        raise WorkflowError(str(error))


def end():
    """After the last job: if the whole study was requested, note that all results fit."""
    if not workflow.dag_settings.targets:
        note_end(RESULTS, PLAN.made_by(), touched=workflow.touch and workflow.dag_settings.forceall)


def ask(function):
    """Wrap an input or params function of the plan: an InputError becomes one line."""

    def asked(wildcards):
        try:
            return function(wildcards)
        except InputError as error:
            raise WorkflowError(str(error))

    return asked


def pattern(*templates):
    """A params function: paths with the job's wildcards filled in. Fields that stand for lists stay in braces."""
    return lambda wildcards: " ".join(shlex.quote(fill(each, dict(wildcards.items()))) for each in templates)


def arguments(**patterns):
    """A params function: `--name PATTERN …` for each name, filled in by `pattern`."""

    def filled(wildcards):
        flags = {f"--{name.replace('_', '-')}": templates for name, templates in patterns.items()}
        return " ".join(f"{flag} {pattern(*templates)(wildcards)}" for flag, templates in flags.items())

    return filled


def json_of(part):
    return json.dumps(part, sort_keys=True)


def of_job(template):
    """The files of a job's checkpoints; other wildcards stay in braces."""
    return expand(template, checkpoint=CHECKPOINTS_PER_JOB, allow_missing=True)


def of_study(*templates, **names):
    """The files of all datasets, or of the given names; other wildcards stay in braces."""
    return collect(list(templates), **(names or {"dataset": config["datasets"]}), allow_missing=True)


def megabytes(peak, of_features=0, metrics=None):
    """Memory of a job in MB, multiplied by the attempt: its peak, and more for the largest features that it maps.

    `of_features` is a multiple of their size. `metrics` is a function of wildcards that names the metrics: the features
    and the memory that the most demanding metric needs for their numbers of images, features and classes are added.
    """

    def asked(wildcards, input, attempt):
        more = 0
        if of_features or metrics:  # unknown until the files exist; a dry run shows <TBD>
            files = [input.features] if isinstance(input.features, str) else input.features
            more = of_features * max(map(os.path.getsize, files)) / 1e6
        if metrics:
            try:
                more = max(PLAN.megabytes_of(metrics(wildcards), file) for file in files)
            except InputError as error:
                raise WorkflowError(str(error))
        return attempt * int(SNAKEMAKE_MB + peak + more)

    return asked


def minutes(longest):
    return lambda wildcards, attempt: attempt * longest


def table_files(table, title):
    """The outputs of a table: four formats, and a record of its inputs."""
    path = f"results/{{study}}/tables/{table}"
    html = report(f"{path}.html", caption=f"../report/{table}.rst", category="Tables", labels={"table": title})
    return {
        "csv": f"{path}.csv",
        "md": f"{path}.md",
        "tex": f"{path}.tex",
        "html": html,
        "made_by": f"{path}.made-by.json",
    }


def figure_files(figure, title):
    """The outputs of a figure: its numbers as CSV, PDF and PNG."""
    path = f"results/{{study}}/figures/{figure}"
    png = report(f"{path}.png", caption=f"../report/{figure}.rst", category="Figures", labels={"figure": title})
    return {"csv": f"{path}.csv", "pdf": f"{path}.pdf", "png": png}


def source_of(wildcards, input):
    """The argument for images that crops are cut from, if they differ from those of the test."""
    return f"--source {input.source}" if "source" in input.keys() else ""


def record_of(wildcards, input):
    """The arguments for a record of the user's, and what the weights and images in it are recognised by."""
    if "record" not in input.keys():
        return ""
    networks = pattern("results/checkpoints/{checkpoint}.safetensors")(wildcards)
    return f"--record {shlex.quote(input.record)} --networks {networks} --images {input.seen}"


def seed_task(wildcards, input):
    """The arguments of one test run: chosen point, seed and, with early stopping, the checkpoints that need this seed."""
    still_open = f"--open {input.open}" if input.open else ""
    return f"--chosen {input.chosen} --seed {wildcards.seed} {still_open}"
