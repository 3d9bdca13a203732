"""
Ranking: which checkpoint to fine-tune where nobody knows the accuracies, and how far that depends on metric and images.

in:  results/{study}/{scores,seconds}/{dataset}.csv, results/{study}/{scores,seconds}/baselines/{dataset}.csv
     results/{study}/features/{dataset}/{checkpoint}.safetensors, results/{study}/reference/{checkpoint}.safetensors
     results/{study}/finetune/{dataset}.csv (where a ranking is to be confirmed)
out: results/{study}/ranking/{dataset}/{checkpoint}.csv           scores on random halves of the images
     results/{study}/ranking/{dataset}.{csv,json,md,html}         the ranking; the JSON holds the recommendation
     results/{study}/ranking/{dataset}.stability.{pdf,png}        scores on the halves, checkpoint by checkpoint
     results/{study}/confirm/{dataset}.json                       what fine-tuning the highest-ranked has shown
     results/{study}/report.html                                  everything, for a browser
"""

RANKED_BY = config["ranking"]
RANKINGS = ["", "baselines/"] if config["baselines"] else [""]  # of the metric that ranks, of the others
MOVED_BY = MOVED.get(RANKED_BY["refinement"])

if FINETUNED:

    include: "finetune.smk"


rule halves:
    input:
        features=expand("results/{{study}}/features/{{dataset}}/{checkpoint}.safetensors", checkpoint=TOGETHER),
        references=expand(REFERENCE, checkpoint=TOGETHER if MOVED_BY else [], allow_missing=True),
    output:
        expand("results/{{study}}/ranking/{{dataset}}/{checkpoint}.csv", checkpoint=TOGETHER),
    log:
        expand("results/{{study}}/logs/halves/{{dataset}}/{checkpoint}.log", checkpoint=TOGETHER[0]),
    benchmark:
        expand("results/{{study}}/logs/halves/{{dataset}}/{checkpoint}.seconds.tsv", checkpoint=TOGETHER[0])[0]
    conda:
        "../envs/core.yaml"
    threads: 4
    resources:
        mem_mb=megabytes(1000, of_features=2),
        runtime=minutes(60),
    params:
        checkpoints=TOGETHER,
        metric=RANKED_BY["metric"],
        options=json.dumps(config["metric_options"].get(RANKED_BY["metric"], {}), sort_keys=True),
        refinement=json.dumps(MOVED_BY, sort_keys=True),
        plugins=config["plugins"],
        code=code_digest("scripts/halves.py", *metric_files([RANKED_BY["metric"]])) + plugins_digest(),
    shell:
        'python "$PEDRANK/scripts/halves.py" --checkpoints {params.checkpoints} --features {input.features}'
        " --references {input.references} --metric {params.metric} --options {params.options:q}"
        " --refinement {params.refinement:q} --plugins {params.plugins:q} --out {output} 2> {log}"


rule ranking:
    input:
        scores=[f"results/{{study}}/scores/{part}{{dataset}}.csv" for part in RANKINGS],
        seconds=[f"results/{{study}}/seconds/{part}{{dataset}}.csv" for part in RANKINGS],
        halves=collect("results/{{study}}/ranking/{{dataset}}/{checkpoint}.csv", checkpoint=config["checkpoints"]),
    output:
        tables=multiext("results/{study}/ranking/{dataset}", ".csv", ".md", ".html"),
        json="results/{study}/ranking/{dataset}.json",
        figure=multiext("results/{study}/ranking/{dataset}.stability", ".pdf", ".png"),
    log:
        "results/{study}/logs/ranking/{dataset}.log",
    conda:
        "../envs/core.yaml"
    params:
        checkpoints=config["checkpoints"],
        metric=RANKED_BY["metric"],
        refinement=RANKED_BY["refinement"],
        code=code_digest("scripts/ranking.py"),
    shell:
        'python "$PEDRANK/scripts/ranking.py" --scores {input.scores} --seconds {input.seconds}'
        " --halves results/{wildcards.study}/ranking/{wildcards.dataset} --checkpoints {params.checkpoints}"
        " --dataset {wildcards.dataset} --metric {params.metric} --refinement {params.refinement}"
        " --tables {output.tables} --json {output.json} --figure {output.figure} 2> {log}"


rule confirm:
    input:
        ranking="results/{study}/ranking/{dataset}.json",
        runs="results/{study}/finetune/{dataset}.csv",
    output:
        "results/{study}/confirm/{dataset}.json",
    log:
        "results/{study}/logs/confirm/{dataset}.log",
    conda:
        "../envs/core.yaml"
    params:
        checkpoints=FINETUNED,
        code=code_digest("scripts/confirm.py"),
    shell:
        'python "$PEDRANK/scripts/confirm.py" --ranking {input.ranking} --runs {input.runs}'
        " --checkpoints {params.checkpoints} --folder results/{wildcards.study}/finetune/{wildcards.dataset}"
        " --out {output} 2> {log}"


rule page:
    input:
        config="results/{study}/config.yaml",
        rankings=collect(
            "results/{{study}}/ranking/{dataset}.{ext}",
            dataset=config["datasets"],
            ext=["csv", "json", "stability.png"],
        ),
        confirmations=confirmations("{study}"),
    output:
        "results/{study}/report.html",
    log:
        "results/{study}/logs/report.log",
    conda:
        "../envs/core.yaml"
    params:
        confirmed=FINETUNED,
        code=code_digest("scripts/ranking_report.py"),
    shell:
        'python "$PEDRANK/scripts/ranking_report.py" --results results/{wildcards.study} --out {output} 2> {log}'
