"""
Refinements: displacements of the classes of each pair by PED (section 3.3) or another; one process per pair.

in:  results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors, results/{study}/reference/{checkpoint}.safetensors
out: results/{study}/ped/{dataset}/{checkpoint}/{refinement}.safetensors     displacement (C, D), force and energy by step
     results/{study}/ped/{dataset}/{checkpoint}/{refinement}.seconds.json    its seconds
"""

DISPLACEMENT = "results/{study}/ped/{dataset}/{checkpoint}/{refined}.safetensors"
PED_SECONDS = "results/{study}/ped/{dataset}/{checkpoint}/{refined}.seconds.json"

if PLAN.refined:

    rule ped:
        input:
            statistics=STATISTICS,
            reference=PLAN.reference,
        output:
            displacements=collect(DISPLACEMENT, refined=PLAN.refined, allow_missing=True),
            seconds=update(collect(PED_SECONDS, refined=PLAN.refined, allow_missing=True)),
        log:
            "results/{study}/logs/ped/{dataset}/{checkpoint}.log",
        benchmark:
            "results/{study}/logs/ped/{dataset}/{checkpoint}.seconds.tsv"
        conda:
            environment("core")
        resources:
            mem_mb=megabytes(500),
            runtime=minutes(30),
        params:
            refinements=PLAN.refined,
            displacements=pattern(DISPLACEMENT),
            seconds=pattern(PED_SECONDS),
            plugins=lambda wildcards: config["plugins"],
            code=PLAN.refinements_code("ped", list(PLAN.refined.values())),
        shell:
            'python "$PEDRANK/scripts/ped.py" --statistics {input.statistics} --reference {input.reference}'
            ' --study "$PEDRANK_STUDY" --plugins {params.plugins:q} --code {params.code}'
            " --displacements {params.displacements} --seconds {params.seconds} 2> {log}"
