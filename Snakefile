# Which pre-trained checkpoint should I fine-tune? The study is described in config.yaml, one stage stands in each file
# of rules/, and everything is written below results/. Start here: README.md.

from snakemake.utils import min_version

min_version("9.20")


configfile: "config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/checkpoints.smk"
include: "rules/features.smk"
include: "rules/ground_truth.smk"
include: "rules/ped.smk"
include: "rules/score.smk"
include: "rules/evaluate.smk"
include: "rules/ablation.smk"
include: "rules/report.smk"


onstart:
    hold_lock()


rule all:
    default_target: True
    input:
        final_results(),
