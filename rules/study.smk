"""
The study itself: the configuration that was run.

out: results/{study}/config.yaml    defaults included
"""


rule config:
    output:
        STUDY,
    log:
        "results/{study}/logs/config.log",
    conda:
        environment("core")
    params:
        config=lambda wildcards: PLAN.options(),  # a function, since Snakemake fills in wildcards in the braces of a text
        code=PLAN.code("config"),
    shell:
        'python "$PEDRANK/scripts/config.py" --study "$PEDRANK_STUDY" --out {output} 2> {log}'
