# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The controls: DiffPose's network as a regressor, once or stacked."""

from typing import Any, Optional, cast

from torch import Tensor, nn

from mmdiffpose.models.denoisers.denoiser import Denoiser, build_denoiser
from mmdiffpose.models.heads.parts.base import LiftingContext
from mmdiffpose.models.heads.parts.denoising import DenoisingHead
from mmdiffpose.models.heads.parts.regressing import RegressingHead
from mmdiffpose.registry import MODELS


@MODELS.register_module()
class SinglePassHead(DenoisingHead, RegressingHead):
    """DiffPose's "Baseline A" and "Baseline B" (Table 4): no diffusion.

    The denoiser gets the context encoder's pose in place of a noisy one and
    regresses the pose, in one step (A), or stacked ``num_stacks`` times with
    weights of their own to approximate the complexity of a reverse process
    (B); each further network refines the pose before it. What diffusion is
    worth is its lead over this head, not over the context encoder, which has
    fewer parameters. With ``residual=True`` the pose is regressed relative to
    the context encoder's (and then is zero at the input: the network knows it
    from f_ST and, with ``condition_on_start``, from the moments of H_K), with
    ``residual=False`` as such; the paper does not say which.

    Args:
        in_channels (int): Width C of the context encoder's features.
        denoiser (dict): The network g.
        loss (dict): Defaults to MPJPE.
        num_stacks (int): Networks one after the other. Defaults to 1.
        **kwargs: Arguments of :class:`DenoisingHead`.
    """

    def __init__(self,
                 in_channels: int,
                 denoiser: dict,
                 loss: Optional[dict] = None,
                 num_stacks: int = 1,
                 **kwargs: Any) -> None:
        super().__init__(in_channels, denoiser, 0, **kwargs)
        if num_stacks < 1:
            raise ValueError(f'num_stacks should be at least 1, got '
                             f'{num_stacks}')
        self.refiners = nn.ModuleList(
            cast(nn.Module, build_denoiser(denoiser, 0, self.skeleton))
            for _ in range(num_stacks - 1))
        self.loss_module = MODELS.build(
            dict(type='mmdiffpose.MPJPELoss') if loss is None else loss)

    def regress(self,
                feats: LiftingContext,
                mixtures: Optional[Tensor] = None) -> Tensor:
        """Poses (B, T, J, 3), metres, with 2D mixtures (B, T, J, M, 5)."""
        coarse = feats.known_coarse()
        steps = coarse.new_zeros(coarse.shape[0], 1, coarse.shape[1]).long()
        context = self.project(feats, self.initial(feats, mixtures))
        poses = self.denoise(coarse[:, None], steps, context, coarse)
        for network in self.refiners:
            # A refiner's output is a step from the pose before it, so that
            # an untrained one changes nothing.
            reference = coarse[:, None] if self.residual else 0.
            poses = poses - reference + self.denoise(
                poses, steps, context, coarse, cast(Denoiser, network))
        return poses[:, 0]

    def joint_std(self, feats: LiftingContext) -> Tensor:
        """The context encoder's, (J, 3), metres."""
        return feats.known_std()
