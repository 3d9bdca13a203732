"""
Scores: one metric on one pair, with and without each refinement; one process, since they share the features.

in:  results/{study}/features/{dataset}/{checkpoint}.safetensors, results/{study}/ped/{dataset}/{checkpoint}/{refinement}.safetensors
out: results/{study}/scores/{metric}/{refinement}/{dataset}/{checkpoint}.json            the score
     results/{study}/scores/{metric}/{refinement}/{dataset}/{checkpoint}.seconds.json    what it cost
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
        scores=collect(
            "results/{{study}}/scores/{{metric}}/{refinement}/{{dataset}}/{{checkpoint}}.json", refinement=REFINEMENTS
        ),
        seconds=collect(
            "results/{{study}}/scores/{{metric}}/{refinement}/{{dataset}}/{{checkpoint}}.seconds.json",
            refinement=REFINEMENTS,
        ),
    log:
        "results/{study}/logs/score/{metric}/{dataset}/{checkpoint}.log",
    conda:
        "../envs/core.yaml"
    threads: 4
    resources:
        gpu=0,  # with 1, by a profile's set-resources, the scatter matrix and its spectrum are computed on a GPU
    params:
        device=lambda wildcards, resources: "cuda" if resources.gpu else "cpu",
        options=metric_options,
        plugins=config["plugins"],
        code=metric_digest,
    shell:
        'python "$PEDRANK/scripts/score.py" --metric {wildcards.metric} --options {params.options:q}'
        " --plugins {params.plugins:q} --device {params.device} --threads {threads}"
        " --features {input.features} --displacements {input.displacements}"
        " --scores {output.scores} --seconds {output.seconds} 2> {log}"


rule scores:
    input:
        scores=collect(
            "results/{{study}}/scores/{metric}/{refinement}/{{dataset}}/{checkpoint}.json",
            metric=config["metrics"],
            refinement=REFINEMENTS,
            checkpoint=config["checkpoints"],
        ),
        seconds=collect(
            "results/{{study}}/scores/{metric}/{refinement}/{{dataset}}/{checkpoint}.seconds.json",
            metric=config["metrics"],
            refinement=REFINEMENTS,
            checkpoint=config["checkpoints"],
        ),
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
        code=code_digest("scripts/scores.py"),
    shell:
        'python "$PEDRANK/scripts/scores.py" --results results/{wildcards.study} --dataset {wildcards.dataset}'
        " --metrics {params.metrics} --refinements {params.refinements} --checkpoints {params.checkpoints}"
        " --scores {output.scores} --seconds {output.seconds} 2> {log}"
