"""Self-supervised pre-training of the tiny zoo: one small network, twelve published objectives.

Losses and projection heads are lightly's. `objectives.py` names the objectives, `train.py` is the loop they share.
"""
