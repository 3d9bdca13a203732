"""
Figures, each drawn from files only, as PDF, PNG and the numbers behind it; and the report, one page without other files.

in:  results/{study}/ablation.csv, results/{study}/ablation/{dataset}.forces.csv                     figures 4, 5
     results/{study}/features/{dataset}/{checkpoint}.safetensors, results/{study}/ped/...            figure 6, motion
     results/{study}/scores/, seconds/, ground_truth/, summary.csv                                  figure 7, the others
     report/{caption}.rst, pedrank/published/*.csv                                                  report.html
out: results/{study}/figures/figure{4,5,6,7}.{csv,pdf,png}     the paper's
     results/{study}/figures/scatter-{dataset}.*               score against accuracy, by method
     results/{study}/figures/critical-difference.*             mean ranks of the methods over datasets
     results/{study}/figures/cost.*                            seconds against weighted tau
     results/{study}/figures/agreement.*                       agreement between rankings
     results/{study}/figures/motion.*                          the classes moving step by step
     results/{study}/report.html                               everything, for a browser
     results/{study}/trace.html                                from each cell of Table 1 back to its inputs
"""

SHOWN = config["figures"]["tsne"]
RANKS = config["figures"]["ranks"]
FIGURE = "results/{study}/figures/{figure}.{ext}"


rule figure4:
    input:
        ablation="results/{study}/ablation.csv",
    output:
        **figure_files("figure4", "4: gain by radius coefficient and time step"),
    log:
        "results/{study}/logs/figure4.log",
    conda:
        environment("core")
    params:
        figures="figure4",
        inputs=arguments(ablation=["results/{study}/ablation.csv"]),
        options=json_of(PLAN.ablation_settings()),
        out=pattern(FIGURE),
        code=PLAN.figure_code("figure4"),
    shell:
        'python "$PEDRANK/scripts/figure.py" {params.figures} {params.inputs} --study "$PEDRANK_STUDY"'
        " --options {params.options:q} --out {params.out} 2> {log}"


use rule figure4 as figure5 with:
    input:
        ablation="results/{study}/ablation.csv",
        forces=of_study("results/{study}/ablation/{dataset}.forces.csv", dataset=config["ablation"]["datasets"]),
    output:
        **figure_files("figure5", "5: force by step, end conditions"),
    log:
        "results/{study}/logs/figure5.log",
    params:
        figures="figure5",
        inputs=arguments(
            ablation=["results/{study}/ablation.csv"], forces=["results/{study}/ablation/{swept}.forces.csv"]
        ),
        options=json_of(PLAN.ablation_settings()),
        out=pattern(FIGURE),
        code=PLAN.figure_code("figure5"),


use rule figure4 as figure6 with:
    input:
        images=PLAN.shown_images(),
        features=PLAN.shown(FEATURES),
        displacement=PLAN.shown(DISPLACEMENT),
    output:
        **figure_files("figure6", "6: t-SNE before and after"),
    log:
        "results/{study}/logs/figure6.log",
    benchmark:
        "results/{study}/logs/figure6.seconds.tsv"
    priority: 1  # the slowest figure, started early so that other jobs run beside it
    resources:
        mem_mb=megabytes(1000, of_features=2),
        runtime=minutes(60),
    params:
        figures="figure6",
        inputs=arguments(
            class_names=[PLAN.shown_images()], features=[PLAN.shown(FEATURES)], displacement=[PLAN.shown(DISPLACEMENT)]
        ),
        options=json_of({"title": f"{SHOWN['checkpoint']} on {SHOWN['dataset']}", "refinement": SHOWN["refinement"]}),
        out=pattern(FIGURE),
        code=PLAN.figure_code("figure6"),


use rule figure4 as figure7 with:
    input:
        scores=of_study("results/{study}/scores/{dataset}.csv", dataset=RANKS["datasets"]),
        ground_truth=of_study(GROUND_TRUTH, dataset=RANKS["datasets"]),
    output:
        **figure_files("figure7", "7: ranks before and after"),
    log:
        "results/{study}/logs/figure7.log",
    params:
        figures="figure7",
        inputs=arguments(
            scores=["results/{study}/scores/{shown}.csv"], ground_truth=["results/{study}/ground_truth/{shown}.csv"]
        ),
        options=json_of(RANKS),
        out=pattern(FIGURE),
        code=PLAN.figure_code("figure7"),


