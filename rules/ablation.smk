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
        features=of_study(FEATURES, checkpoint=config["checkpoints"]),
        references=of_study(PLAN.reference, checkpoint=config["checkpoints"]),
    output:
        scores="results/{study}/ablation/{dataset}.csv",
        forces="results/{study}/ablation/{dataset}.forces.csv",
    log:
        "results/{study}/logs/sweep/{dataset}.log",
    benchmark:
        "results/{study}/logs/sweep/{dataset}.seconds.tsv"
    conda:
        environment("core")
    resources:
        mem_mb=megabytes(1000, metrics=lambda wildcards: [config["ablation"]["metric"]]),
        runtime=minutes(120),
    params:
        inputs=arguments(features=[FEATURES], references=[PLAN.reference]),
        ped=PLAN.swept_ped(),
        ablation=PLAN.options("ablation"),
        options=PLAN.metric_options([config["ablation"]["metric"]]),
        checkpoints=config["checkpoints"],
        code=PLAN.metrics_code("sweep", [config["ablation"]["metric"]]),
    shell:
        'python "$PEDRANK/scripts/sweep.py" --dataset {wildcards.dataset} {params.inputs} --study "$PEDRANK_STUDY"'
        " --ped {params.ped:q} --ablation {params.ablation:q} --options {params.options:q}"
        " --scores {output.scores} --forces {output.forces} 2> {log}"


rule ablation:
    input:
        scores=of_study("results/{study}/ablation/{dataset}.csv", dataset=config["ablation"]["datasets"]),
        ground_truth=of_study(GROUND_TRUTH, dataset=config["ablation"]["datasets"]),
    output:
        "results/{study}/ablation.csv",
    log:
        "results/{study}/logs/ablation.log",
    conda:
        environment("core")
    params:
        inputs=arguments(
            scores=["results/{study}/ablation/{swept}.csv"], ground_truth=["results/{study}/ground_truth/{swept}.csv"]
        ),
        datasets=config["ablation"]["datasets"],
        code=PLAN.code("ablation"),
    shell:
        'python "$PEDRANK/scripts/ablation.py" {params.inputs} --study "$PEDRANK_STUDY" --out {output} 2> {log}'
