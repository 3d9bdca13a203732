"""Fine-tuning: how accurate a checkpoint becomes when it is trained on a dataset (section 4 of the paper).

`protocol.py` says what is run, `train.py` is one run, `run.py` keeps it as an artefact, `choice.py` decides what runs
next, `metrics.py` holds the accuracies. `docs/ground-truth.md` tells it in words.
"""