use rule figure4 as motion with:
    input:
        images=PLAN.shown_images(),
        features=PLAN.shown(FEATURES),
        statistics=PLAN.shown(STATISTICS),
        reference=PLAN.shown(PLAN.reference),
        displacement=PLAN.shown(DISPLACEMENT),
    output:
        **figure_files("motion", "the classes moving step by step"),
    log:
        "results/{study}/logs/motion.log",
    resources:
        mem_mb=megabytes(1000, of_features=2),
        runtime=minutes(60),
    params:
        figures="motion",
        inputs=arguments(
            class_names=[PLAN.shown_images()],
            features=[PLAN.shown(FEATURES)],
            statistics=[PLAN.shown(STATISTICS)],
            reference=[PLAN.shown(PLAN.reference)],
            displacement=[PLAN.shown(DISPLACEMENT)],
        ),
        options=json_of(
            {
                "title": f"{SHOWN['checkpoint']} on {SHOWN['dataset']}, {SHOWN['refinement']}, where the classes move most",
                "ped": PLAN.refined[SHOWN["refinement"]],
            }
        ),
        out=pattern(FIGURE),
        code=PLAN.figure_code("motion"),


use rule figure4 as figures with:
    input:
        scores=of_study(*PLAN.tables_of("scores")),
        seconds=of_study(*PLAN.tables_of("seconds")),
        ground_truth=of_study(GROUND_TRUTH),
        summary="results/{study}/summary.csv",
    output:
        of_study(FIGURE, figure=PLAN.extra_figures, ext=["csv", "pdf"]),
        scatter=report(
            of_study("results/{study}/figures/scatter-{dataset}.png"),
            caption="../report/scatter.rst",
            category="Figures",
            labels={"figure": "score against accuracy"},
        ),
        critical_difference=figure_files("critical-difference", "critical difference")["png"],
        cost=figure_files("cost", "cost against quality")["png"],
        agreement=figure_files("agreement", "agreement between rankings")["png"],
    log:
        "results/{study}/logs/figures.log",
    params:
        figures=["scatter", *CROSS_DATASET_FIGURES],
        inputs=arguments(
            scores=PLAN.tables_of("scores"),
            seconds=PLAN.tables_of("seconds"),
            ground_truth=[GROUND_TRUTH],
            summary=["results/{study}/summary.csv"],
        ),
        options=json_of({}),
        out=pattern(FIGURE),
        code=PLAN.figure_code("scatter", *CROSS_DATASET_FIGURES),


rule page:
    input:
        study=STUDY,
        summary="results/{study}/summary.csv",
        scores=of_study(*PLAN.tables_of("scores"), *PLAN.tables_of("seconds")),
        ground_truth=of_study(GROUND_TRUTH),
        tables=of_study("results/{study}/tables/{table}.csv", table=PLAN.tables),
        figures=of_study("results/{study}/figures/{figure}.png", figure=[*PAPER_FIGURES, *PLAN.extra_figures]),
        captions=sorted(shipped(path) for path in Path(ROOT, "report").glob("*.rst")),
        published=shipped(PUBLISHED / "table1.csv") if "table1-published" in PLAN.tables else [],
        known=PLAN.published_accuracies(),
    output:
        "results/{study}/report.html",
    log:
        "results/{study}/logs/report.log",
    conda:
        environment("core")
    params:
        published=lambda wildcards, input: f"--published {shlex.quote(input.published)}" if input.published else "",
        known=PLAN.known_weights(),
        code=PLAN.page_code("study"),
    shell:
        'python "$PEDRANK/scripts/report.py" study --results results/{wildcards.study} --captions "$PEDRANK/report"'
        " {params.published} --out {output} 2> {log}"


rule trace_page:
    input:
        study=STUDY,
        summary=multiext("results/{study}/summary", ".csv", ".made-by.json"),
        tables=of_study(*PLAN.tables_of("scores"), GROUND_TRUTH),
        scores=of_study(
            *PLAN.score_files("scores"),
            dataset=config["datasets"],
            metric=config["metrics"],
            checkpoint=config["checkpoints"],
        ),
        baselines=(
            of_study(BASELINES, dataset=config["datasets"], checkpoint=config["checkpoints"])
            if config["baselines"]
            else []
        ),
        runs=(
            of_study("results/{study}/finetune/{dataset}.csv")
            if config["ground_truth"]["source"] == "finetune"
            else []
        ),
        features=of_study(FEATURES, STATISTICS, dataset=config["datasets"], checkpoint=config["checkpoints"]),
        displacements=of_study(
            *([DISPLACEMENT, PLAN.reference] if PLAN.refined else []),
            dataset=config["datasets"],
            checkpoint=config["checkpoints"],
            refined=PLAN.refined,
        ),
        checkpoints=(
            expand("results/checkpoints/{checkpoint}.safetensors", checkpoint=config["checkpoints"])
            if PLAN.image_datasets
            else []
        ),
        images=expand(
            "results/data/{dataset}/images-{size}.safetensors",
            dataset=PLAN.image_datasets,
            size=sorted(set(PLAN.crops.values())) if PLAN.image_datasets else [],
        ),
    output:
        "results/{study}/trace.html",
    log:
        "results/{study}/logs/trace.log",
    conda:
        environment("core")
    params:
        code=PLAN.trace_code(),
    shell:
        'python "$PEDRANK/scripts/report.py" trace --results results/{wildcards.study} --out {output} 2> {log}'
