"""
Ground truth: how accurate each checkpoint really is after fine-tuning, from one of three sources, never mixed.

in:  results/data/{dataset}/images-{size}.safetensors, results/checkpoints/{checkpoint}.safetensors   (source: finetune)
     pedrank/published/accuracy.csv                                                            (source: published)
     your own CSV                                                                              (source: file)
out: results/{study}/finetune/{dataset}/{checkpoint}.csv    every run: grid points on validation, then seeds on test
     results/{study}/finetune/{dataset}/{checkpoint}/       one JSON per finished run, kept and reused after a kill
     results/{study}/ground_truth/{dataset}.csv             accuracy (percent), sd over seeds, chosen grid point
"""

if config["ground_truth"]["source"] == "finetune":

    rule finetune:
        input:
            images=expand("results/data/{{dataset}}/images-{size}.safetensors", size=config["image_size"]),
            checkpoints=expand("results/checkpoints/{checkpoint}.safetensors", checkpoint=TOGETHER),
        output:
            expand("results/{{study}}/finetune/{{dataset}}/{checkpoint}.csv", checkpoint=TOGETHER),
        log:
            expand("results/{{study}}/logs/finetune/{{dataset}}/{checkpoint}.log", checkpoint=TOGETHER[0]),
        conda:
            "../envs/torch.yaml"
        threads: 8
        resources:
            gpu=1,
        params:
            options=options("finetune"),
            code=code_digest("scripts/finetune.py"),
        shell:
            'python "$PEDRANK/scripts/finetune.py" --images {input.images} --checkpoints {input.checkpoints}'
            " --options {params.options:q} --code {params.code} --threads {threads} --gpu {resources.gpu}"
            " --runs results/{wildcards.study}/finetune/{wildcards.dataset} --out {output} 2> {log}"

    rule ground_truth:
        input:
            collect("results/{{study}}/finetune/{{dataset}}/{checkpoint}.csv", checkpoint=config["checkpoints"]),
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
            " --checkpoints {params.checkpoints} --runs {input}"
            " --out {output} 2> {log}"

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
