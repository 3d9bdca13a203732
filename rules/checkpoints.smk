"""
Checkpoints: any source format to strict backbone weights, and the statistics that rescale their features.

in:  pedrank/checkpoints/catalogue.yaml, results/downloads/{file}.sha256 and the file beside it, a user's own file
out: results/checkpoints/{checkpoint}.safetensors          backbone weights, strict keys, no pickle
     results/{study}/reference/{checkpoint}.safetensors    mean, std (D,) of reference images' features (Alg. 1, line 2);
                                                           of source self {dataset}/{checkpoint}, of the dataset's own
     results/pretrain/{checkpoint}.{safetensors,json}      the tiny zoo made again; asked for by name only
"""


rule checkpoint:
    input:
        checkpoint_files,
    output:
        "results/checkpoints/{checkpoint}.safetensors",
    log:
        "results/checkpoints/logs/{checkpoint}.log",
    benchmark:
        "results/checkpoints/logs/{checkpoint}.seconds.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=megabytes(6000),
        runtime=minutes(30),
    params:
        entry=checkpoint_entry,
        shipped=shipped_digest(".safetensors"),
        code=code_digest("scripts/checkpoint.py"),
    shell:
        'python "$PEDRANK/scripts/checkpoint.py" --checkpoint {wildcards.checkpoint} --downloads results/downloads'
        " --out {output} 2> {log}"


if config["reference"]["source"] in ("shipped", "folder"):

    localrules:
        reference,

    rule reference:
        input:
            reference_input,
        output:
            "results/{study}/reference/{checkpoint}.safetensors",
        log:
            "results/{study}/logs/reference/{checkpoint}.log",
        conda:
            "../envs/core.yaml"
        params:
            statistics=reference_statistics,
            shipped=shipped_digest(".reference.safetensors"),
            code=code_digest("scripts/reference_shipped.py"),
        shell:
            'python "$PEDRANK/scripts/reference_shipped.py" --statistics "{params.statistics}" --out {output} 2> {log}'

elif OWN_REFERENCE:

    localrules:
        reference,

    rule reference:
        input:
            "results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors",
        output:
            REFERENCE,
        log:
            "results/{study}/logs/reference/{dataset}/{checkpoint}.log",
        conda:
            "../envs/core.yaml"
        params:
            code=code_digest("scripts/reference_self.py"),
        shell:
            'python "$PEDRANK/scripts/reference_self.py" --statistics {input} --dataset {wildcards.dataset}'
            " --out {output} 2> {log}"

else:

    rule reference:
        input:
            images=reference_images,
            checkpoints=expand("results/checkpoints/{checkpoint}.safetensors", checkpoint=TOGETHER),
        output:
            expand("results/{{study}}/reference/{checkpoint}.safetensors", checkpoint=TOGETHER),
        log:
            expand("results/{{study}}/logs/reference/{checkpoint}.log", checkpoint=TOGETHER[0]),
        benchmark:
            expand("results/{{study}}/logs/reference/{checkpoint}.seconds.tsv", checkpoint=TOGETHER[0])[0]
        conda:
            "../envs/torch.yaml"
        threads: 8
        resources:
            gpu=1,
            mem_mb=megabytes(8000),
            runtime=minutes(240),
        params:
            batch_size=config["features"]["batch_size"],
            precision=config["features"]["precision"],
            code=code_digest("scripts/reference.py"),
        shell:
            'python "$PEDRANK/scripts/reference.py" --images {input.images} --checkpoints {input.checkpoints}'
            " --batch-size {params.batch_size} --precision {params.precision}"
            " --threads {threads} --gpu {resources.gpu} --out {output} 2> {log}"


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
        mem_mb=megabytes(8000),
        runtime=minutes(240),
    params:
        code=code_digest("scripts/pretrain.py"),
    shell:
        'python "$PEDRANK/scripts/pretrain.py" --objective {wildcards.objective} --data {input}'
        " --threads {threads} --gpu {resources.gpu}"
        " --out {output.weights} --card {output.card} --reference {output.reference} 2> {log}"
