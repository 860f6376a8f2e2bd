# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A refined pose and the std of its error, in any head."""

from types import MappingProxyType
from typing import Any, Dict, Mapping, NamedTuple, Optional

from torch import Tensor

from mmdiffpose.models.denoisers.denoiser import told_joints
from mmdiffpose.models.posterior import ResidualStdRegressor
from mmdiffpose.registry import MODELS
from .base import BaseLiftingHead, LiftingContext


class Regression(NamedTuple):
    """What is known of B windows before anything is sampled.

    Attributes:
        features: Of the encoder or of the head's own, (B, T, J, C).
        coarse: The first regression's poses, (B, T, J, 3), root-relative
            metres.
        mean: The refined ones, likewise.
        std: How far off they may be, (B, T, J, 3), metres.
    """
    features: Tensor
    coarse: Tensor
    mean: Tensor
    std: Tensor


class RefiningPart(BaseLiftingHead):
    """Base of the heads that regress a refined pose and its std.

    Both networks see the features of all joints at once, gradients stopped.
    Until a subclass calls :meth:`refine_by` there are none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regression: Any = None
        self.refine: Any = None
        self.std: Any = None

    def refine_by(self,
                  in_channels: Optional[int] = None,
                  refine: Optional[Mapping[str, Any]] = MappingProxyType({}),
                  std: Mapping[str, Any] = MappingProxyType({}),
                  loss: Optional[dict] = None,
                  std_weight: float = 0.1,
                  regression: Optional[Mapping[str, Any]] = None) -> None:
        """Make the networks and take the options.

        Args:
            in_channels (int, optional): Width C of the context encoder's
                features; a ``regression`` says it by itself.
            refine (dict, optional): Arguments of
                :class:`~mmdiffpose.models.posterior.RefiningRegressor`. None
                for the coarse pose as it is.
            std (dict): Arguments of
                :class:`~mmdiffpose.models.posterior.ResidualStdRegressor`.
            loss (dict, optional): Of both poses. Defaults to MPJPE.
            std_weight (float): Of the std's likelihood. Defaults to 0.1.
            regression (dict, optional): A network of the head's own, such as
                ``CSDIGCN``, that regresses the coarse pose from the context
                and has the features that all else works on: for contexts
                without a pose, such as the 2D keypoints.

        Raises:
            ValueError: Without ``in_channels``.
            TypeError: For a ``regression`` that can't regress.
        """
        if regression is not None:
            self.regression = MODELS.build(
                told_joints(regression, self.skeleton))
            if not hasattr(self.regression, 'regress'):
                raise TypeError(
                    'regression should be a network that regresses poses, '
                    'such as CSDIGCN, got '
                    f'{type(self.regression).__name__}')
            in_channels = self.regression.channels
        if in_channels is None:
            raise ValueError('regressions need features: in_channels should '
                             'be their width')
        self.refined_channels = in_channels
        self.works_without_coarse = regression is not None
        # All networks here have a norm of their own.
        self.normalized_context = False
        common = dict(in_channels=in_channels, num_joints=self.num_joints)
        if refine is not None:
            self.refine = MODELS.build(
                dict(refine, type='mmdiffpose.RefiningRegressor', **common))
        self.std = MODELS.build(
            dict(std, type='mmdiffpose.ResidualStdRegressor', **common))
        self.loss_module = MODELS.build(
            dict(type='mmdiffpose.MPJPELoss') if loss is None else loss)
        self.std_weight = std_weight

    def regress(self, context: LiftingContext) -> Regression:
        """All that is regressed of B windows.

        Raises:
            ValueError: Where there is no coarse pose to start from.
        """
        features = context.features
        if self.regression is None:
            coarse = context.known_coarse()
        else:
            coarse, features = self.regression.regress(features)
            coarse = self.to_root_relative(coarse)
        mean = coarse
        if self.refine is not None:
            mean = self.to_root_relative(
                self.refine(features, coarse, context.seen))
        return Regression(features, coarse, mean,
                          self.std(features, mean, context.seen))

    def regression_losses(self, known: Regression, target: Tensor,
                          weight: Tensor) -> Dict[str, Tensor]:
        """Losses of all regressions.

        Args:
            known (Regression): Of B windows.
            target (Tensor): (B, T, J, 3), root-relative metres.
            weight (Tensor): Of each joint's target, (B, T, J).

        Returns:
            dict: ``loss_std``, ``loss_pose3d`` of the refined pose where
            there is one, ``loss_coarse`` where what makes the coarse pose is
            trained, too.
        """
        losses = dict(loss_std=self.std_weight *
                      ResidualStdRegressor.likelihood_loss(
                          known.std, known.mean, target, weight))
        if self.refine is not None:
            losses['loss_pose3d'] = self.loss_module(known.mean, target,
                                                     weight)
        if known.coarse.requires_grad:
            losses['loss_coarse'] = self.loss_module(known.coarse, target,
                                                     weight)
        return losses
