# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The depth histograms that a head carries in its checkpoint."""

from pathlib import Path
from typing import Any, Dict, List, Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmdiffpose.diffusion.depth_histogram import (DepthHistogram,
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
        self.register_buffer('counts', torch.zeros(num_joints, 0).double())
        self.register_buffer('edges', torch.zeros(0).double())
        if path is not None and Path(path).is_file():
            self._set(read_depth_histogram(path, num_joints))

    def _set(self, histogram: DepthHistogram) -> None:
        self.counts = torch.from_numpy(histogram.counts).to(self.counts)
        self.edges = torch.from_numpy(histogram.edges).to(self.edges)
        self._mixture = None

    def init_weights(self) -> None:
        """Called before a training begins.

        Raises:
            FileNotFoundError: If there is no histogram to train with.
        """
        super().init_weights()
        self._require()

    def _require(self) -> None:
        if self.counts.shape[1]:
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
            self._mixture = histogram_mixture(
                DepthHistogram(self.counts.double().cpu().numpy(),
                               self.edges.double().cpu().numpy()),
                self.num_components)
        if self._mixture.device != self.counts.device:
            self._mixture = self._mixture.to(self.counts.device)
        return self._mixture

    def _load_from_state_dict(self, state_dict: Dict[str, Any], prefix: str,
                              local_metadata: dict, strict: bool,
                              missing_keys: List[str],
                              unexpected_keys: List[str],
                              error_msgs: List[str]) -> None:
        """Take over histograms of any number of bins."""
        counts, edges = (
            state_dict.get(f'{prefix}{name}') for name in ('counts', 'edges'))
        if counts is not None and edges is not None and counts.shape[1]:
            self._set(
                check_depth_histogram(counts.double().cpu().numpy(),
                                      edges.double().cpu().numpy(),
                                      self.num_joints,
                                      f'the checkpoint ({prefix}counts)'))
        super()._load_from_state_dict(state_dict, prefix, local_metadata,
                                      strict, missing_keys, unexpected_keys,
                                      error_msgs)
