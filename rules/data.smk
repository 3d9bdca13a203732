"""
Data: fetch datasets and checkpoints that are not shipped, then decode each dataset once.

in:  pedrank/catalogue/datasets.yaml, pedrank/catalogue/checkpoints.yaml
out: results/downloads/{file}, {file}.sha256             shared by all studies; files put there by hand are checked and used
     results/data/{dataset}/images-{size}.safetensors    images (N, H, W, 3) uint8, labels, split, row ids

The files themselves are not outputs of the rule: Snakemake deletes outputs before it makes them again, and nothing should
be fetched twice.
"""


rule download:
    output:
        "results/downloads/{file}.sha256",
    log:
        "results/downloads/logs/{file}.log",
    conda:
        environment("core")
    shell:
        'python "$PEDRANK/scripts/download.py" --file {wildcards.file} --folder results/downloads 2> {log}'


rule prepare:
    input:
        ask(PLAN.dataset_inputs),
    output:
        "results/data/{dataset}/images-{size}.safetensors",
    log:
        "results/data/{dataset}/prepare-{size}.log",
    benchmark:
        "results/data/{dataset}/prepare-{size}.seconds.tsv"
    conda:
        environment("core")
    threads: 8
    resources:
        mem_mb=megabytes(4000),
        runtime=minutes(120),
    params:
        card=ask(PLAN.dataset_card),
        code=ask(PLAN.dataset_code),
    shell:
        'python "$PEDRANK/scripts/prepare.py" --dataset {wildcards.dataset} --size {wildcards.size}'
        " --downloads results/downloads --threads {threads} --out {output} 2> {log}"
