"""
Ablation: what PED's settings do (Figures 4 and 5); every setting of a dataset is swept in one process.

in:  results/{study}/features/{dataset}/{checkpoint}.safetensors, results/{study}/reference/{checkpoint}.safetensors,
     results/{study}/ground_truth/{dataset}.csv
out: results/{study}/ablation/{dataset}.csv           score of each checkpoint under each setting
     results/{study}/ablation/{dataset}.forces.csv    force and energy by step, without early exit
     results/{study}/ablation.csv                     weighted tau of each dataset under each setting
"""


rule sweep:
    input:
        features=collect(
            "results/{{study}}/features/{{dataset}}/{checkpoint}.safetensors", checkpoint=config["checkpoints"]
        ),
        references=collect(REFERENCE, study="{study}", dataset="{dataset}", checkpoint=config["checkpoints"]),
    output:
        scores="results/{study}/ablation/{dataset}.csv",
        forces="results/{study}/ablation/{dataset}.forces.csv",
    log:
        "results/{study}/logs/sweep/{dataset}.log",
    benchmark:
        "results/{study}/logs/sweep/{dataset}.seconds.tsv"
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=megabytes(1000, of_features=1),
        runtime=minutes(120),
    params:
        ped=options("ped"),
        ablation=options("ablation"),
        checkpoints=config["checkpoints"],
        code=code_digest("scripts/sweep.py"),
    shell:
        'python "$PEDRANK/scripts/sweep.py" --dataset {wildcards.dataset} --checkpoints {params.checkpoints}'
        " --features results/{wildcards.study}/features/{wildcards.dataset} --references {input.references}"
        " --ped {params.ped:q} --ablation {params.ablation:q} --scores {output.scores} --forces {output.forces} 2> {log}"


rule ablation:
    input:
        scores=collect("results/{{study}}/ablation/{dataset}.csv", dataset=config["ablation"]["datasets"]),
        ground_truth=collect("results/{{study}}/ground_truth/{dataset}.csv", dataset=config["ablation"]["datasets"]),
    output:
        "results/{study}/ablation.csv",
    log:
        "results/{study}/logs/ablation.log",
    conda:
        "../envs/core.yaml"
    params:
        code=code_digest("scripts/ablation.py"),
    shell:
        'python "$PEDRANK/scripts/ablation.py" --scores {input.scores} --ground-truth {input.ground_truth}'
        " --out {output} 2> {log}"
