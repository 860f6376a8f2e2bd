# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A lifter that takes the place of an exported one, without a file."""

import torch

from mmdiffpose.checkpoints.model import read_config
from mmdiffpose.deployment.lifter_graph import Draws
from mmdiffpose.deployment.onnx_lifter import OnnxLifter
from mmdiffpose.diffusion.aggregation import score_from_std
from mmdiffpose.models import LiftingDataPreprocessor
from mmdiffpose.skeletons import H36M_17


class Session:
    """Names of inputs, as onnxruntime's sessions have them."""

    def __init__(self, *names):
        self.names = names

    def get_inputs(self):
        return [type('Input', (), dict(name=name)) for name in self.names]

    def get_outputs(self):
        return [
            type('Output', (), dict(name=name))
            for name in ('poses', 'scores', 'std', 'hypotheses')
        ]


class Formula(OnnxLifter):
    """A network that anybody can calculate, in the zoo's pipeline."""

    def __init__(self, config='residual', *inputs):
        torch.nn.Module.__init__(self)
        self.cfg = read_config(config)
        self.session = Session('keypoints', 'noise', *inputs)
        self.dataset_meta = {}
        self.skeleton = H36M_17
        self.draws, self.seed = Draws((3, ), 3, True), 0
        self.test_cfg, self.data_preprocessor = {}, LiftingDataPreprocessor()
        self._inputs, self._drawn = ['keypoints', 'noise', *inputs], {}

    def run(self, given):
        x, noise = given['keypoints'], given['noise']
        u, v, seen = x.unbind(-1)
        # Other poses wherever a frame stands in a window.
        late = torch.arange(x.shape[1]).view(1, -1, 1) / 100
        poses = torch.stack([.8 * u + late, .7 * v, .3 * u * v + .1 * seen],
                            dim=-1)
        if 'mixtures' in given:
            weight, means, stds = given['mixtures'].split([1, 2, 2], dim=-1)
            # Each part, and each component's place, tells.
            own = torch.arange(1, 1 + weight.shape[-2]).view(-1, 1)
            parts = torch.cat([.1 * means, 1 + .2 * stds[..., :1]], dim=-1)
            poses = poses + (own * weight * parts).sum(-2)
        std = .03 + .02 * u.abs()
        hypotheses = poses[:, None] + std[:, None, ..., None] * noise
        return dict(
            poses=poses,
            std=std,
            hypotheses=hypotheses,
            scores=score_from_std(std))
