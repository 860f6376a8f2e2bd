# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE's denoiser: CSDI with graph convolutions."""

from typing import Callable

import numpy as np
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import H36M_17
from ..layers import GraphNonLocal, PreAggregatedGraphLayer
from .csdi import CSDIDenoiser
from .folded_csdi_gcn import FoldedCSDIGCN

RELEASED_NAMES = {
    'input_projection': 'input_proj',
    'diffusion_embedding.projection1': 'step_embedding.fc1',
    'diffusion_embedding.projection2': 'step_embedding.fc2',
    'residual_layers': 'blocks',
    'diffusion_projection': 'step_proj',
    'mid_projection': 'mid_proj',
    'output_projection': 'out_proj',
    'time_layer': 'mixer.time',
    'feature_layer': 'mixer.feature',
    'gconv.W': 'weight',
    'gconv.bias': 'bias',
    'bn': 'norm',
    'non_local.non_local': 'mixer.non_local',
    'g.0': 'g',
    'phi.0': 'phi',
    'concat_project.0': 'project',
    'W.0': 'out',
    'W.1': 'norm',
    'output_projection1': 'output1',
    'output_projection2': 'output2',
}
"""Parts of the released state dict's names, and those here."""


class GraphMixer(nn.Module):
    """Time-wise and feature-wise graph layers and a non-local layer.

    Args:
        seq_len (int): Number of frames T.
        channels (int): Width C.
        adjacency (np.ndarray): Skeleton graph (J, J).
        dropout (float): Of both graph layers.
    """

    def __init__(self, seq_len: int, channels: int, adjacency: np.ndarray,
                 dropout: float) -> None:
        super().__init__()
        self.time = PreAggregatedGraphLayer(
            seq_len, adjacency, over_time=True, dropout=dropout)
        self.feature = PreAggregatedGraphLayer(
            channels, adjacency, over_time=False, dropout=dropout)
        self.non_local = GraphNonLocal(channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(J, T, B, C) -> (J, T, B, C)``."""
        return self.non_local(self.feature(self.time(x)))


@MODELS.register_module()
class CSDIGCN(CSDIDenoiser):
    r"""DiffHPE's denoiser (Rommel et al., ICCVW 2023, Sec. 3.3).

    CSDI's residual blocks, each with a time-wise graph layer, a feature-wise
    one and a graph non-local layer in place of two transformers. The
    defaults are those of the released weights of DiffHPE-2D: 3,201,971
    parameters. DiffHPE-Wrapper has ``context_channels=64, pose_channels=64,
    dropout=0.27038``: 3,209,843 and 256 of w_theta. The time-wise layers
    have a matrix from frames to frames, so that T is built in.

    Each tensor of the released state dict (below ``diffmodel.``) has its
    place here; i is the block:

    ================================================ =========================
    released                                         here
    ================================================ =========================
    ``input_projection`` (64, D, 1)                  ``input_proj``
    ``diffusion_embedding.projection1``, ``2``       ``step_embedding.fc1``,
                                                     ``fc2``
    ``residual_layers.i.diffusion_projection``       ``blocks.i.step_proj``
    ``….time_layer.gconv.W`` (2, 17, 27, 27)         ``….mixer.time.weight``
    ``….time_layer.gconv.bias``                      ``….mixer.time.bias``
    ``….time_layer.bn``                              ``….mixer.time.norm``
    ``….feature_layer.…``                            ``….mixer.feature.…``
    ``….non_local.non_local.g.0``, ``phi.0``,        ``….mixer.non_local.g``,
    ``theta`` (32, 64, 1)                            ``phi``, ``theta``
    ``….non_local.non_local.concat_project.0``       ``….mixer.non_local.``
    (1, 64, 1, 1)                                    ``project``
    ``….non_local.non_local.W.0``, ``W.1``           ``….out``, ``….norm``
    ``….mid_projection`` (128, 64, 1)                ``….mid_proj``
    ``….output_projection`` (128, 64, 1)             ``….out_proj``
    ``output_projection1``, ``output_projection2``   ``output1``, ``output2``
    ================================================ =========================

    Beside ``diffmodel.``, ``data_enc`` of the Wrapper is ``pose_embed``.
    Weights of convolutions lose their axes of length 1; the rest keeps its
    shape. :func:`released_name` turns a released name into one of here.

    Args:
        seq_len, context_channels, pose_channels, channels, num_blocks,
        num_steps, in_channels, init_cfg: See :class:`CSDIDenoiser`.
        dropout (float): Of the graph layers. Defaults to 0.032, DiffHPE-2D's.
    """

    def __init__(self, dropout: float = 0.032, **kwargs) -> None:
        super().__init__(dropout=dropout, **kwargs)

    def make_mixer(self) -> nn.Module:
        """Graph layers of its own for each block."""
        return GraphMixer(self.seq_len, self.channels, H36M_17.adjacency(),
                          self.dropout)

    def folded(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The blocks with all that is constant multiplied out."""
        return super().folded() if self.training else FoldedCSDIGCN(self)


def released_name(name: str) -> str:
    """Name here of a tensor of the released state dict.

    Args:
        name (str): Without ``diffmodel.``; ``data_enc`` as it is.
    """
    for old, new in [('data_enc', 'pose_embed'), *RELEASED_NAMES.items()]:
        parts = f'.{name}.'.replace(f'.{old}.', f'.{new}.')
        name = parts[1:-1]
    return name
