"""
Features: one forward pass of each checkpoint over the scored rows of each dataset.

in:  results/data/{dataset}/images-{size}.safetensors, results/checkpoints/{checkpoint}.safetensors
out: results/{study}/features/{dataset}/{checkpoint}.safetensors               features (N, D) float32, labels (N,)
     results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors    counts (C,), means and variances (C, D)
"""


rule features:
    input:
        images=expand("results/data/{{dataset}}/images-{size}.safetensors", size=config["image_size"]),
        checkpoints=expand("results/checkpoints/{checkpoint}.safetensors", checkpoint=TOGETHER),
    output:
        features=expand("results/{{study}}/features/{{dataset}}/{checkpoint}.safetensors", checkpoint=TOGETHER),
        statistics=expand(
            "results/{{study}}/features/{{dataset}}/{checkpoint}.statistics.safetensors", checkpoint=TOGETHER
        ),
    log:
        expand("results/{{study}}/logs/features/{{dataset}}/{checkpoint}.log", checkpoint=TOGETHER[0]),
    conda:
        "../envs/torch.yaml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=8000,
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
