# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The depth histograms that a head carries in its checkpoint."""

from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmdiffpose.diffusion.depth_histogram import (MAX_BINS, DepthHistogram,
                                                  check_depth_histogram,
                                                  histogram_mixture,
                                                  read_depth_histogram)


class DepthPrior(BaseModule):
    """Depth of each joint over the training set, DiffPose's Sec. 4.1.

    The histograms are buffers: a checkpoint has them, and whoever loads it
    needs no file. They are fitted after loading, so that the checkpoint holds
    what was counted and not a product of it.

    Args:
        path (str, optional): A file of ``depth_histograms.py``. It is read
            where it exists; training without it is refused, and so is use
            before a checkpoint has been loaded.
        num_joints (int): J.
        num_components (int): Gaussians that stand for a histogram.

    Raises:
        ValueError: If the file is broken, of other joints or units.
    """

    counts: Tensor
    edges: Tensor

    def __init__(self,
                 path: Optional[str],
                 num_joints: int,
                 num_components: int = 5) -> None:
        super().__init__()
        if num_components < 1:
            raise ValueError('depth_components should be at least 1, got '
                             f'{num_components}')
        self.path = path
        self.num_joints = num_joints
        self.num_components = num_components
        self._mixture: Optional[Tensor] = None
        # Of one size whatever the file's bins: a checkpoint then fits any
        # model of this kind. All 0: there is no histogram yet.
        self.register_buffer('counts',
                             torch.zeros(num_joints, MAX_BINS).double())
        self.register_buffer('edges', torch.arange(MAX_BINS + 1.).double())
        if path is not None and Path(path).is_file():
            self._set(read_depth_histogram(path, num_joints))

    def _set(self, histogram: DepthHistogram) -> None:
        """Store it, with empty bins after its own."""
        counts, edges = map(torch.from_numpy,
                            (histogram.counts, histogram.edges))
        bins = counts.shape[1]
        self.counts.zero_()[:, :bins] = counts
        self.edges[:bins + 1] = edges
        self.edges[bins +
                   1:] = edges[-1] + torch.arange(1, MAX_BINS - bins + 1) * (
                       edges[-1] - edges[-2])
        self._mixture = None

    def init_weights(self) -> None:
        """Called before a training begins.

        Raises:
            FileNotFoundError: If there is no histogram to train with.
        """
        super().init_weights()
        self._require()

    def _require(self) -> None:
        if bool(self.counts.any()):
            return
        if self.path is None:
            raise ValueError(
                "depth='histogram' needs depth_histogram, a file of "
                'tools/dataset_converters/depth_histograms.py, or a '
                'checkpoint that holds one')
        read_depth_histogram(self.path, self.num_joints)

    def forward(self) -> Tensor:
        """Mixtures of the joints' depths, (J, M, 3): weight, mean, std,
        metres."""
        if self._mixture is None:
            self._require()
            # On the CPU, so that every device fits the same.
            counts, edges = (
                value.double().cpu().numpy()
                for value in (self.counts, self.edges))
            bins = int(np.flatnonzero(counts.any(0))[-1]) + 1
            self._mixture = histogram_mixture(
                check_depth_histogram(counts[:, :bins], edges[:bins + 1],
                                      self.num_joints, 'depth_prior'),
                self.num_components)
        if self._mixture.device != self.counts.device:
            self._mixture = self._mixture.to(self.counts.device)
        return self._mixture

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._mixture = None
