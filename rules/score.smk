"""
Scores: one metric on one pair, without and with each refinement, in one process, since they share the features. With
`metrics_together`, all metrics of the pair are one process and one file. Baselines score the raw features only. ImageNet
accuracy and the prior score no features; a study has them if they are published for all of its checkpoints.

in:  results/{study}/features/{dataset}/{checkpoint}.safetensors, results/{study}/ped/{dataset}/{checkpoint}/{refinement}.safetensors,
     pedrank/published/*.csv
out: results/{study}/scores/{metric}/{refinement}/{dataset}/{checkpoint}.json            the score
     results/{study}/scores/{metric}/{refinement}/{dataset}/{checkpoint}.seconds.json    its seconds
     results/{study}/{scores,seconds}/{dataset}/{checkpoint}.json                        all of a pair (metrics_together)
     results/{study}/baselines/{dataset}/{checkpoint}.csv, {checkpoint}.seconds.csv      the same of the baselines
     results/{study}/{scores,seconds}/{dataset}.csv                                      all scores, all costs of a dataset
     results/{study}/{scores,seconds}/baselines/{dataset}.csv                            the same of the baselines
     results/{study}/scores/prior/{dataset}.csv                                          ImageNet accuracy and prior

Seconds are kept if a score is made again by the same code from the same inputs. So a deleted score comes back as the same
file, and so do its seconds.
"""

BASELINES = "results/{study}/baselines/{dataset}/{checkpoint}.csv"
# Without ground truth, a metric that is undefined on some features drops out; else it stops the study.
UNDEFINED = "--drop-undefined" if PLAN.ranked else ""
BASELINE_SECONDS = "results/{study}/baselines/{dataset}/{checkpoint}.seconds.csv"


rule score:
    input:
        features=FEATURES,
        displacements=collect(DISPLACEMENT, refined=PLAN.refined, allow_missing=True),
    output:
        scores=PLAN.score_files("scores"),
        seconds=update(PLAN.score_files("seconds")),
    log:
        f"results/{{study}}/logs/score/{PLAN.metric_folder}{{dataset}}/{{checkpoint}}.log",
    benchmark:
        f"results/{{study}}/logs/score/{PLAN.metric_folder}{{dataset}}/{{checkpoint}}.seconds.tsv"
    conda:
        environment("torch" if on_gpu("score") else "core")
    threads: 4
    resources:
        gpu=0,  # 1, set in a profile's set-resources, computes what is costly on a GPU (docs/metrics.md)
        mem_mb=megabytes(1000, metrics=PLAN.scored),
        runtime=minutes(60),
    params:
        metrics=ask(PLAN.scored),
        options=ask(PLAN.scored_options),
        refinements=list(PLAN.refinements),
        displacements=pattern(DISPLACEMENT),
        scores=pattern(PLAN.score_pattern("scores")),
        seconds=pattern(PLAN.score_pattern("seconds")),
        plugins=lambda wildcards: config["plugins"],
        undefined=UNDEFINED,
        code=ask(PLAN.score_code),
    shell:
        'python "$PEDRANK/scripts/score.py" --metrics {params.metrics} --options {params.options:q}'
        ' --study "$PEDRANK_STUDY" --plugins {params.plugins:q} {params.undefined} --code {params.code}'
        " --gpu {resources.gpu} --threads {threads} --features {input.features}"
        " --displacements {params.displacements} --scores {params.scores} --seconds {params.seconds} 2> {log}"


