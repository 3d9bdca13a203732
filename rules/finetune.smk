"""
Fine-tuning: the grid on validation, the best point on test, once per seed.

in:  results/data/{dataset}/images-{size}.safetensors, results/checkpoints/{checkpoint}.safetensors
out: results/{study}/finetune/{dataset}/{checkpoint}/validation-{point}.json    one run per grid point
     results/{study}/finetune/{dataset}/{checkpoint}/chosen.json                the best of them
     results/{study}/finetune/{dataset}/{checkpoint}/test-seed{seed}.json       one run per seed
     results/{study}/finetune/{dataset}.csv, {dataset}.cost.json                all runs, and what was saved

Every run is a job, so that as many run at once as there are GPUs; `together` makes one job of a dataset. The state of an
unfinished run (*.state.safetensors beside its JSON) is no output: Snakemake would delete it with the killed job.
"""

if ONE_JOB:

    rule finetune:
        input:
            **finetune_images(),
            checkpoints=expand("results/checkpoints/{checkpoint}.safetensors", checkpoint=FINETUNED),
        output:
            runs="results/{study}/finetune/{dataset}.csv",
            cost="results/{study}/finetune/{dataset}.cost.json",
        log:
            "results/{study}/logs/finetune/{dataset}.log",
        benchmark:
            "results/{study}/logs/finetune/{dataset}.seconds.tsv"
        conda:
            "../envs/torch.yaml"
        threads: 8
        resources:
            gpu=1,
            mem_mb=megabytes(8000),
            runtime=minutes(2 * RUN_MINUTES),
        params:
            options=options("finetune"),
            metric=dataset_metric,
            source=finetune_source,
            run_code=FINETUNE_CODE,
            code=code_digest("scripts/finetune.py"),
        shell:
            'python "$PEDRANK/scripts/finetune.py" --images {input.images} {params.source} --metric {params.metric:q}'
            " --checkpoints {input.checkpoints} --options {params.options:q} --code {params.run_code}"
            " --threads {threads} --gpu {resources.gpu} --runs results/{wildcards.study}/finetune/{wildcards.dataset}"
            " --out {output.runs} --cost {output.cost} 2> {log}"

