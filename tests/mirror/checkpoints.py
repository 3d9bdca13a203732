"""Stand-ins of the checkpoints: ResNet-50s with random weights, in the nesting, names and formats of the originals."""

from __future__ import annotations

import argparse
import collections
import copyreg
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mirror.tensor_bundle import write_bundle
from pedrank.catalogue.catalogue import catalogue, files
from pedrank.networks.build import build

BLOCKS = (3, 4, 6, 3)
Weights = dict[str, torch.Tensor]


def backbone(seed: int, architecture: str = "resnet50") -> torch.nn.Module:
    """A network in which nothing has its initial value, so that no weight can be mistaken for another."""
    torch.manual_seed(seed)
    network = build(architecture).eval()
    with torch.no_grad():
        for name, buffer in network.named_buffers():
            if name.endswith("num_batches_tracked"):
                buffer.fill_(seed)
            else:
                buffer.copy_(torch.rand_like(buffer) + (0.5 if name.endswith("var") else -0.5))
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
    return network


def write(name: str, weights: Weights, path: Path) -> None:
    """The file of the checkpoint `name` of the catalogue, holding `weights`."""
    entry = catalogue("checkpoints")[name]
    {"torch": _torch, "simclr": _simclr, "haiku": _haiku}[entry["format"]](name, entry, weights, path)


def _torch(name: str, entry: dict[str, Any], weights: Weights, path: Path) -> None:
    """With the heads, queues and second encoders that the originals have, in their nesting, and what trainers save."""
    prefix = entry.get("prefix", "")
    state = {f"{prefix}{key}": value for key, value in weights.items()}
    ones = torch.ones(2, 2)
    if prefix in ("module.encoder_q.", "module.base_encoder."):
        state |= {
            f"{prefix}fc.0.weight": ones,
            f"{prefix}fc.2.bias": ones,
            "module.queue": ones,
            "module.queue_ptr": ones,
        }
        state |= {"module.encoder_k.conv1.weight": ones, "module.momentum_encoder.conv1.weight": ones}
    elif prefix == "module.encoder.":
        state |= {"module.head.0.weight": ones, "module.head_jig.fc1.0.weight": ones}
    elif prefix == "module.":
        state |= {"module.projection_head.0.weight": ones, "module.projection_head.3.bias": ones}
        state |= {"module.prototypes.prototypes0.weight" if name != "swav" else "module.prototypes.weight": ones}
    content: dict[Any, Any] = state | foreign()
    for key in reversed(entry.get("unwrap", [])):
        content = foreign() | {key: content, "epoch": 200, "arch": "resnet50"}
    torch.save(content, path)


def foreign() -> dict[Any, Any]:
    """Objects that stand beside the weights in trainers' files: options, counters and the optimiser's state."""
    weight = torch.nn.Parameter(torch.ones(2, 2))
    optimiser = torch.optim.SGD([weight], lr=0.03, momentum=0.9)
    weight.sum().backward()
    optimiser.step()
    meters = collections.defaultdict(list, loss=[np.float32(7.5)])
    return {
        "opt": argparse.Namespace(model_folder=Path("models"), lr_decay_epochs=[120, 160], world_size=8),
        "best_acc1": np.float64(60.6),
        "history": np.arange(3.0),
        "meters": meters,
        "optimizer": optimiser.state_dict(),
        None: None,
        0.1: (1, 2),
    }


def layers() -> list[tuple[str, str]]:
    """Convolutions and batch norms in the order in which SimCLR's code creates them: a block's shortcut comes first."""
    order = [("conv1", "bn1")]
    for stage in range(1, 5):
        for block in range(BLOCKS[stage - 1]):
            at = f"layer{stage}.{block}"
            order += [(f"{at}.downsample.0", f"{at}.downsample.1")] if block == 0 else []
            order += [(f"{at}.conv{number}", f"{at}.bn{number}") for number in (1, 2, 3)]
    return order


def tensorflow_variables(weights: Weights) -> dict[str, np.ndarray]:
    variables = {"global_step": np.int64(225206)}
    for number, (conv, norm) in enumerate(layers()):
        suffix = f"_{number}" if number else ""
        kernel = weights[f"{conv}.weight"].permute(2, 3, 1, 0).contiguous().numpy()
        variables[f"base_model/conv2d{suffix}/kernel"] = kernel
        variables[f"base_model/conv2d{suffix}/kernel/Momentum"] = np.zeros(1, np.float32)
        for name, of in (("gamma", "weight"), ("beta", "bias")):
            variables[f"base_model/batch_normalization{suffix}/{name}"] = weights[f"{norm}.{of}"].numpy()
        for name in ("mean", "var"):
            long = {"mean": "mean", "var": "variance"}[name]
            variables[f"base_model/batch_normalization{suffix}/moving_{long}"] = weights[
                f"{norm}.running_{name}"
            ].numpy()
    return variables | {"head_supervised/linear_layer/dense/kernel": np.ones((4, 2), np.float32)}


