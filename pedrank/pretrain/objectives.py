"""The objectives by name: twelve self-supervised ones, and classification."""

from __future__ import annotations

from pedrank.pretrain.clustering import PCL, DeepCluster, SwAV
from pedrank.pretrain.contrastive import NNCLR, InstanceDiscrimination, MoCo, SimCLR
from pedrank.pretrain.distillation import BYOL, DINO, SimSiam
from pedrank.pretrain.objective import Objective
from pedrank.pretrain.redundancy import BarlowTwins, VICReg
from pedrank.pretrain.supervised import Supervised

OBJECTIVES: dict[str, type[Objective]] = {
    "simclr": SimCLR,
    "moco": MoCo,
    "byol": BYOL,
    "simsiam": SimSiam,
    "swav": SwAV,
    "barlow-twins": BarlowTwins,
    "vicreg": VICReg,
    "dino": DINO,
    "insdis": InstanceDiscrimination,
    "deepcluster": DeepCluster,
    "pcl": PCL,
    "nnclr": NNCLR,
    "supervised": Supervised,
}
