"""
The figures, each drawn from files alone, as PDF, PNG and the numbers behind it; and the report, one page that needs nothing else.

in:  results/{study}/ablation.csv, results/{study}/ablation/{dataset}.forces.csv                     figures 4, 5
     results/{study}/features/{dataset}/{checkpoint}.safetensors, results/{study}/ped/...            figure 6, motion
     results/{study}/scores/, seconds/, ground_truth/, summary.csv                                  figure 7, the others
out: results/{study}/figures/figure{4,5,6,7}.{csv,pdf,png}     the paper's
     results/{study}/figures/scatter-{dataset}.*               score against accuracy, by method
     results/{study}/figures/critical-difference.*             mean ranks of the methods over datasets
     results/{study}/figures/cost.*                            seconds against weighted tau
     results/{study}/figures/agreement.*                       between rankings
     results/{study}/figures/motion.*                          the classes moving step by step
     results/{study}/report.html                               everything, for a browser
"""


rule figure4:
    input:
        "results/{study}/ablation.csv",
    output:
        csv="results/{study}/figures/figure4.csv",
        pdf="results/{study}/figures/figure4.pdf",
        png=report(
            "results/{study}/figures/figure4.png",
            caption="../report/figure4.rst",
            category="Figures",
            labels={"figure": "4: gain by radius coefficient and time step"},
        ),
    log:
        "results/{study}/logs/figure4.log",
    conda:
        "../envs/core.yaml"
    params:
        options=ablation_options(),
        code=code_digest("scripts/figure4.py"),
    shell:
        'python "$PEDRANK/scripts/figure4.py" --ablation {input} --options {params.options:q}'
        " --csv {output.csv} --pdf {output.pdf} --png {output.png} 2> {log}"


rule figure5:
    input:
        ablation="results/{study}/ablation.csv",
        forces=collect("results/{{study}}/ablation/{dataset}.forces.csv", dataset=config["ablation"]["datasets"]),
    output:
        csv="results/{study}/figures/figure5.csv",
        pdf="results/{study}/figures/figure5.pdf",
        png=report(
            "results/{study}/figures/figure5.png",
            caption="../report/figure5.rst",
            category="Figures",
            labels={"figure": "5: force by step, end conditions"},
        ),
    log:
        "results/{study}/logs/figure5.log",
    conda:
        "../envs/core.yaml"
    params:
        options=ablation_options(),
        code=code_digest("scripts/figure5.py"),
    shell:
        'python "$PEDRANK/scripts/figure5.py" --ablation {input.ablation} --forces {input.forces}'
        " --options {params.options:q} --csv {output.csv} --pdf {output.pdf} --png {output.png} 2> {log}"


rule figure6:
    input:
        images=shown_images(),
        features=expand("results/{{study}}/features/{dataset}/{checkpoint}.safetensors", **config["figures"]["tsne"]),
        displacement=expand(
            "results/{{study}}/ped/{dataset}/{checkpoint}/{refinement}.safetensors", **config["figures"]["tsne"]
        ),
    output:
        csv="results/{study}/figures/figure6.csv",
        pdf="results/{study}/figures/figure6.pdf",
        png=report(
            "results/{study}/figures/figure6.png",
            caption="../report/figure6.rst",
            category="Figures",
            labels={"figure": "6: t-SNE before and after"},
        ),
    log:
        "results/{study}/logs/figure6.log",
    benchmark:
        "results/{study}/logs/figure6.seconds.tsv"
    priority: 1  # the slowest figure, drawn while there is other work beside it
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=megabytes(1000, of_features=2),
        runtime=minutes(60),
    params:
        title="{checkpoint} on {dataset}".format(**config["figures"]["tsne"]),
        refinement=config["figures"]["tsne"]["refinement"],
        code=code_digest("scripts/figure6.py"),
    shell:
        'python "$PEDRANK/scripts/figure6.py" --images {input.images} --features {input.features}'
        " --displacement {input.displacement} --refinement {params.refinement} --title {params.title:q}"
        " --csv {output.csv} --pdf {output.pdf} --png {output.png} 2> {log}"


rule figure7:
    input:
        scores=collect("results/{{study}}/scores/{dataset}.csv", dataset=config["figures"]["ranks"]["datasets"]),
        ground_truth=collect(
            "results/{{study}}/ground_truth/{dataset}.csv", dataset=config["figures"]["ranks"]["datasets"]
        ),
    output:
        csv="results/{study}/figures/figure7.csv",
        pdf="results/{study}/figures/figure7.pdf",
        png=report(
            "results/{study}/figures/figure7.png",
            caption="../report/figure7.rst",
            category="Figures",
            labels={"figure": "7: ranks before and after"},
        ),
    log:
        "results/{study}/logs/figure7.log",
    conda:
        "../envs/core.yaml"
    params:
        datasets=config["figures"]["ranks"]["datasets"],
        metric=config["figures"]["ranks"]["metric"],
        refinement=config["figures"]["ranks"]["refinement"],
        code=code_digest("scripts/figure7.py"),
    shell:
        'python "$PEDRANK/scripts/figure7.py" --scores {input.scores} --ground-truth {input.ground_truth}'
        " --datasets {params.datasets} --metric {params.metric} --refinement {params.refinement}"
        " --csv {output.csv} --pdf {output.pdf} --png {output.png} 2> {log}"