else:

    localrules:
        finetune_choice,
        finetune_open,
        finetune_table,

    rule finetune_table:
        input:
            validation=collect(
                "results/{{study}}/finetune/{{dataset}}/{checkpoint}/validation.json", checkpoint=FINETUNED
            ),
            tests=collect(
                "results/{{study}}/finetune/{{dataset}}/{checkpoint}/test-seed{seed}.json",
                checkpoint=FINETUNED,
                seed=FINETUNE.seeds,
            ),
        output:
            runs="results/{study}/finetune/{dataset}.csv",
            cost="results/{study}/finetune/{dataset}.cost.json",
        log:
            "results/{study}/logs/finetune/{dataset}.log",
        conda:
            "../envs/core.yaml"
        params:
            checkpoints=FINETUNED,
            options=options("finetune"),
            code=code_digest("scripts/finetune_table.py"),
        shell:
            'python "$PEDRANK/scripts/finetune_table.py" --checkpoints {params.checkpoints}'
            " --runs results/{wildcards.study}/finetune/{wildcards.dataset} --options {params.options:q}"
            " --out {output.runs} --cost {output.cost} 2> {log}"

    rule finetune_point:
        input:
            **finetune_images(),
            checkpoint="results/checkpoints/{checkpoint}.safetensors",
        output:
            "results/{study}/finetune/{dataset}/{checkpoint}/validation-{point}.json",
        log:
            "results/{study}/logs/finetune/{dataset}/{checkpoint}/validation-{point}.log",
        benchmark:
            "results/{study}/logs/finetune/{dataset}/{checkpoint}/validation-{point}.seconds.tsv"
        wildcard_constraints:
            point="|".join(POINTS),
        conda:
            "../envs/torch.yaml"
        threads: 8
        resources:
            gpu=1,
            mem_mb=megabytes(8000),
            runtime=minutes(RUN_MINUTES),
        params:
            point=lambda wildcards: POINTS[wildcards.point],
            training=FINETUNE_TRAINING,
            metric=dataset_metric,
            source=finetune_source,
            code=FINETUNE_CODE,
        shell:
            'python "$PEDRANK/scripts/finetune_run.py" --images {input.images} {params.source}'
            " --metric {params.metric:q} --checkpoint {input.checkpoint} --training {params.training:q}"
            " --code {params.code} --threads {threads} --gpu {resources.gpu} --point {params.point}"
            " --out {output} 2> {log}"

    if config["finetune"].get("halving"):

        rule finetune_halving:
            input:
                **finetune_images(),
                checkpoint="results/checkpoints/{checkpoint}.safetensors",
            output:
                runs="results/{study}/finetune/{dataset}/{checkpoint}/validation.json",
                chosen="results/{study}/finetune/{dataset}/{checkpoint}/chosen.json",
            log:
                "results/{study}/logs/finetune/{dataset}/{checkpoint}/halving.log",
            benchmark:
                "results/{study}/logs/finetune/{dataset}/{checkpoint}/halving.seconds.tsv"
            conda:
                "../envs/torch.yaml"
            threads: 8
            resources:
                gpu=1,
                mem_mb=megabytes(8000),
                runtime=minutes(2 * RUN_MINUTES),
            params:
                options=FINETUNE_SEARCH,
                metric=dataset_metric,
                source=finetune_source,
                run_code=FINETUNE_CODE,
                code=code_digest("scripts/finetune_halving.py"),
            shell:
                'python "$PEDRANK/scripts/finetune_halving.py" --images {input.images} {params.source}'
                " --metric {params.metric:q} --checkpoint {input.checkpoint} --options {params.options:q}"
                " --code {params.run_code} --threads {threads} --gpu {resources.gpu}"
                " --runs results/{wildcards.study}/finetune/{wildcards.dataset}/{wildcards.checkpoint}"
                " --all {output.runs} --out {output.chosen} 2> {log}"

    else:

        rule finetune_choice:
            input:
                collect("results/{{study}}/finetune/{{dataset}}/{{checkpoint}}/validation-{point}.json", point=POINTS),
            output:
                runs="results/{study}/finetune/{dataset}/{checkpoint}/validation.json",
                chosen="results/{study}/finetune/{dataset}/{checkpoint}/chosen.json",
            log:
                "results/{study}/logs/finetune/{dataset}/{checkpoint}/choice.log",
            conda:
                "../envs/core.yaml"
            params:
                code=code_digest("scripts/finetune_choice.py"),
            shell:
                'python "$PEDRANK/scripts/finetune_choice.py" --runs {input}'
                " --all {output.runs} --out {output.chosen} 2> {log}"

    rule finetune_seed:
        input:
            **finetune_images(),
            checkpoint="results/checkpoints/{checkpoint}.safetensors",
            chosen="results/{study}/finetune/{dataset}/{checkpoint}/chosen.json",
            open=seed_is_open,
        output:
            "results/{study}/finetune/{dataset}/{checkpoint}/test-seed{seed}.json",
        log:
            "results/{study}/logs/finetune/{dataset}/{checkpoint}/test-seed{seed}.log",
        benchmark:
            "results/{study}/logs/finetune/{dataset}/{checkpoint}/test-seed{seed}.seconds.tsv"
        wildcard_constraints:
            seed=r"\d+",
        conda:
            "../envs/torch.yaml"
        threads: 8
        resources:
            gpu=1,
            mem_mb=megabytes(8000),
            runtime=minutes(RUN_MINUTES),
        params:
            training=FINETUNE_TRAINING,
            metric=dataset_metric,
            source=finetune_source,
            open=lambda wildcards, input: f"--open {input.open}" if input.open else "",
            code=FINETUNE_CODE,
        shell:
            'python "$PEDRANK/scripts/finetune_run.py" --images {input.images} {params.source}'
            " --metric {params.metric:q} --checkpoint {input.checkpoint} --training {params.training:q}"
            " --code {params.code} --threads {threads} --gpu {resources.gpu} --chosen {input.chosen}"
            " --seed {wildcards.seed} {params.open} --out {output} 2> {log}"

    rule finetune_open:
        input:
            tests_before,
        output:
            "results/{study}/finetune/{dataset}/open-{seed}.json",
        log:
            "results/{study}/logs/finetune/{dataset}/open-{seed}.log",
        wildcard_constraints:
            seed=r"\d+",
        conda:
            "../envs/core.yaml"
        params:
            checkpoints=FINETUNED,
            seeds=seeds_before,
            code=code_digest("scripts/finetune_open.py"),
        shell:
            'python "$PEDRANK/scripts/finetune_open.py" --checkpoints {params.checkpoints} --seeds {params.seeds}'
            " --runs results/{wildcards.study}/finetune/{wildcards.dataset} --out {output} 2> {log}"
