"""
Checkpoints: conversion of any source format to backbone weights, and statistics that rescale features.

in:  pedrank/catalogue/checkpoints.yaml, results/downloads/{file}.sha256 and the file beside it, a user's own file
out: results/checkpoints/{checkpoint}.safetensors          exactly the backbone's weights, no pickle
     results/{study}/reference/{checkpoint}.safetensors    mean, std (D,) of reference images' features (Alg. 1, line 2);
                                                           with `source: self` in {dataset}/{checkpoint}
     results/pretrain/{checkpoint}.{safetensors,json}      networks of recipes; the tiny zoo's are shipped, so run by name
"""


rule checkpoint:
    input:
        ask(PLAN.checkpoint_inputs),
    output:
        "results/checkpoints/{checkpoint}.safetensors",
    log:
        "results/checkpoints/logs/{checkpoint}.log",
    benchmark:
        "results/checkpoints/logs/{checkpoint}.seconds.tsv"
    conda:
        environment("torch")
    resources:
        mem_mb=megabytes(6000),
        runtime=minutes(30),
    params:
        entry=ask(PLAN.checkpoint_entry),
        code=ask(PLAN.checkpoint_code),
    shell:
        'python "$PEDRANK/scripts/checkpoint.py" --checkpoint {wildcards.checkpoint} --downloads results/downloads'
        " --out {output} 2> {log}"


if config["reference"]["source"] in ("shipped", "folder"):

    localrules:
        reference,

    rule reference:
        input:
            ask(PLAN.reference_input),
        output:
            "results/{study}/reference/{checkpoint}.safetensors",
        log:
            "results/{study}/logs/reference/{checkpoint}.log",
        conda:
            environment("core")
        params:
            code=PLAN.code("reference_given"),
        shell:
            'python "$PEDRANK/scripts/reference_given.py" --statistics {input:q} --out {output} 2> {log}'

elif PLAN.own_reference:

    localrules:
        reference,

    rule reference:
        input:
            "results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors",
        output:
            PLAN.reference,
        log:
            "results/{study}/logs/reference/{dataset}/{checkpoint}.log",
        conda:
            environment("core")
        params:
            code=PLAN.code("reference_given"),
        shell:
            'python "$PEDRANK/scripts/reference_given.py" --classes {input} --dataset {wildcards.dataset}'
            " --out {output} 2> {log}"

else:

    rule reference:
        input:
            images=ask(PLAN.reference_images),
            checkpoints=of_job("results/checkpoints/{checkpoint}.safetensors"),
        output:
            of_job(PLAN.reference),
        log:
            f"results/{{study}}/logs/reference/{CHECKPOINTS_PER_JOB[0]}.log",
        benchmark:
            f"results/{{study}}/logs/reference/{CHECKPOINTS_PER_JOB[0]}.seconds.tsv"
        conda:
            environment("torch")
        threads: 8
        resources:
            gpu=1,
            mem_mb=megabytes(8000),
            runtime=minutes(240),
        params:
            checkpoints=pattern("results/checkpoints/{checkpoint}.safetensors"),
            out=pattern(PLAN.reference),
            batch_size=config["features"]["batch_size"],
            precision=config["features"]["precision"],
            code=ask(PLAN.network_code("reference")),
        shell:
            'python "$PEDRANK/scripts/reference.py" --images {input.images} --checkpoints {params.checkpoints}'
            ' --study "$PEDRANK_STUDY" --batch-size {params.batch_size} --precision {params.precision}'
            " --threads {threads} --gpu {resources.gpu} --out {params.out} 2> {log}"


rule pretrain:
    input:
        "results/data/cifar10/images-32.safetensors",
    output:
        weights="results/pretrain/{checkpoint}.safetensors",
        card="results/pretrain/{checkpoint}.json",
        reference="results/pretrain/{checkpoint}.reference.safetensors",
    log:
        "results/pretrain/logs/{checkpoint}.log",
    conda:
        environment("torch")
    threads: 1
    resources:
        gpu=1,
        mem_mb=megabytes(8000),
        runtime=minutes(240),
    params:
        recipe=ask(PLAN.recipe),
        code=PLAN.code("pretrain", "pedrank/networks/resnets.py"),
    shell:
        'python "$PEDRANK/scripts/pretrain.py" {params.recipe} --data {input}'
        " --threads {threads} --gpu {resources.gpu}"
        " --out {output.weights} --card {output.card} --reference {output.reference} 2> {log}"
