"""
Figures 4 to 7 of the paper, each drawn from files alone, as PDF and PNG.

in:  results/{study}/ablation.csv, results/{study}/ablation/{dataset}.forces.csv                     figures 4, 5
     results/{study}/features/{dataset}/{checkpoint}.safetensors, results/{study}/ped/...            figure 6
     results/{study}/scores/{dataset}.csv, results/{study}/ground_truth/{dataset}.csv                figure 7
out: results/{study}/figures/figure{4,5,6,7}.{pdf,png}, results/{study}/figures/figure6.csv (the two maps)
"""


rule figure4:
    input:
        "results/{study}/ablation.csv",
    output:
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
        " --pdf {output.pdf} --png {output.png} 2> {log}"


rule figure5:
    input:
        ablation="results/{study}/ablation.csv",
        forces=collect("results/{{study}}/ablation/{dataset}.forces.csv", dataset=config["ablation"]["datasets"]),
    output:
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
        " --options {params.options:q} --pdf {output.pdf} --png {output.png} 2> {log}"


rule figure6:
    input:
        images=expand(
            "results/data/{dataset}/images-{size}.safetensors", size=config["image_size"], **config["figures"]["tsne"]
        ),
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
    priority: 1  # the slowest figure, drawn while there is other work beside it
    conda:
        "../envs/core.yaml"
    params:
        refinement=config["figures"]["tsne"]["refinement"],
        code=code_digest("scripts/figure6.py"),
    shell:
        'python "$PEDRANK/scripts/figure6.py" --images {input.images} --features {input.features}'
        " --displacement {input.displacement} --refinement {params.refinement}"
        " --csv {output.csv} --pdf {output.pdf} --png {output.png} 2> {log}"


rule figure7:
    input:
        scores=collect("results/{{study}}/scores/{dataset}.csv", dataset=config["figures"]["ranks"]["datasets"]),
        ground_truth=collect(
            "results/{{study}}/ground_truth/{dataset}.csv", dataset=config["figures"]["ranks"]["datasets"]
        ),
    output:
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
        " --pdf {output.pdf} --png {output.png} 2> {log}"
