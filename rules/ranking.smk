"""
Ranking: which checkpoint to fine-tune if accuracies are unknown, and how much that depends on metric and images.

in:  results/{study}/{scores,seconds}/{dataset}.csv, results/{study}/{scores,seconds}/baselines/{dataset}.csv
     results/{study}/features/{dataset}/{checkpoint}.safetensors, results/{study}/reference/{checkpoint}.safetensors
     results/{study}/finetune/{dataset}.csv, {dataset}.seconds.csv (if a ranking is to be confirmed), {dataset}.race.json
     pedrank/published/*.csv, pedrank/ranking/combination.json, a record of the user's
out: results/{study}/ranking/{dataset}/{checkpoint}.csv           scores on random halves of the images
     results/{study}/ranking/{dataset}.{csv,json,md,html}         the ranking; the JSON holds the recommendation
     results/{study}/ranking/{dataset}.stability.{pdf,png}        scores on the halves, checkpoint by checkpoint
     results/{study}/ranking/{dataset}.front.{pdf,png}            accuracy against cost (if costs are known)
     results/{study}/confirm/{dataset}.json                       result of fine-tuning the highest-ranked
     results/{study}/winner/{dataset}/                            the winner's weights and its model card (with `keep`)
     results/{study}/report.html                                  everything, for a browser
"""

RANKED_BY = config["ranking"]
MOVED_BY = PLAN.refined.get(RANKED_BY["refinement"])
HALVES = "results/{study}/ranking/{dataset}/{checkpoint}.csv"

if PLAN.finetuned:

    include: "finetune.smk"


rule halves:
    input:
        features=of_job(FEATURES),
        references=of_job(PLAN.reference) if MOVED_BY else [],
    output:
        of_job(HALVES),
    log:
        f"results/{{study}}/logs/halves/{{dataset}}/{CHECKPOINTS_PER_JOB[0]}.log",
    benchmark:
        f"results/{{study}}/logs/halves/{{dataset}}/{CHECKPOINTS_PER_JOB[0]}.seconds.tsv"
    conda:
        environment("core")
    threads: 4
    resources:
        mem_mb=megabytes(1000, metrics=lambda wildcards: [RANKED_BY["metric"]]),
        runtime=minutes(60),
    params:
        inputs=arguments(features=[FEATURES], **({"references": [PLAN.reference]} if MOVED_BY else {})),
        out=pattern(HALVES),
        metric=RANKED_BY["metric"],
        options=PLAN.metric_options([RANKED_BY["metric"]]),
        refinement=MOVED_BY,
        plugins=lambda wildcards: config["plugins"],
        code=PLAN.refinements_code("halves", [MOVED_BY] if MOVED_BY else [], [RANKED_BY["metric"]]),
    shell:
        'python "$PEDRANK/scripts/halves.py" {params.inputs} --study "$PEDRANK_STUDY" --metric {params.metric}'
        " --options {params.options:q} --plugins {params.plugins:q} --out {params.out} 2> {log}"


rule ranking:
    input:
        **PLAN.recorded(),
        scores=PLAN.tables_of("scores"),
        seconds=PLAN.tables_of("seconds"),
        halves=of_study(HALVES, checkpoint=config["checkpoints"]),
        features=of_study(FEATURES, checkpoint=config["checkpoints"][0]),
        references=of_study(PLAN.reference, checkpoint=config["checkpoints"][0]) if MOVED_BY else [],
        weights=PLAN.user_weights,
        published=shipped(PUBLISHED / "table1.csv"),
        accuracies=PLAN.published_accuracies(),
        licences=shipped(PUBLISHED / "timm-licences.csv"),
        learned=shipped(PARAMETERS),
    output:
        tables=multiext("results/{study}/ranking/{dataset}", ".csv", ".md", ".html"),
        json="results/{study}/ranking/{dataset}.json",
        figure=multiext("results/{study}/ranking/{dataset}.stability", ".pdf", ".png"),
        front=multiext("results/{study}/ranking/{dataset}.front", ".pdf", ".png") if PLAN.has_costs else [],
    log:
        "results/{study}/logs/ranking/{dataset}.log",
    conda:
        environment("core")
    params:
        checkpoints=config["checkpoints"],
        halves=pattern(HALVES),
        metric=RANKED_BY["metric"],
        refinement=RANKED_BY["refinement"],
        by=RANKED_BY["by"],
        known=PLAN.known_weights(),
        recorded=record_of,
        costs=PLAN.known_costs(),
        notes=ask(PLAN.dataset_notes),
        code=PLAN.ranking_code(),
    shell:
        'python "$PEDRANK/scripts/ranking.py" --scores {input.scores} --seconds {input.seconds}'
        ' --halves {params.halves} --features {input.features} --references {input.references} --study "$PEDRANK_STUDY"'
        " --weights {input.weights} --published {input.published:q} {params.recorded}"
        " --notes {params.notes:q} --dataset {wildcards.dataset} --by {params.by} --metric {params.metric}"
        " --refinement {params.refinement}"
        " --tables {output.tables} --json {output.json} --figure {output.figure} {output.front} 2> {log}"


