"""
Fine-tuning: the grid on validation, the best point on test, once per seed.

in:  results/data/{dataset}/images-{size}.safetensors, results/checkpoints/{checkpoint}.safetensors
out: results/{study}/finetune/{dataset}/{checkpoint}/validation-{point}.json    one run per grid point
     results/{study}/finetune/{dataset}/{checkpoint}/chosen.json                the best of them
     results/{study}/finetune/{dataset}/{checkpoint}/test-seed{seed}.json       one run per seed
     results/{study}/finetune/{dataset}.csv, {dataset}.cost.json                all runs, and the share of steps saved
     results/{study}/finetune/{dataset}.seconds.csv                             seconds of each run
     results/{study}/finetune/{dataset}.race.json                               outcome of a race for a budget

Every run is a job, so as many run at once as there are GPUs; with `together`, or in a race for a budget, all runs of a
dataset are one job. The timing of a run is beside it (*.timing.json). The state of an unfinished run
(*.state.safetensors) is not an output: Snakemake would delete it with the killed job.
"""

RUN = "results/{study}/finetune/{dataset}/{checkpoint}/"
RUNS = "results/{study}/finetune/{dataset}"

if PLAN.budget:

    rule finetune_race:
        input:
            **PLAN.raced_images(),
            checkpoints=collect("results/checkpoints/{checkpoint}.safetensors", checkpoint=PLAN.finetuned),
            ranking="results/{study}/ranking/{dataset}.json",
        output:
            runs=f"{RUNS}.csv",
            cost=f"{RUNS}.cost.json",
            seconds=f"{RUNS}.seconds.csv",
            race=f"{RUNS}.race.json",
        log:
            "results/{study}/logs/finetune/{dataset}.log",
        benchmark:
            "results/{study}/logs/finetune/{dataset}.seconds.tsv"
        conda:
            environment("torch")
        threads: 8
        resources:
            gpu=1,
            mem_mb=megabytes(8000),
            runtime=minutes(RUN_MINUTES + int(PLAN.budget / 60)),
        params:
            images=pattern("results/data/{dataset}/images-{crop}.safetensors"),
            checkpoints=pattern("results/checkpoints/{finetuned}.safetensors"),
            options=PLAN.options("finetune"),
            metric=PLAN.dataset_metric,
            source=source_of,
            budget=PLAN.budget,
            run_code=ask(PLAN.run_code()),
            code=ask(PLAN.network_code("finetune")),
        shell:
            'python "$PEDRANK/scripts/finetune.py" --images {params.images} {params.source} --metric {params.metric:q}'
            ' --checkpoints {params.checkpoints} --study "$PEDRANK_STUDY" --options {params.options:q}'
            " --code {params.run_code} --threads {threads} --gpu {resources.gpu}"
            " --runs results/{wildcards.study}/finetune/{wildcards.dataset}"
            " --budget {params.budget} --ranking {input.ranking} --race {output.race}"
            " --out {output.runs} --cost {output.cost} --seconds {output.seconds} 2> {log}"

elif PLAN.one_job:

    rule finetune:
        input:
            **PLAN.finetune_images(),
            checkpoints=collect("results/checkpoints/{checkpoint}.safetensors", checkpoint=PLAN.finetuned),
        output:
            runs=f"{RUNS}.csv",
            cost=f"{RUNS}.cost.json",
            seconds=f"{RUNS}.seconds.csv",
        log:
            "results/{study}/logs/finetune/{dataset}.log",
        benchmark:
            "results/{study}/logs/finetune/{dataset}.seconds.tsv"
        conda:
            environment("torch")
        threads: 8
        resources:
            gpu=1,
            mem_mb=megabytes(8000),
            runtime=minutes(2 * RUN_MINUTES),
        params:
            checkpoints=pattern("results/checkpoints/{finetuned}.safetensors"),
            options=PLAN.options("finetune"),
            metric=PLAN.dataset_metric,
            source=source_of,
            run_code=ask(PLAN.run_code()),
            code=ask(PLAN.network_code("finetune")),
        shell:
            'python "$PEDRANK/scripts/finetune.py" --images {input.images} {params.source} --metric {params.metric:q}'
            ' --checkpoints {params.checkpoints} --study "$PEDRANK_STUDY" --options {params.options:q}'
            " --code {params.run_code} --threads {threads} --gpu {resources.gpu}"
            " --runs results/{wildcards.study}/finetune/{wildcards.dataset}"
            " --out {output.runs} --cost {output.cost} --seconds {output.seconds} 2> {log}"

