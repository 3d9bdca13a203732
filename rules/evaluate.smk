"""
Evaluation: every metric and refinement against the ground truth, and the tables.

in:  results/{study}/scores/{dataset}.csv, results/{study}/seconds/{dataset}.csv, results/{study}/ground_truth/{dataset}.csv,
     results/{study}/features/{dataset}/{checkpoint}.safetensors (of the baselines)
out: results/{study}/config.yaml                       the configuration that was run, defaults included
     results/{study}/baselines/{dataset}/{checkpoint}.csv            scores of the baselines
     results/{study}/baselines/{dataset}/{checkpoint}.seconds.csv    what they cost
     results/{study}/{scores,seconds}/baselines/{dataset}.csv        both as one table of the dataset
     results/{study}/summary.csv                       correlations, p-values, intervals, regret, stability
     results/{study}/tables/table1                     weighted tau: metric x refinement by dataset
     results/{study}/tables/table1-published           the same beside the paper's, where it has them
     results/{study}/tables/table2                     seconds by metric
     results/{study}/tables/selection                  what trusting each ranking costs
     results/{study}/tables/ground-truth               accuracy by checkpoint and dataset
"""


rule config:
    output:
        "results/{study}/config.yaml",
    log:
        "results/{study}/logs/config.log",
    conda:
        "../envs/core.yaml"
    params:
        config=options(),
    shell:
        'python "$PEDRANK/scripts/config.py" --config {params.config:q} --out {output} 2> {log}'


rule baselines:
    input:
        features=expand("results/{{study}}/features/{{dataset}}/{checkpoint}.safetensors", checkpoint=TOGETHER),
    output:
        scores=expand("results/{{study}}/baselines/{{dataset}}/{checkpoint}.csv", checkpoint=TOGETHER),
        seconds=expand("results/{{study}}/baselines/{{dataset}}/{checkpoint}.seconds.csv", checkpoint=TOGETHER),
    log:
        expand("results/{{study}}/logs/baselines/{{dataset}}/{checkpoint}.log", checkpoint=TOGETHER[0]),
    benchmark:
        expand("results/{{study}}/logs/baselines/{{dataset}}/{checkpoint}.seconds.tsv", checkpoint=TOGETHER[0])[0]
    conda:
        "../envs/core.yaml"
    threads: 4
    resources:
        mem_mb=megabytes(1000, of_features=2),
        runtime=minutes(60),
    params:
        checkpoints=TOGETHER,
        metrics=config["baselines"],
        options=options("metric_options"),
        plugins=config["plugins"],
        code=code_digest("scripts/baselines.py", *metric_files(config["baselines"])) + plugins_digest(),
    shell:
        'python "$PEDRANK/scripts/baselines.py" --dataset {wildcards.dataset} --checkpoints {params.checkpoints}'
        " --features {input.features} --metrics {params.metrics} --options {params.options:q}"
        " --plugins {params.plugins:q} --threads {threads} --scores {output.scores} --seconds {output.seconds} 2> {log}"


rule baselines_table:
    input:
        collect(
            "results/{{study}}/baselines/{{dataset}}/{checkpoint}.{ext}",
            checkpoint=config["checkpoints"],
            ext=["csv", "seconds.csv"],
        ),
    output:
        scores="results/{study}/scores/baselines/{dataset}.csv",
        seconds="results/{study}/seconds/baselines/{dataset}.csv",
    log:
        "results/{study}/logs/baselines/{dataset}.log",
    conda:
        "../envs/core.yaml"
    params:
        checkpoints=config["checkpoints"],
        code=code_digest("scripts/baselines_table.py"),
    shell:
        'python "$PEDRANK/scripts/baselines_table.py"'
        " --folder results/{wildcards.study}/baselines/{wildcards.dataset} --checkpoints {params.checkpoints}"
        " --scores {output.scores} --seconds {output.seconds} 2> {log}"


