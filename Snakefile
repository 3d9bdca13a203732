# Which pre-trained checkpoint should I fine-tune? config.yaml describes the study, each file of rules/ is one stage,
# and all output goes to results/. Start with README.md.

from snakemake.utils import min_version

min_version("9.20")


configfile: f"{workflow.current_basedir}/config.yaml"  # also with --directory, as a module, or started elsewhere


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/study.smk"
include: "rules/data.smk"
include: "rules/checkpoints.smk"
include: "rules/features.smk"
include: "rules/ped.smk"
include: "rules/score.smk"
include: "rules/evaluate.smk"


if PLAN.ranked:

    include: "rules/ranking.smk"

else:

    include: "rules/ground_truth.smk"
    include: "rules/ablation.smk"
    include: "rules/report.smk"


# Rules that take seconds of one core, or download. On a cluster they run beside Snakemake, since nodes may be offline.
localrules:
    ablation,
    accuracies,
    baseline_scores,
    baseline_seconds,
    config,
    download,
    figure4,
    figure5,
    figure7,
    figures,
    ground_truth,
    page,
    per_checkpoint,
    scores,
    seconds,
    selection,
    summary,
    table1,
    table1_published,
    table2,
    trace_page,


onstart:
    begin()


onsuccess:
    end()


rule all:
    default_target: True
    input:
        PLAN.final_results(PAPER_FIGURES),
