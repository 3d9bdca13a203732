# Which pre-trained checkpoint should I fine-tune? The study is described in config.yaml, one stage stands in each file
# of rules/, and everything is written below results/. Start here: README.md.

from snakemake.utils import min_version

min_version("9.20")


configfile: "config.yaml"


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


# Seconds of one core, or a download: on a cluster they run where Snakemake runs, whose nodes may have no network.
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
    scores,
    seconds,
    selection,
    summary,
    table1,
    table1_published,
    table2,


onstart:
    hold_lock()


rule all:
    default_target: True
    input:
        PLAN.final_results(PAPER_FIGURES),
