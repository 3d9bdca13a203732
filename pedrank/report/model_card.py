"""The model card of kept weights: what they are, ten lines that predict with them, and commands to train elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pedrank.report import text

_TIMM = "[timm's train script](https://github.com/huggingface/pytorch-image-models/blob/main/train.py)"
_TRAINER = "[Hugging Face's Trainer](https://huggingface.co/docs/transformers/main_classes/trainer)"


def kept_sentences(facts: Mapping[str, Any]) -> list[str]:
    """Say which weights are kept, and whether training once more gave the recorded accuracy.

    Args:
        facts: As `pedrank.finetune.kept.keep_winner` collects them.

    >>> facts = {"checkpoint": "byol", "accuracy": 90.0, "recorded": 90.0, "seed": 0, "metric": "top-1"}
    >>> kept_sentences(facts)
    ['The kept weights are those of byol after fine-tuning with seed 0: 90.0% on the test images (top-1).']
    """
    said = (
        f"The kept weights are those of {facts['checkpoint']} after fine-tuning with seed {facts['seed']}: "
        f"{text.accuracy(facts['accuracy'])}% on the test images ({facts['metric']})."
    )
    if facts["accuracy"] == facts["recorded"]:
        return [said]
    again = (
        f"The first run with this seed reached {facts['recorded']:.2f}%, the kept weights {facts['accuracy']:.2f}%: "
        "runs repeat exactly only on the same device with as many threads, and on some GPUs not even then."
    )
    return [said, again]


def model_card(facts: Mapping[str, Any]) -> str:
    """Write the card in Markdown.

    Args:
        facts: As `pedrank.finetune.kept.keep_winner` collects them.
    """
    crop, options = facts["crop"], facts["options"]
    mean, std = (", ".join(f"{value:g}" for value in facts["normalisation"][key]) for key in ("mean", "std"))
    over = f"{text.accuracy(facts['mean'], facts['sd'])}%, mean"
    over += f" and standard deviation over {facts['seeds']} seeds" if facts["sd"] is not None else " of one seed"
    names = "\n".join(f"{number}. {_plain(name)}" for number, name in enumerate(facts["classes"]))
    rows = {
        "checkpoint": f"{facts['checkpoint']} ({facts['architecture']})",
        "licence of the checkpoint": facts["licence"] or "not stated",
        "dataset": f"{facts['dataset']}, {len(facts['classes'])} classes (licence: {facts['data_licence']})",
        "accuracy on the test images": f"{facts['accuracy']:.2f}% ({facts['metric']})",
        "accuracy of the checkpoint": over,
        "learning rate, weight decay": f"{options['learning_rate']:g}, {options['weight_decay']:g}",
        "training": (
            f"{options['steps']} steps of {options['batch_size']} images, SGD with Nesterov momentum 0.9, cosine "
            f"schedule, layers: {options['regime']}, augmentation: {options['augmentation']}, seed {facts['seed']}; "
            f"{facts['train_images']} training and validation images"
        ),
        "images": (
            f"shorter side resized to {crop['resize']} pixels ({crop['interpolation']}), the central {crop['size']} x "
            f"{crop['size']} pixels, (pixel / 255 - mean) / std with mean {mean} and std {std}"
        ),
        "made with": f"pedrank {facts['pedrank']}",
    }
    table = "\n".join(f"| {key} | {_plain(value).replace('|', chr(92) + '|')} |" for key, value in rows.items())
    notes = [*kept_sentences(facts), *_notes(facts)]
    parts = [
        f"# {facts['checkpoint']}, fine-tuned on {facts['dataset']}",
        " ".join(notes),
        f"| | |\n|---|---|\n{table}",
        "## Predict",
        "Run this program in the folder of this file; its argument is a folder of images. It needs the packages torch, "
        f"torchvision, {_further(facts)}safetensors and Pillow.",
        f"```python\n{prediction_program(facts)}```",
        "## Classes",
        "In the order of the outputs, counted from 0:",
        names,
        "## Train elsewhere",
        *_by_timm(facts),
        f"By {_TRAINER}:",
        f"```python\n{trainer_program(facts)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def prediction_program(facts: Mapping[str, Any]) -> str:
    """The program that predicts on a folder: one line per image, with its path and its class.

    Args:
        facts: As `pedrank.finetune.kept.keep_winner` collects them.
    """
    crop, normal = facts["crop"], facts["normalisation"]
    opened = "ImageOps.exif_transpose(Image.open(path))" if facts["upright"] else "Image.open(path)"
    if facts["several_labels"]:
        shown = '", ".join(name for name, value in zip(classes, network(pixels)[0]) if value > 0)'
    else:
        shown = "classes[network(pixels).argmax()]"
    return "\n".join(
        [
            "import json, pathlib, sys",
            *sorted({"import torch", facts["statement"]}),
            "from PIL import Image, ImageOps" if facts["upright"] else "from PIL import Image",
            "from safetensors import safe_open",
            "from torchvision import transforms",
            "",
            'with safe_open("model.safetensors", "pt") as file:',
            '    classes = json.loads(file.metadata()["pedrank"])["classes"]',
            "    weights = {name: file.get_tensor(name) for name in file.keys()}",
            f"network = {facts['expression']}.eval()",
            "network.load_state_dict(weights)",
            f'resize = transforms.Resize({crop["resize"]}, transforms.InterpolationMode("{crop["interpolation"]}"))',
            f"normalise = transforms.Normalize({normal['mean']}, {normal['std']})",
            f"crop, steps = transforms.CenterCrop({crop['size']}), transforms.ToTensor()",
            "for path in sorted(path for path in pathlib.Path(sys.argv[1]).rglob('*') if path.is_file()):",
            f'    image = crop(resize({opened}.convert("RGB")))',
            "    with torch.inference_mode():",
            "        pixels = normalise(steps(image))[None]",
            f'        print(path, {shown}, sep="\\t")',
            "",
        ]
    )


def timm_command(facts: Mapping[str, Any]) -> str:
    """The command that trains as the winner was trained, by timm's train script.

    A checkpoint of timm is named. For other networks, MODEL stands for a model of timm.

    Args:
        facts: As `pedrank.finetune.kept.keep_winner` collects them.
    """
    crop, options, normal = facts["crop"], facts["options"], facts["normalisation"]
    package, _, name = facts["architecture"].partition("/")
    model = [name] if package == "timm" else ["MODEL"]
    augmentation = [] if options["augmentation"] == "none" else ["--color-jitter", 0]
    epochs = math.ceil(options["steps"] * options["batch_size"] / facts["train_images"])
    lines: list[list[Any]] = [
        ["python train.py --data-dir DATA --train-split train --val-split test"],
        ["--model", *model, "--pretrained --num-classes", len(facts["classes"])],
        ["--img-size", crop["size"], "--crop-pct", round(crop["size"] / crop["resize"], 4)],
        ["--interpolation", crop["interpolation"], "--mean", *normal["mean"], "--std", *normal["std"]],
        ["--opt sgd --momentum 0.9 --lr", options["learning_rate"], "--weight-decay", options["weight_decay"]],
        ["--sched cosine --sched-on-updates --warmup-epochs 0 --min-lr 0 --epochs", epochs],
        ["--batch-size", options["batch_size"], "--smoothing 0 --seed", facts["seed"], *(augmentation or ["--no-aug"])],
    ]
    return " \\\n  ".join(" ".join(map(str, line)) for line in lines)


def trainer_program(facts: Mapping[str, Any]) -> str:
    """The lines that train as the winner was trained, by Hugging Face's Trainer.

    Args:
        facts: As `pedrank.finetune.kept.keep_winner` collects them.
    """
    options = facts["options"]
    loss = "binary_cross_entropy_with_logits" if facts["several_labels"] else "cross_entropy"
    return f"""import torch
