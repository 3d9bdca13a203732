"""
The study itself: the configuration that was run, which also holds the names that patterns on command lines stand for.

out: results/{study}/config.yaml    defaults included
"""


rule config:
    output:
        STUDY,
    log:
        "results/{study}/logs/config.log",
    conda:
        "../envs/core.yaml"
    params:
        config=PLAN.options(),
    shell:
        'python "$PEDRANK/scripts/config.py" --config {params.config:q} --out {output} 2> {log}'
