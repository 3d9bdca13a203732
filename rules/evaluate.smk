"""
Evaluation: rank correlation of every metric and refinement with the ground truth, and the paper's two tables.

in:  results/{study}/scores/{dataset}.csv, results/{study}/seconds/{dataset}.csv, results/{study}/ground_truth/{dataset}.csv
out: results/{study}/config.yaml      the configuration that was run, defaults included
     results/{study}/summary.csv      weighted tau with n, p-value, interval and paired difference
     results/{study}/tables/table1    weighted tau: metric x refinement by dataset
     results/{study}/tables/table2    seconds by metric
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


rule summary:
    input:
        scores=collect("results/{{study}}/scores/{dataset}.csv", dataset=config["datasets"]),
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


rule table2:
    input:
        collect("results/{{study}}/seconds/{dataset}.csv", dataset=config["datasets"]),
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
