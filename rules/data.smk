"""
Data: fetch what no package carries, then decode each dataset once.

in:  pedrank/datasets/catalogue.yaml
out: results/downloads/{file}                     shared by all studies; a file put there by hand is taken as it is
     results/data/{dataset}/images-{size}.safetensors    images (N, H, W, 3) uint8, labels, split
"""


rule download:
    output:
        "results/downloads/{file}",
    log:
        "results/downloads/logs/{file}.log",
    retries: 2
    conda:
        "../envs/core.yaml"
    shell:
        'python "$PEDRANK/scripts/download.py" --file {wildcards.file} --out {output} 2> {log}'


rule prepare:
    input:
        dataset_downloads,
    output:
        "results/data/{dataset}/images-{size}.safetensors",
    log:
        "results/data/{dataset}/prepare-{size}.log",
    conda:
        "../envs/core.yaml"
    params:
        card=dataset_card,
        code=code_digest("scripts/prepare.py"),
    shell:
        'python "$PEDRANK/scripts/prepare.py" --dataset {wildcards.dataset} --size {wildcards.size}'
        " --downloads results/downloads --out {output} 2> {log}"
