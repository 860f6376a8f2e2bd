# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A refined pose, how far off it may be, and samples of what is left."""

from types import MappingProxyType
from typing import Any, Mapping, Optional, Sequence

from torch import Tensor

from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.diffusion.samplers import Callback
from mmdiffpose.models.heads.parts.base import LiftingContext
from mmdiffpose.models.heads.parts.residual_sampling import (
    RESIDUAL_TEST_DEFAULTS, ResidualSamplingHead)
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike


@MODELS.register_module()
class ResidualDiffusionHead(ResidualSamplingHead):
    r"""Regress, then diffuse what the regression leaves open.

    What :class:`DiffPoseHead` and :class:`DiffHPEHead` do with
    ``residual_diffusion``, and nothing of either paper's: see
    :class:`~mmdiffpose.models.heads.parts.residual_sampling.ResidualSamplingHead`.

    Args:
        in_channels (int): Width C of the context encoder's features.
        diffusion (dict): See ``ResidualSamplingHead.diffuse_residual``,
            here and in what follows.
        refine (dict, optional): As there.
        std (dict): As there.
        start (str): ``'gaussian'`` or ``'mixture'``.
        loss (dict, optional): Of both poses. Defaults to MPJPE.
        std_weight (float): Of the std's likelihood. Defaults to 0.1.
        diffusion_weight (float): Of the denoiser's loss. Defaults to 1.
        diffusion_stride (int): Every how many-th frame trains the denoiser.
            Defaults to 1.
        num_joints (int, optional): As in ``BaseLiftingHead``.
        root_index (int, optional): As there.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
        skeleton (str | dict | Skeleton, optional): As in ``BaseLiftingHead``.

    Raises:
        ValueError: For an unknown start.
    """

    test_defaults = RESIDUAL_TEST_DEFAULTS

    def __init__(self,
                 in_channels: int,
                 diffusion: Mapping[str, Any] = MappingProxyType({}),
                 refine: Optional[Mapping[str, Any]] = MappingProxyType({}),
                 std: Mapping[str, Any] = MappingProxyType({}),
                 start: str = 'gaussian',
                 loss: Optional[dict] = None,
                 std_weight: float = 0.1,
                 diffusion_weight: float = 1.,
                 diffusion_stride: int = 1,
                 num_joints: Optional[int] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg, skeleton)
        self.diffuse_residual(in_channels, diffusion, refine, std, start, loss,
                              std_weight, diffusion_weight, diffusion_stride)

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """See ``ResidualSamplingHead.residual_loss``."""
        return self.residual_loss(feats, batch_data_samples)

    def reverse(self, context: LiftingContext, mixtures: Optional[Tensor],
                noise: HypothesisNoise, options: Mapping[str, Any],
                callback: Optional[Callback]) -> Tensor:
        """Samples of the posterior; see :class:`SamplingHead`."""
        return self.sample_residual(context, mixtures, noise, options,
                                    callback)
