"""
Ground truth: accuracy of each checkpoint after fine-tuning, from one of three sources, which are never mixed.

in:  results/{study}/finetune/{dataset}.csv    made here, by finetune.smk   (source: finetune)
     pedrank/published/accuracy.csv                                         (source: published)
     your own CSV                                                           (source: file)
out: results/{study}/ground_truth/{dataset}.csv    accuracy (percent), sd over seeds, chosen grid point
"""

if config["ground_truth"]["source"] == "finetune":

    include: "finetune.smk"


ACCURACIES = (
    {"runs": "results/{study}/finetune/{dataset}.csv"}
    if config["ground_truth"]["source"] == "finetune"
    else {"known": PLAN.known_accuracies()}
)


rule ground_truth:
    input:
        **ACCURACIES,
    output:
        GROUND_TRUTH,
    log:
        "results/{study}/logs/ground_truth/{dataset}.log",
    conda:
        environment("core")
    params:
        checkpoints=config["checkpoints"],
        inputs=arguments(**{name: [file] for name, file in ACCURACIES.items()}),
        options=PLAN.options("ground_truth"),
        code=PLAN.code("ground_truth"),
    shell:
        'python "$PEDRANK/scripts/ground_truth.py" --dataset {wildcards.dataset} --study "$PEDRANK_STUDY" {params.inputs}'
        " --options {params.options:q} --out {output} 2> {log}"