else:

    localrules:
        finetune_choice,
        finetune_open,
        finetune_table,

    rule finetune_table:
        input:
            validation=of_study(f"{RUN}validation.json", f"{RUN}validation.timing.json", checkpoint=PLAN.finetuned),
            tests=of_study(
                f"{RUN}test-seed{{seed}}.json",
                f"{RUN}test-seed{{seed}}.timing.json",
                checkpoint=PLAN.finetuned,
                seed=PLAN.protocol.seeds,
            ),
        output:
            runs=f"{RUNS}.csv",
            cost=f"{RUNS}.cost.json",
            seconds=f"{RUNS}.seconds.csv",
        log:
            "results/{study}/logs/finetune/{dataset}.log",
        conda:
            environment("core")
        params:
            inputs=arguments(
                validations=[f"{RUNS}/{{finetuned}}/validation.json"],
                tests=[f"{RUNS}/{{finetuned}}/test-seed{{seed}}.json"],
            ),
            checkpoints=PLAN.finetuned,
            options=PLAN.options("finetune"),
            code=PLAN.code("finetune_table"),
        shell:
            'python "$PEDRANK/scripts/finetune_table.py" {params.inputs} --study "$PEDRANK_STUDY"'
            " --options {params.options:q} --out {output.runs} --cost {output.cost} --seconds {output.seconds} 2> {log}"

    rule finetune_point:
        input:
            **PLAN.finetune_images(),
            checkpoint="results/checkpoints/{checkpoint}.safetensors",
        output:
            run=f"{RUN}validation-{{point}}.json",
            timing=f"{RUN}validation-{{point}}.timing.json",
        log:
            "results/{study}/logs/finetune/{dataset}/{checkpoint}/validation-{point}.log",
        benchmark:
            "results/{study}/logs/finetune/{dataset}/{checkpoint}/validation-{point}.seconds.tsv"
        wildcard_constraints:
            point="|".join(PLAN.points),
        conda:
            environment("torch")
        threads: 8
        resources:
            gpu=1,
            mem_mb=megabytes(8000),
            runtime=minutes(RUN_MINUTES),
        params:
            task=lambda wildcards: f"--point {' '.join(map(str, PLAN.points[wildcards.point]))}",
            training=PLAN.finetune_training(),
            metric=PLAN.dataset_metric,
            source=source_of,
            code=ask(PLAN.run_code()),
        shell:
            'python "$PEDRANK/scripts/finetune_run.py" --images {input.images} {params.source}'
            " --metric {params.metric:q} --checkpoint {input.checkpoint} --training {params.training:q}"
            " --code {params.code} --threads {threads} --gpu {resources.gpu} {params.task} --out {output.run} 2> {log}"

    use rule finetune_point as finetune_seed with:
        input:
            **PLAN.finetune_images(),
            checkpoint="results/checkpoints/{checkpoint}.safetensors",
            chosen=f"{RUN}chosen.json",
            open=PLAN.seed_is_open,
        output:
            run=f"{RUN}test-seed{{seed}}.json",
            timing=f"{RUN}test-seed{{seed}}.timing.json",
        log:
            "results/{study}/logs/finetune/{dataset}/{checkpoint}/test-seed{seed}.log",
        benchmark:
            "results/{study}/logs/finetune/{dataset}/{checkpoint}/test-seed{seed}.seconds.tsv"
        wildcard_constraints:
            seed=r"\d+",
        params:
            task=seed_task,
            training=PLAN.finetune_training(),
            metric=PLAN.dataset_metric,
            source=source_of,
            code=ask(PLAN.run_code()),

    if config["finetune"].get("halving"):

        rule finetune_halving:
            input:
                **PLAN.finetune_images(),
                checkpoint="results/checkpoints/{checkpoint}.safetensors",
            output:
                runs=f"{RUN}validation.json",
                timing=f"{RUN}validation.timing.json",
                chosen=f"{RUN}chosen.json",
            log:
                "results/{study}/logs/finetune/{dataset}/{checkpoint}/halving.log",
            benchmark:
                "results/{study}/logs/finetune/{dataset}/{checkpoint}/halving.seconds.tsv"
            conda:
                environment("torch")
            threads: 8
            resources:
                gpu=1,
                mem_mb=megabytes(8000),
                runtime=minutes(2 * RUN_MINUTES),
            params:
                options=PLAN.finetune_search(),
                metric=PLAN.dataset_metric,
                source=source_of,
                run_code=ask(PLAN.run_code()),
                code=ask(PLAN.network_code("finetune_halving")),
            shell:
                'python "$PEDRANK/scripts/finetune_halving.py" --images {input.images} {params.source}'
                " --metric {params.metric:q} --checkpoint {input.checkpoint} --options {params.options:q}"
                " --code {params.run_code} --threads {threads} --gpu {resources.gpu}"
                " --runs results/{wildcards.study}/finetune/{wildcards.dataset}/{wildcards.checkpoint}"
                " --all {output.runs} --timing {output.timing} --out {output.chosen} 2> {log}"

    else:

        rule finetune_choice:
            input:
                runs=of_study(
                    f"{RUN}validation-{{point}}.json", f"{RUN}validation-{{point}}.timing.json", point=PLAN.points
                ),
            output:
                runs=f"{RUN}validation.json",
                timing=f"{RUN}validation.timing.json",
                chosen=f"{RUN}chosen.json",
            log:
                "results/{study}/logs/finetune/{dataset}/{checkpoint}/choice.log",
            conda:
                environment("core")
            params:
                inputs=arguments(runs=[f"{RUN}validation-{{point}}.json"]),
                points=list(PLAN.points),
                code=PLAN.code("finetune_choice"),
            shell:
                'python "$PEDRANK/scripts/finetune_choice.py" {params.inputs} --study "$PEDRANK_STUDY"'
                " --all {output.runs} --timing {output.timing} --out {output.chosen} 2> {log}"

    rule finetune_open:
        input:
            tests=PLAN.tests_before,
        output:
            f"{RUNS}/open-{{seed}}.json",
        log:
            "results/{study}/logs/finetune/{dataset}/open-{seed}.log",
        wildcard_constraints:
            seed=r"\d+",
        conda:
            environment("core")
        params:
            inputs=arguments(tests=[f"{RUNS}/{{finetuned}}/test-seed{{each}}.json"]),
            checkpoints=PLAN.finetuned,
            seeds=PLAN.seeds_before,
            code=PLAN.code("finetune_open"),
        shell:
            'python "$PEDRANK/scripts/finetune_open.py" {params.inputs} --study "$PEDRANK_STUDY" --seeds {params.seeds}'
            " --out {output} 2> {log}"