from transformers import Trainer, TrainingArguments

class ImageTrainer(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, **options):
        outputs = model(inputs["pixel_values"])
        loss = torch.nn.functional.{loss}(outputs, inputs["labels"])
        return (loss, {{"logits": outputs}}) if return_outputs else loss

# network: {facts["checkpoint"]} under a new head; dataset: dictionaries of pixel_values (3, {facts["crop"]["size"]}, \
{facts["crop"]["size"]}) and labels
rate, decay = {options["learning_rate"]}, {options["weight_decay"]}
optimiser = torch.optim.SGD(network.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=decay)
arguments = TrainingArguments(
    output_dir="trained", learning_rate=rate, lr_scheduler_type="cosine", warmup_steps=0, max_steps={options["steps"]},
    per_device_train_batch_size={options["batch_size"]}, max_grad_norm=0, seed={facts["seed"]},
    remove_unused_columns=False,
)
ImageTrainer(network, arguments, train_dataset=dataset, optimizers=(optimiser, None)).train()"""


def _plain(words: str) -> str:
    """A text of the user's, such as the name of a class, on one line of Markdown."""
    return " ".join(str(words).split()).replace("<", "&lt;")


def _further(facts: Mapping[str, Any]) -> str:
    """The package beside torchvision that builds the network, if one does."""
    package = facts["statement"].split()[1].partition(".")[0]
    return "" if package == "torchvision" else f"{package}, "


def _by_timm(facts: Mapping[str, Any]) -> list[str]:
    """The command of timm's script with its explanation; none if images have several labels, which it cannot read."""
    if facts["several_labels"]:
        return []
    said = (
        f"The same training by {_TIMM}, on folders DATA/train and DATA/test with one folder per class. It decays no "
        "biases and no weights of normalisations, so accuracies can differ a little."
    )
    if not facts["architecture"].startswith("timm/"):
        said += " MODEL is a model of timm. This checkpoint is not one, so its learning rate is only a first guess."
    return [said, f"```sh\n{timm_command(facts)}\n```"]


def _notes(facts: Mapping[str, Any]) -> list[str]:
    """What a user of the weights has to know."""
    notes = []
    if "pedrank" in facts["statement"]:
        notes.append(
            f"Neither torchvision nor timm builds {facts['architecture']} with one linear classifier, so pedrank "
            "builds it: `pedrank.networks.build.build` returns it without one, and the program adds it."
        )
    if facts["rescaled"]:
        notes.append("The images have more than 8 bits per channel; save them with 8 bits before you predict.")
    return notes
