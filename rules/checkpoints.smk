"""
Checkpoints: any source format to strict backbone weights, and the statistics that rescale their features.

in:  pedrank/checkpoints/catalogue.yaml, results/downloads/{file}
out: results/checkpoints/{checkpoint}.safetensors          backbone weights, strict keys, no pickle
     results/{study}/reference/{checkpoint}.safetensors    mean, std (D,) of reference images' features (Alg. 1, line 2)
     results/pretrain/{checkpoint}.{safetensors,json}      the tiny zoo made again; asked for by name only
"""


rule checkpoint:
    input:
        checkpoint_download,
    output:
        "results/checkpoints/{checkpoint}.safetensors",
    log:
        "results/checkpoints/logs/{checkpoint}.log",
    conda:
        "../envs/torch.yaml"
    params:
        shipped=shipped_digest(".safetensors"),
        code=code_digest("scripts/checkpoint.py"),
    shell:
        'python "$PEDRANK/scripts/checkpoint.py" --checkpoint {wildcards.checkpoint} --out {output} {input} 2> {log}'


if config["reference"]["source"] == "shipped":

    rule reference:
        output:
            "results/{study}/reference/{checkpoint}.safetensors",
        log:
            "results/{study}/logs/reference/{checkpoint}.log",
        conda:
            "../envs/core.yaml"
        params:
            shipped=shipped_digest(".reference.safetensors"),
            code=code_digest("scripts/reference_shipped.py"),
        shell:
            'python "$PEDRANK/scripts/reference_shipped.py" --checkpoint {wildcards.checkpoint} --out {output} 2> {log}'

else:

    rule reference:
        input:
            images=f"results/data/{config['reference']['source']}/images-{config['image_size']}.safetensors",
            checkpoint="results/checkpoints/{checkpoint}.safetensors",
        output:
            "results/{study}/reference/{checkpoint}.safetensors",
        log:
            "results/{study}/logs/reference/{checkpoint}.log",
        conda:
            "../envs/torch.yaml"
        threads: 8
        resources:
            gpu=1,
        params:
            batch_size=config["features"]["batch_size"],
            code=code_digest("scripts/reference.py"),
        shell:
            'python "$PEDRANK/scripts/reference.py" --images {input.images} --checkpoint {input.checkpoint}'
            " --batch-size {params.batch_size} --threads {threads} --gpu {resources.gpu} --out {output} 2> {log}"


rule pretrain:
    input:
        "results/data/cifar10/images-32.safetensors",
    output:
        weights="results/pretrain/{objective}-tiny.safetensors",
        card="results/pretrain/{objective}-tiny.json",
        reference="results/pretrain/{objective}-tiny.reference.safetensors",
    log:
        "results/pretrain/logs/{objective}.log",
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        code=code_digest("scripts/pretrain.py"),
    shell:
        'python "$PEDRANK/scripts/pretrain.py" --objective {wildcards.objective} --data {input}'
        " --threads {threads} --gpu {resources.gpu}"
        " --out {output.weights} --card {output.card} --reference {output.reference} 2> {log}"