def _simclr(name: str, entry: dict[str, Any], weights: Weights, path: Path) -> None:
    stem = {"simclr-v1": "ResNet50_1x/model.ckpt-225206", "simclr-v2": "model.ckpt-250228"}[name]
    variables = tensorflow_variables(weights)
    if name == "simclr-v2":  # holds each layer twice: the second time as an average (google-research/simclr#88)
        variables |= {
            key.replace("base_model/", "ema_model/"): np.ones_like(value)
            for key, value in variables.items()
            if key.startswith("base_model/") and "Momentum" not in key
        }
        variables["head_contrastive/nl_0/dense/kernel"] = np.ones((4, 2), np.float32)
    index, data = write_bundle(variables)
    hub = write_bundle({"module/conv2d/kernel": np.ones((4, 2), np.float32)})
    with zipfile.ZipFile(path, "w") as archive:
        for end, content in zip((".index", ".data-00000-of-00001"), hub, strict=True):
            archive.writestr(f"__MACOSX/ResNet50_1x/._model.ckpt{end}", b"\x00\x05\x16\x07")
            archive.writestr(f"ResNet50_1x/hub/variables/variables{end}", content)
        archive.writestr(f"{stem}.index", index)
        archive.writestr(f"{stem}.data-00000-of-00001", data)
        archive.writestr("ResNet50_1x/hub/saved_model.pb", b"a graph")


def lightly_simclr_v2(weights: Weights, path: Path) -> None:
    """The form of the torch conversion: the same layers, numbered by place."""
    state = {}
    for key, value in weights.items():
        if key.endswith("num_batches_tracked"):
            continue
        parts = key.split(".")
        if len(parts) == 2:
            target = {"conv1": "net.0.0", "bn1": "net.0.1.0"}[parts[0]]
        elif parts[2] == "downsample":
            target = f"net.{parts[0][-1]}.blocks.{parts[1]}.projection." + ("shortcut", "bn.0")[int(parts[3])]
        else:
            number = 2 * (int(parts[2][-1]) - 1)
            place = f"{number}" if parts[2].startswith("conv") else f"{number + 1}.0"
            target = f"net.{parts[0][-1]}.blocks.{parts[1]}.net.{place}"
        state[f"{target}.{parts[-1]}"] = value
    torch.save({"resnet": state | {"fc.weight": torch.ones(2, 2)}, "head": {"layers.0.weight": torch.ones(2, 2)}}, path)


class _Named:
    """Pickled as a call of a class that is not installed: `module.name(*arguments)`."""

    def __init__(self, module: str, name: str, *arguments: Any) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class _Pickler(pickle._Pickler):  # the one in Python, whose methods can be replaced
    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        if not isinstance(value, _Named):
            return super().save(value, save_persistent_id)
        self.write(b"c" + value.module.encode() + b"\n" + value.name.encode() + b"\n")
        super().save(value.arguments)
        self.write(b"R")


def _haiku(name: str, entry: dict[str, Any], weights: Weights, path: Path) -> None:
    parameters: dict[str, dict[str, np.ndarray]] = {}
    state: dict[str, dict[str, np.ndarray]] = {}
    for conv, norm in layers():
        stage, block, *_ = [*conv.removeprefix("layer").split("."), "0"]
        if conv == "conv1":
            modules = "initial_conv", "initial_batchnorm"
        else:
            at = f"block_group_{int(stage) - 1}/~/block_{block}/~/"
            number = "" if "downsample" in conv else int(conv[-1]) - 1
            shortcut = f"{at}shortcut_conv", f"{at}shortcut_batchnorm"
            modules = shortcut if number == "" else (f"{at}conv_{number}", f"{at}batchnorm_{number}")
        conv_module, norm_module = (f"res_net50/~/{module}" for module in modules)
        parameters[conv_module] = {"w": weights[f"{conv}.weight"].permute(2, 3, 1, 0).contiguous().numpy()}
        shaped = {key: weights[f"{norm}.{key}"].numpy().reshape(1, 1, 1, -1) for key in ("weight", "bias")}
        parameters[norm_module] = {"scale": shaped["weight"], "offset": shaped["bias"]}
        for kind in ("mean", "var"):
            average = weights[f"{norm}.running_{kind}"].numpy().reshape(1, 1, 1, -1)
            state[f"{norm_module}/~/{kind}_ema"] = {"hidden": average, "average": average, "counter": np.int32(1)}
    ones = np.ones((2, 2), np.float32)
    parameters |= {"projector/linear": {"w": ones}, "predictor/linear_1": {"w": ones}, "classifier": {"w": ones}}
    state["projector/batch_norm/~/mean_ema"] = {"average": ones}

    def mapping(content: dict[str, Any]) -> _Named:
        wrapped = {key: flat(value) if isinstance(value, dict) else value for key, value in content.items()}
        return flat(wrapped)

    def flat(content: dict[str, Any]) -> _Named:
        return _Named("haiku._src.data_structures", "FlatMapping", content)

    online, average = mapping(parameters), mapping(state)
    optimiser = _Named("byol.utils.optimizers", "ScaleByLarsState", online)
    experiment = _Named("byol.byol_experiment", "_ByolExperimentState", online, online, average, average, optimiser)
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, protocol=2)
    pickler.dispatch_table = copyreg.dispatch_table.copy()
    pickler.dump({"experiment_state": experiment, "step": np.int32(7), "rng": np.zeros(2, np.uint32)})
    path.write_bytes(buffer.getvalue())


def file_of(name: str) -> str:
    (file,) = files(catalogue("checkpoints")[name])
    return file
