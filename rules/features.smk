"""
Features: one forward pass of each checkpoint over the scored rows of each dataset.

in:  results/data/{dataset}/images-{size}.safetensors, results/checkpoints/{checkpoint}.safetensors, or a user's own features
out: results/{study}/features/{dataset}/{checkpoint}.safetensors               features (N, D) float32, labels (N,)
     results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors    counts (C,), means and variances (C, D)
"""


rule features:
    input:
        images=seen_images,
        checkpoints=expand("results/checkpoints/{checkpoint}.safetensors", checkpoint=TOGETHER),
    output:
        features=expand("results/{{study}}/features/{{dataset}}/{checkpoint}.safetensors", checkpoint=TOGETHER),
        statistics=expand(
            "results/{{study}}/features/{{dataset}}/{checkpoint}.statistics.safetensors", checkpoint=TOGETHER
        ),
    log:
        expand("results/{{study}}/logs/features/{{dataset}}/{checkpoint}.log", checkpoint=TOGETHER[0]),
    benchmark:
        expand("results/{{study}}/logs/features/{{dataset}}/{checkpoint}.seconds.tsv", checkpoint=TOGETHER[0])[0]
    wildcard_constraints:
        dataset="|".join(PICTURED) or "(?!)",
    conda:
        "../envs/torch.yaml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=megabytes(8000),
        runtime=minutes(240),
    params:
        mode=config["features"]["mode"],
        splits=config["features"]["splits"],
        batch_size=config["features"]["batch_size"],
        precision=config["features"]["precision"],
        code=code_digest("scripts/features.py"),
    shell:
        'python "$PEDRANK/scripts/features.py" --images {input.images} --checkpoints {input.checkpoints}'
        " --mode {params.mode} --splits {params.splits} --batch-size {params.batch_size} --precision {params.precision}"
        " --threads {threads} --gpu {resources.gpu}"
        " --out {output.features} --statistics {output.statistics} 2> {log}"


rule features_given:
    input:
        unpack(given_features),
    output:
        features="results/{study}/features/{dataset}/{checkpoint}.safetensors",
        statistics="results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors",
    log:
        "results/{study}/logs/features/{dataset}/{checkpoint}.log",
    wildcard_constraints:
        dataset="|".join(GIVEN) or "(?!)",
    conda:
        "../envs/core.yaml"
    resources:
        mem_mb=megabytes(1000, of_features=2),
        runtime=minutes(60),
    params:
        stamps=lambda wildcards, input: stamps(*input),
        code=code_digest("scripts/features_given.py"),
    shell:
        'python "$PEDRANK/scripts/features_given.py" --given {input.features}'
        " --out {output.features} --statistics {output.statistics} 2> {log}"
