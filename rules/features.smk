"""
Features: one forward pass of each checkpoint over the scored rows of each dataset.

in:  results/data/{dataset}/images-{size}.safetensors, results/checkpoints/{checkpoint}.safetensors, or a user's own features
out: results/{study}/features/{dataset}/{checkpoint}.safetensors               features (N, D) float32, labels (N,)
     results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors    counts (C,), means and variances (C, D)
"""

STATISTICS = "results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors"


rule features:
    input:
        images=ask(PLAN.seen_images),
        checkpoints=of_job("results/checkpoints/{checkpoint}.safetensors"),
    output:
        features=of_job(FEATURES),
        statistics=of_job(STATISTICS),
    log:
        f"results/{{study}}/logs/features/{{dataset}}/{CHECKPOINTS_PER_JOB[0]}.log",
    benchmark:
        f"results/{{study}}/logs/features/{{dataset}}/{CHECKPOINTS_PER_JOB[0]}.seconds.tsv"
    wildcard_constraints:
        dataset="|".join(PLAN.image_datasets) or "(?!)",
    conda:
        environment("torch")
    threads: 8
    resources:
        gpu=1,
        mem_mb=megabytes(8000),
        runtime=minutes(240),
    params:
        checkpoints=pattern("results/checkpoints/{checkpoint}.safetensors"),
        out=pattern(FEATURES),
        statistics=pattern(STATISTICS),
        mode=config["features"]["mode"],
        splits=config["features"]["splits"],
        batch_size=config["features"]["batch_size"],
        precision=config["features"]["precision"],
        code=ask(PLAN.network_code("features")),
    shell:
        'python "$PEDRANK/scripts/features.py" --images {input.images} --checkpoints {params.checkpoints}'
        ' --study "$PEDRANK_STUDY" --mode {params.mode} --splits {params.splits} --batch-size {params.batch_size}'
        " --precision {params.precision} --threads {threads} --gpu {resources.gpu}"
        " --out {params.out} --statistics {params.statistics} 2> {log}"


rule features_given:
    input:
        unpack(ask(PLAN.given_features)),
    output:
        features=FEATURES,
        statistics=STATISTICS,
    log:
        "results/{study}/logs/features/{dataset}/{checkpoint}.log",
    wildcard_constraints:
        dataset="|".join(PLAN.feature_datasets) or "(?!)",
    conda:
        environment("core")
    resources:
        mem_mb=megabytes(1000, of_features=2),
        runtime=minutes(60),
    params:
        stamps=lambda wildcards, input: stamps(*input),
        code=PLAN.code("features_given"),
    shell:
        'python "$PEDRANK/scripts/features_given.py" --given {input.features:q}'
        " --out {output.features} --statistics {output.statistics} 2> {log}"
