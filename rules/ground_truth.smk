"""
Ground truth: how accurate each checkpoint really is after fine-tuning, from one of three sources, never mixed.

in:  results/{study}/finetune/{dataset}.csv    made here, by finetune.smk   (source: finetune)
     pedrank/published/accuracy.csv                                         (source: published)
     your own CSV                                                           (source: file)
out: results/{study}/ground_truth/{dataset}.csv    accuracy (percent), sd over seeds, chosen grid point
"""

if config["ground_truth"]["source"] == "finetune":

    include: "finetune.smk"

    rule ground_truth:
        input:
            "results/{study}/finetune/{dataset}.csv",
        output:
            "results/{study}/ground_truth/{dataset}.csv",
        log:
            "results/{study}/logs/ground_truth/{dataset}.log",
        conda:
            "../envs/core.yaml"
        params:
            checkpoints=config["checkpoints"],
            code=code_digest("scripts/ground_truth.py"),
        shell:
            'python "$PEDRANK/scripts/ground_truth.py" --dataset {wildcards.dataset}'
            " --checkpoints {params.checkpoints} --runs {input} --out {output} 2> {log}"

else:

    rule ground_truth:
        output:
            "results/{study}/ground_truth/{dataset}.csv",
        log:
            "results/{study}/logs/ground_truth/{dataset}.log",
        conda:
            "../envs/core.yaml"
        params:
            checkpoints=config["checkpoints"],
            options=options("ground_truth"),
            code=code_digest("scripts/ground_truth_known.py"),
        shell:
            'python "$PEDRANK/scripts/ground_truth_known.py" --dataset {wildcards.dataset}'
            " --checkpoints {params.checkpoints} --options {params.options:q} --out {output} 2> {log}"
