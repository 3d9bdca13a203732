"""
Scores: one metric on one pair, with and without each refinement; one process, since they share the features. With
`metrics_together`, one process and one file for all metrics of the pair.

in:  results/{study}/features/{dataset}/{checkpoint}.safetensors, results/{study}/ped/{dataset}/{checkpoint}/{refinement}.safetensors
out: results/{study}/scores/{metric}/{refinement}/{dataset}/{checkpoint}.json            the score
     results/{study}/scores/{metric}/{refinement}/{dataset}/{checkpoint}.seconds.json    what it cost
     results/{study}/{scores,seconds}/{dataset}/{checkpoint}.json                        all of a pair (metrics_together)
     results/{study}/scores/{dataset}.csv                                                all scores of a dataset
     results/{study}/seconds/{dataset}.csv                                               all costs of a dataset
"""


rule score:
    input:
        features="results/{study}/features/{dataset}/{checkpoint}.safetensors",
        displacements=collect(
            "results/{{study}}/ped/{{dataset}}/{{checkpoint}}/{refinement}.safetensors", refinement=MOVED
        ),
    output:
        scores=score_files("scores"),
        seconds=score_files("seconds"),
    log:
        f"results/{{study}}/logs/score/{METRIC}{{dataset}}/{{checkpoint}}.log",
    benchmark:
        f"results/{{study}}/logs/score/{METRIC}{{dataset}}/{{checkpoint}}.seconds.tsv"
    conda:
        "../envs/core.yaml"
    threads: 4
    resources:
        gpu=0,  # with 1, by a profile's set-resources, the scatter matrix and its spectrum are computed on a GPU
        mem_mb=megabytes(1000, of_features=4),
        runtime=minutes(60),
    params:
        metrics=SCORED,
        options=metric_options,
        plugins=config["plugins"],
        together="--together" if config["metrics_together"] else "",
        code=metric_digest,
    shell:
        'python "$PEDRANK/scripts/score.py" --metrics {params.metrics} --options {params.options:q}'
        " --plugins {params.plugins:q} --gpu {resources.gpu} --threads {threads}"
        " --features {input.features} --displacements {input.displacements}"
        " {params.together} --scores {output.scores} --seconds {output.seconds} 2> {log}"


rule scores:
    input:
        *collect(score_files("scores"), metric=config["metrics"], checkpoint=config["checkpoints"], allow_missing=True),
        *collect(score_files("seconds"), metric=config["metrics"], checkpoint=config["checkpoints"], allow_missing=True),
        ped=collect(
            "results/{{study}}/ped/{{dataset}}/{checkpoint}/{refinement}.seconds.json",
            refinement=MOVED,
            checkpoint=config["checkpoints"],
        ),
    output:
        scores="results/{study}/scores/{dataset}.csv",
        seconds="results/{study}/seconds/{dataset}.csv",
    log:
        "results/{study}/logs/scores/{dataset}.log",
    conda:
        "../envs/core.yaml"
    params:
        metrics=config["metrics"],
        refinements=list(REFINEMENTS),
        checkpoints=config["checkpoints"],
        together="--together" if config["metrics_together"] else "",
        code=code_digest("scripts/scores.py"),
    shell:
        'python "$PEDRANK/scripts/scores.py" --results results/{wildcards.study} --dataset {wildcards.dataset}'
        " --metrics {params.metrics} --refinements {params.refinements} --checkpoints {params.checkpoints}"
        " {params.together} --scores {output.scores} --seconds {output.seconds} 2> {log}"
