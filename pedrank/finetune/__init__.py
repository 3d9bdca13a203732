"""Fine-tuning: how accurate a checkpoint becomes when it is trained on a dataset (section 4 of the paper).

The protocol in words: `docs/ground-truth.md`. Pre-training of the tiny zoo: `pretrain/`. In order of dependence:

protocol.py           the grid, the seeds, the options of a run, and the modes paper and as_released
cosine_schedule.py    the learning rate of each step: half a cosine, no warm-up, no restarts
sgd.py                loss, gradients (in parts if memory is short), SGD with Nesterov momentum
step.py               one step of training: normalise, gradients, update
batches.py            the order of the images, and their transfer to the device
crops.py              RandomResizedCrop and horizontal flip of a whole batch
model.py              the network under a new head, and which layers train (full, last_block, linear)
precision.py          the meaning of precision: auto on a device
train.py              one run: the loop over steps, then the test
state.py              the state of an unfinished run: saved, and resumed bit for bit
accuracy.py           top-1, mean per-class and 11-point mAP, in percent
training_images.py    images, targets and splits, with validation images held out if a dataset has none
run.py                one run as a JSON file, reused if inputs, options and code are the same
grid_search.py        the best grid point, successive halving, early stopping of seeds
all_runs.py           all runs of a dataset in one process
runs_table.py         all runs as a table, and their cost
ground_truth.py       accuracy of each checkpoint: from these runs, as published, or from a user's table
probe.py              seconds per image on this machine, from a few steps
estimate.py           hours and disk of a study's fine-tuning, from a probe
arguments.py          command-line arguments that the fine-tuning scripts share
"""
