"""
Evaluation: every metric and refinement against the ground truth, and the tables.

in:  results/{study}/{scores,seconds}/{dataset}.csv, results/{study}/{scores,seconds}/baselines/{dataset}.csv,
     results/{study}/scores/prior/{dataset}.csv, results/{study}/ground_truth/{dataset}.csv, pedrank/published/table1.csv
out: results/{study}/summary.csv                       correlations, p-values, intervals, regret, stability
     results/{study}/per-checkpoint.csv                every score with its seconds and the checkpoint's accuracy
     results/{study}/tables/table1                     weighted tau of each metric and refinement by dataset
     results/{study}/tables/table1-published           the same beside the published values
     results/{study}/tables/table2                     seconds by metric
     results/{study}/tables/selection                  accuracy lost by trusting each ranking
     results/{study}/tables/ground-truth               accuracy by checkpoint and dataset

{name}.made-by.json beside summary.csv, per-checkpoint.csv and each table records version, options and hashes of the inputs.
"""


rule summary:
    input:
        scores=of_study(*PLAN.tables_of("scores")),
        ground_truth=of_study(GROUND_TRUTH),
    output:
        csv="results/{study}/summary.csv",
        made_by="results/{study}/summary.made-by.json",
    log:
        "results/{study}/logs/summary.log",
    conda:
        environment("core")
    params:
        inputs=arguments(scores=PLAN.tables_of("scores"), ground_truth=[GROUND_TRUTH]),
        datasets=config["datasets"],
        code=PLAN.code("summary"),
    shell:
        'python "$PEDRANK/scripts/summary.py" {params.inputs} --study "$PEDRANK_STUDY"'
        " --out {output.csv} --made-by {output.made_by} 2> {log}"


rule per_checkpoint:
    input:
        scores=of_study(*PLAN.tables_of("scores")),
        seconds=of_study(*PLAN.tables_of("seconds")),
        ground_truth=of_study(GROUND_TRUTH),
    output:
        csv="results/{study}/per-checkpoint.csv",
        made_by="results/{study}/per-checkpoint.made-by.json",
    log:
        "results/{study}/logs/per-checkpoint.log",
    conda:
        environment("core")
    params:
        inputs=arguments(
            scores=PLAN.tables_of("scores"), seconds=PLAN.tables_of("seconds"), ground_truth=[GROUND_TRUTH]
        ),
        datasets=config["datasets"],
        code=PLAN.code("per_checkpoint"),
    shell:
        'python "$PEDRANK/scripts/per_checkpoint.py" {params.inputs} --study "$PEDRANK_STUDY"'
        " --out {output.csv} --made-by {output.made_by} 2> {log}"


rule table1:
    input:
        summary="results/{study}/summary.csv",
    output:
        **table_files("table1", "1: weighted tau by metric and dataset"),
    log:
        "results/{study}/logs/table1.log",
    conda:
        environment("core")
    params:
        table="table1",
        inputs=arguments(summary=["results/{study}/summary.csv"]),
        code=PLAN.table_code("table1"),
    shell:
        'python "$PEDRANK/scripts/table.py" {params.table} {params.inputs} --study "$PEDRANK_STUDY"'
        " --out {output.csv} {output.md} {output.tex} {output.html} --made-by {output.made_by} 2> {log}"


use rule table1 as table1_published with:
    input:
        summary="results/{study}/summary.csv",
        published=shipped(PUBLISHED / "table1.csv"),
    output:
        **table_files("table1-published", "1, published and measured"),
    log:
        "results/{study}/logs/table1-published.log",
    params:
        table="table1-published",
        inputs=arguments(summary=["results/{study}/summary.csv"], published=[shipped(PUBLISHED / "table1.csv")]),
        code=PLAN.table_code("table1-published"),


use rule table1 as table2 with:
    input:
        seconds=of_study(*PLAN.tables_of("seconds")),
    output:
        **table_files("table2", "2: seconds by metric"),
    log:
        "results/{study}/logs/table2.log",
    params:
        table="table2",
        inputs=arguments(seconds=PLAN.tables_of("seconds")),
        code=PLAN.table_code("table2"),


use rule table1 as selection with:
    output:
        **table_files("selection", "what trusting each ranking costs"),
    log:
        "results/{study}/logs/selection.log",
    params:
        table="selection",
        inputs=arguments(summary=["results/{study}/summary.csv"]),
        code=PLAN.table_code("selection"),


use rule table1 as accuracies with:
    input:
        ground_truth=of_study(GROUND_TRUTH),
    output:
        **table_files("ground-truth", "ground truth"),
    log:
        "results/{study}/logs/ground-truth.log",
    params:
        table="accuracies",
        inputs=arguments(ground_truth=[GROUND_TRUTH]),
        code=PLAN.table_code("accuracies"),