rule summary:
    input:
        scores=[
            *collect("results/{{study}}/scores/{dataset}.csv", dataset=config["datasets"]),
            *baseline_files("scores"),
        ],
        ground_truth=collect("results/{{study}}/ground_truth/{dataset}.csv", dataset=config["datasets"]),
    output:
        "results/{study}/summary.csv",
    log:
        "results/{study}/logs/summary.log",
    conda:
        "../envs/core.yaml"
    params:
        code=code_digest("scripts/summary.py"),
    shell:
        'python "$PEDRANK/scripts/summary.py" --scores {input.scores} --ground-truth {input.ground_truth}'
        " --out {output} 2> {log}"


rule table1:
    input:
        "results/{study}/summary.csv",
    output:
        csv="results/{study}/tables/table1.csv",
        md="results/{study}/tables/table1.md",
        tex="results/{study}/tables/table1.tex",
        html=report(
            "results/{study}/tables/table1.html",
            caption="../report/table1.rst",
            category="Tables",
            labels={"table": "1: weighted tau by metric and dataset"},
        ),
    log:
        "results/{study}/logs/table1.log",
    conda:
        "../envs/core.yaml"
    params:
        code=code_digest("scripts/table1.py"),
    shell:
        'python "$PEDRANK/scripts/table1.py" --summary {input} --out {output} 2> {log}'


rule table1_published:
    input:
        "results/{study}/summary.csv",
    output:
        csv="results/{study}/tables/table1-published.csv",
        md="results/{study}/tables/table1-published.md",
        tex="results/{study}/tables/table1-published.tex",
        html=report(
            "results/{study}/tables/table1-published.html",
            caption="../report/table1-published.rst",
            category="Tables",
            labels={"table": "1, published and measured"},
        ),
    log:
        "results/{study}/logs/table1-published.log",
    conda:
        "../envs/core.yaml"
    params:
        code=code_digest("scripts/table1_published.py"),
    shell:
        'python "$PEDRANK/scripts/table1_published.py" --summary {input} --out {output} 2> {log}'


rule table2:
    input:
        collect("results/{{study}}/seconds/{dataset}.csv", dataset=config["datasets"]),
        baseline_files("seconds"),
    output:
        csv="results/{study}/tables/table2.csv",
        md="results/{study}/tables/table2.md",
        tex="results/{study}/tables/table2.tex",
        html=report(
            "results/{study}/tables/table2.html",
            caption="../report/table2.rst",
            category="Tables",
            labels={"table": "2: seconds by metric"},
        ),
    log:
        "results/{study}/logs/table2.log",
    conda:
        "../envs/core.yaml"
    params:
        code=code_digest("scripts/table2.py"),
    shell:
        'python "$PEDRANK/scripts/table2.py" --seconds {input} --out {output} 2> {log}'


rule selection:
    input:
        "results/{study}/summary.csv",
    output:
        csv="results/{study}/tables/selection.csv",
        md="results/{study}/tables/selection.md",
        tex="results/{study}/tables/selection.tex",
        html=report(
            "results/{study}/tables/selection.html",
            caption="../report/selection.rst",
            category="Tables",
            labels={"table": "what trusting each ranking costs"},
        ),
    log:
        "results/{study}/logs/selection.log",
    conda:
        "../envs/core.yaml"
    params:
        code=code_digest("scripts/selection.py"),
    shell:
        'python "$PEDRANK/scripts/selection.py" --summary {input} --out {output} 2> {log}'


rule accuracies:
    input:
        collect("results/{{study}}/ground_truth/{dataset}.csv", dataset=config["datasets"]),
    output:
        csv="results/{study}/tables/ground-truth.csv",
        md="results/{study}/tables/ground-truth.md",
        tex="results/{study}/tables/ground-truth.tex",
        html=report(
            "results/{study}/tables/ground-truth.html",
            caption="../report/ground-truth.rst",
            category="Tables",
            labels={"table": "ground truth"},
        ),
    log:
        "results/{study}/logs/ground-truth.log",
    conda:
        "../envs/core.yaml"
    params:
        code=code_digest("scripts/accuracies.py"),
    shell:
        'python "$PEDRANK/scripts/accuracies.py" --ground-truth {input} --out {output} 2> {log}'
