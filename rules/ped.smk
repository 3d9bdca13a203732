"""
Refinements: the classes of each pair moved, by PED (section 3.3) or another; one process makes all of a pair.

in:  results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors, results/{study}/reference/{checkpoint}.safetensors
out: results/{study}/ped/{dataset}/{checkpoint}/{refinement}.safetensors     displacement (C, D), force and energy by step
     results/{study}/ped/{dataset}/{checkpoint}/{refinement}.seconds.json    what it cost
"""

if MOVED:

    rule ped:
        input:
            statistics="results/{study}/features/{dataset}/{checkpoint}.statistics.safetensors",
            reference=REFERENCE,
        output:
            displacements=collect(
                "results/{{study}}/ped/{{dataset}}/{{checkpoint}}/{refinement}.safetensors", refinement=MOVED
            ),
            seconds=collect(
                "results/{{study}}/ped/{{dataset}}/{{checkpoint}}/{refinement}.seconds.json", refinement=MOVED
            ),
        log:
            "results/{study}/logs/ped/{dataset}/{checkpoint}.log",
        benchmark:
            "results/{study}/logs/ped/{dataset}/{checkpoint}.seconds.tsv"
        conda:
            "../envs/core.yaml"
        resources:
            mem_mb=megabytes(500),
            runtime=minutes(30),
        params:
            options=json.dumps(list(MOVED.values()), sort_keys=True),
            plugins=config["plugins"],
            code=code_digest("scripts/ped.py") + plugins_digest(),
        shell:
            'python "$PEDRANK/scripts/ped.py" --statistics {input.statistics} --reference {input.reference}'
            " --options {params.options:q} --plugins {params.plugins:q}"
            " --displacements {output.displacements} --seconds {output.seconds} 2> {log}"
