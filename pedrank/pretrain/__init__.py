"""Self-supervised pre-training of the tiny zoo: one small network, twelve published objectives.

Losses and projection heads come from the package lightly. Training on labels: `finetune/`.

objectives.py      the twelve objectives by name
objective.py       their base class
contrastive.py     SimCLR, MoCo, NNCLR, instance discrimination
distillation.py    BYOL, SimSiam, DINO
clustering.py      SwAV, DeepCluster-v2, PCL
redundancy.py      Barlow Twins, VICReg
loop.py            the training loop that all objectives share
random_views.py    random crops, flips and colours
knn_accuracy.py    accuracy of the features by nearest neighbours
card.py            a finished checkpoint: weights, card, reference statistics
"""