rule motion:
    input:
        images=shown_images(),
        features=expand("results/{{study}}/features/{dataset}/{checkpoint}.safetensors", **config["figures"]["tsne"]),
        statistics=expand(
            "results/{{study}}/features/{dataset}/{checkpoint}.statistics.safetensors", **config["figures"]["tsne"]
        ),
        reference=expand(REFERENCE, study="{study}", **config["figures"]["tsne"]),
        displacement=expand(
            "results/{{study}}/ped/{dataset}/{checkpoint}/{refinement}.safetensors", **config["figures"]["tsne"]
        ),
    output:
        csv="results/{study}/figures/motion.csv",
        pdf="results/{study}/figures/motion.pdf",
        png=report(
            "results/{study}/figures/motion.png",
            caption="../report/motion.rst",
            category="Figures",
            labels={"figure": "the classes moving step by step"},
        ),
    log:
        "results/{study}/logs/motion.log",
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=megabytes(1000, of_features=2),
        runtime=minutes(60),
    params:
        title="{checkpoint} on {dataset}, {refinement}, where the classes move most".format(**config["figures"]["tsne"]),
        options=json.dumps(MOVED[config["figures"]["tsne"]["refinement"]], sort_keys=True),
        code=code_digest("scripts/motion.py"),
    shell:
        'python "$PEDRANK/scripts/motion.py" --images {input.images} --features {input.features}'
        " --statistics {input.statistics} --reference {input.reference} --displacement {input.displacement}"
        " --options {params.options:q} --title {params.title:q}"
        " --csv {output.csv} --pdf {output.pdf} --png {output.png} 2> {log}"


rule figures:
    input:
        scores=[
            *collect("results/{{study}}/scores/{dataset}.csv", dataset=config["datasets"]),
            *baseline_files("scores"),
        ],
        seconds=[
            *collect("results/{{study}}/seconds/{dataset}.csv", dataset=config["datasets"]),
            *baseline_files("seconds"),
        ],
        ground_truth=collect("results/{{study}}/ground_truth/{dataset}.csv", dataset=config["datasets"]),
        summary="results/{study}/summary.csv",
    output:
        collect("results/{{study}}/figures/{figure}.{ext}", figure=BEYOND, ext=["csv", "pdf"]),
        scatter=report(
            collect("results/{{study}}/figures/scatter-{dataset}.png", dataset=config["datasets"]),
            caption="../report/scatter.rst",
            category="Figures",
            labels={"figure": "score against accuracy"},
        ),
        critical_difference=report(
            "results/{study}/figures/critical-difference.png",
            caption="../report/critical-difference.rst",
            category="Figures",
            labels={"figure": "critical difference"},
        ),
        cost=report(
            "results/{study}/figures/cost.png",
            caption="../report/cost.rst",
            category="Figures",
            labels={"figure": "cost against quality"},
        ),
        agreement=report(
            "results/{study}/figures/agreement.png",
            caption="../report/agreement.rst",
            category="Figures",
            labels={"figure": "agreement between rankings"},
        ),
    log:
        "results/{study}/logs/figures.log",
    conda:
        "../envs/core.yaml"
    params:
        code=code_digest("scripts/figures.py"),
    shell:
        'python "$PEDRANK/scripts/figures.py" --scores {input.scores} --seconds {input.seconds}'
        " --ground-truth {input.ground_truth} --summary {input.summary}"
        " --out results/{wildcards.study}/figures 2> {log}"


rule page:
    input:
        config="results/{study}/config.yaml",
        summary="results/{study}/summary.csv",
        scores=[
            *collect("results/{{study}}/scores/{dataset}.csv", dataset=config["datasets"]),
            *collect("results/{{study}}/seconds/{dataset}.csv", dataset=config["datasets"]),
            *baseline_files("scores"),
            *baseline_files("seconds"),
        ],
        ground_truth=collect("results/{{study}}/ground_truth/{dataset}.csv", dataset=config["datasets"]),
        tables=collect("results/{{study}}/tables/{table}.csv", table=tables()),
        figures=collect("results/{{study}}/figures/{figure}.png", figure=[*PAPERS, *BEYOND]),
    output:
        "results/{study}/report.html",
    log:
        "results/{study}/logs/report.log",
    conda:
        "../envs/core.yaml"
    params:
        captions=captions_digest(),
        code=code_digest("scripts/report.py"),
    shell:
        'python "$PEDRANK/scripts/report.py" --results results/{wildcards.study} --captions "$PEDRANK/report"'
        " --out {output} 2> {log}"