rule confirm:
    input:
        ranking="results/{study}/ranking/{dataset}.json",
        runs="results/{study}/finetune/{dataset}.csv",
        seconds="results/{study}/finetune/{dataset}.seconds.csv",
        race="results/{study}/finetune/{dataset}.race.json" if PLAN.budget else [],
    output:
        "results/{study}/confirm/{dataset}.json",
    log:
        "results/{study}/logs/confirm/{dataset}.log",
    conda:
        environment("core")
    params:
        checkpoints=PLAN.finetuned,
        race=lambda wildcards, input: f"--race {input.race}" if PLAN.budget else "",
        code=PLAN.code("confirm"),
    shell:
        'python "$PEDRANK/scripts/confirm.py" --ranking {input.ranking} --runs {input.runs} --seconds {input.seconds}'
        ' --study "$PEDRANK_STUDY" {params.race} --out {output} 2> {log}'


if PLAN.keeps:

    rule keep_winner:
        input:
            **PLAN.raced_images(),
            checkpoints=collect("results/checkpoints/{checkpoint}.safetensors", checkpoint=PLAN.finetuned),
            confirmation="results/{study}/confirm/{dataset}.json",
            runs="results/{study}/finetune/{dataset}.csv",
        output:
            weights="results/{study}/winner/{dataset}/model.safetensors",
            card="results/{study}/winner/{dataset}/README.md",
            facts="results/{study}/winner/{dataset}/kept.json",
            run="results/{study}/winner/{dataset}/run.json",
            timing="results/{study}/winner/{dataset}/run.timing.json",
        log:
            "results/{study}/logs/winner/{dataset}.log",
        benchmark:
            "results/{study}/logs/winner/{dataset}.seconds.tsv"
        conda:
            environment("torch")
        threads: 8
        resources:
            gpu=1,
            mem_mb=megabytes(8000),
            runtime=minutes(RUN_MINUTES),
        params:
            images=pattern("results/data/{dataset}/images-{crop}.safetensors"),
            checkpoint=pattern("results/checkpoints/{finetuned}.safetensors"),
            training=PLAN.finetune_training(),
            metric=PLAN.dataset_metric,
            source=source_of,
            crops=PLAN.crops,
            code=ask(PLAN.network_code("finetune_run")),
        shell:
            'python "$PEDRANK/scripts/finetune_run.py" --images {params.images} {params.source}'
            " --metric {params.metric:q} --checkpoint {params.checkpoint} --training {params.training:q}"
            ' --study "$PEDRANK_STUDY" --code {params.code} --threads {threads} --gpu {resources.gpu}'
            " --winner {input.confirmation} --runs {input.runs}"
            " --out results/{wildcards.study}/winner/{wildcards.dataset} 2> {log}"


rule page:
    input:
        study=STUDY,
        rankings=of_study(
            "results/{study}/ranking/{dataset}.{ext}", dataset=config["datasets"], ext=["csv", "json", "stability.png"]
        ),
        fronts=of_study("results/{study}/ranking/{dataset}.front.png") if PLAN.has_costs else [],
        confirmations=of_study("results/{study}/confirm/{dataset}.json") if PLAN.finetuned else [],
        winners=of_study("results/{study}/winner/{dataset}/kept.json") if PLAN.keeps else [],
    output:
        "results/{study}/report.html",
    log:
        "results/{study}/logs/report.log",
    conda:
        environment("core")
    params:
        code=PLAN.page_code("ranking"),
    shell:
        'python "$PEDRANK/scripts/report.py" ranking --results results/{wildcards.study} --out {output} 2> {log}'