rule baselines:
    input:
        features=of_job(FEATURES),
    output:
        scores=of_job(BASELINES),
        seconds=update(of_job(BASELINE_SECONDS)),
    log:
        f"results/{{study}}/logs/baselines/{{dataset}}/{CHECKPOINTS_PER_JOB[0]}.log",
    benchmark:
        f"results/{{study}}/logs/baselines/{{dataset}}/{CHECKPOINTS_PER_JOB[0]}.seconds.tsv"
    conda:
        environment("torch" if on_gpu("baselines") else "core")
    threads: 4
    resources:
        gpu=0,  # as for the rule score
        mem_mb=megabytes(1000, metrics=lambda wildcards: config["baselines"]),
        runtime=minutes(60),
    params:
        metrics=config["baselines"],
        options=PLAN.metric_options(config["baselines"]),
        features=pattern(FEATURES),
        scores=pattern(BASELINES),
        seconds=pattern(BASELINE_SECONDS),
        plugins=lambda wildcards: config["plugins"],
        undefined=UNDEFINED,
        code=PLAN.metrics_code("baselines", config["baselines"]),
    shell:
        'python "$PEDRANK/scripts/baselines.py" --dataset {wildcards.dataset} --features {params.features}'
        ' --study "$PEDRANK_STUDY" --metrics {params.metrics} --options {params.options:q}'
        " --plugins {params.plugins:q} {params.undefined} --code {params.code}"
        " --gpu {resources.gpu} --threads {threads} --scores {params.scores} --seconds {params.seconds} 2> {log}"


rule prior:
    input:
        published=PLAN.published_accuracies(),
    output:
        "results/{study}/scores/prior/{dataset}.csv",
    log:
        "results/{study}/logs/prior/{dataset}.log",
    conda:
        environment("core")
    params:
        rows=PLAN.prior_rows,
        known=PLAN.known_weights(),
        code=PLAN.code("prior"),
    shell:
        'python "$PEDRANK/scripts/prior.py" --dataset {wildcards.dataset} --study "$PEDRANK_STUDY"'
        " --rows {params.rows} --out {output} 2> {log}"


rule scores:
    input:
        files=of_study(*PLAN.score_files("scores"), metric=config["metrics"], checkpoint=config["checkpoints"]),
    output:
        "results/{study}/scores/{dataset}.csv",
    log:
        "results/{study}/logs/scores/{dataset}.log",
    conda:
        environment("core")
    params:
        files=arguments(scores=[PLAN.score_pattern("scores")]),
        names=[config["metrics"], list(PLAN.refinements), config["checkpoints"]],
        code=PLAN.code("collect"),
    shell:
        'python "$PEDRANK/scripts/collect.py" --dataset {wildcards.dataset} --study "$PEDRANK_STUDY" {params.files}'
        " --out {output} 2> {log}"


use rule scores as seconds with:
    input:
        files=of_study(*PLAN.score_files("seconds"), metric=config["metrics"], checkpoint=config["checkpoints"]),
        ped=of_study(PED_SECONDS, refined=PLAN.refined, checkpoint=config["checkpoints"]),
    output:
        "results/{study}/seconds/{dataset}.csv",
    log:
        "results/{study}/logs/seconds/{dataset}.log",
    params:
        files=arguments(
            seconds=[PLAN.score_pattern("seconds")],
            refinement_seconds=["results/{study}/ped/{dataset}/{checkpoint}/{refinement}.seconds.json"],
        ),
        names=[config["metrics"], list(PLAN.refinements), config["checkpoints"]],
        code=PLAN.code("collect"),


use rule scores as baseline_scores with:
    input:
        files=of_study(BASELINES, checkpoint=config["checkpoints"]),
    output:
        "results/{study}/scores/baselines/{dataset}.csv",
    log:
        "results/{study}/logs/scores/baselines/{dataset}.log",
    params:
        files=arguments(tables=[BASELINES]),
        names=config["checkpoints"],
        code=PLAN.code("collect"),


use rule scores as baseline_seconds with:
    input:
        files=of_study(BASELINE_SECONDS, checkpoint=config["checkpoints"]),
    output:
        "results/{study}/seconds/baselines/{dataset}.csv",
    log:
        "results/{study}/logs/seconds/baselines/{dataset}.log",
    params:
        files=arguments(tables=[BASELINE_SECONDS]),
        names=config["checkpoints"],
        code=PLAN.code("collect"),
