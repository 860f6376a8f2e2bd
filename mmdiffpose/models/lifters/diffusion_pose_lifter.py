# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The lifter: a frozen context encoder and a diffusion head on top."""

from typing import Dict, List, Optional, Union

import torch
from mmengine.runner.checkpoint import CheckpointLoader
from mmpose.models.pose_estimators import PoseLifter
from torch import Tensor

from mmdiffpose.registry import MODELS
from ..heads.parts.base import LiftingContext
from ..layers import HostValue, flip_poses

Views = Union[LiftingContext, List[LiftingContext]]
"""What a head gets: the windows, with flips their mirror images, too."""


@MODELS.register_module()
class DiffusionPoseLifter(PoseLifter):
    """Lift a 2D track with a context encoder and a diffusion head.

    The context encoder (``backbone`` and ``coarse_head``) is trained first,
    on its own, as a plain ``PoseLifter`` whose backbone and head are these
    two; then it is frozen (DiffPose, Sec. 5, "Implementation Details").
    :class:`~mmdiffpose.engine.TwoStageTrainLoop` does both in one run.

    Args:
        backbone (dict): The context encoder, (B, T, J, 2) to
            ((B, T, J, C), ).
        coarse_head (dict, optional): Its regression head. None for an encoder
            without weights (:class:`~mmdiffpose.models.IdentityContext`),
            which has no pose of its own and needs no first stage.
        head (dict): The diffusion head.
        context_checkpoint (str, optional): Checkpoint of the first stage,
            a path.
        freeze_context (bool): Whether the encoder is frozen. Defaults to
            True.
        train_cfg (dict, optional): Passed to the head.
        test_cfg (dict, optional): Passed to the head; ``flip_test=True``
            averages over the mirrored window.
        data_preprocessor (dict, optional): As in MMPose. Defaults to
            :class:`LiftingDataPreprocessor`.
        init_cfg (dict, optional): As in MMPose.
        metainfo (dict, optional): As in MMPose.
    """

    context_loaded: Tensor

    def __init__(self,
                 backbone: dict,
                 coarse_head: Optional[dict] = None,
                 head: Optional[dict] = None,
                 context_checkpoint: Optional[str] = None,
                 freeze_context: bool = True,
                 train_cfg: Optional[dict] = None,
                 test_cfg: Optional[dict] = None,
                 data_preprocessor: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 metainfo: Optional[dict] = None) -> None:
        if data_preprocessor is None:
            data_preprocessor = dict(type='mmdiffpose.LiftingDataPreprocessor')
        super().__init__(
            backbone=backbone,
            head=head,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
            metainfo=metainfo)
        self.coarse_head = (None if coarse_head is None else
                            MODELS.build(coarse_head))
        self._check_parts()
        self.freeze_context = freeze_context
        # Saved with the weights: a lifter's own checkpoint has its encoder.
        self.register_buffer('context_loaded',
                             torch.tensor(self.coarse_head is None))
        self._context_loaded = HostValue(self.coarse_head is None)
        if freeze_context:
            for module in self._context_modules().values():
                module.requires_grad_(False)
        if context_checkpoint is not None:
            self.load_context(context_checkpoint)

    def _check_parts(self) -> None:
        """Raise where head, coarse head and encoder do not fit."""
        if self.coarse_head is None:
            if any(True for _ in self.backbone.parameters()):
                raise ValueError(
                    f'{type(self.backbone).__name__} has weights to train: '
                    'coarse_head should be the config of its regression head')
            if not getattr(self.head, 'works_without_coarse', False):
                raise ValueError(
                    f'{type(self.head).__name__} needs coarse poses: '
                    'coarse_head should be the config of a regression head')
        elif self._normalized and not hasattr(self.coarse_head, 'norm'):
            raise ValueError(
                f'{type(self.head).__name__} takes normalised features, but '
                f'{type(self.coarse_head).__name__} has no norm layer')

    @property
    def _normalized(self) -> bool:
        """Whether the head takes features behind the coarse head's norm."""
        return getattr(self.head, 'normalized_context', False)

    def _context_modules(self) -> Dict[str, torch.nn.Module]:
        """First-stage name to module."""
        modules = dict(backbone=self.backbone)
        if self.coarse_head is not None:
            modules['head'] = self.coarse_head
        return modules

    def load_context(self, checkpoint: str) -> None:
        """Load the encoder's weights from a first-stage checkpoint.

        Args:
            checkpoint (str): Path of a checkpoint of a ``PoseLifter`` with
                the same backbone and regression head, or of a lifter of this
                class with the same encoder; ``.safetensors``, too.

        Raises:
            FileNotFoundError: Where there is no such file.
            ValueError: Where keys or shapes do not fit.
        """
        state = CheckpointLoader.load_checkpoint(
            checkpoint, map_location='cpu')
        state = state.get('state_dict', state)
        whole = any(key.startswith('coarse_head.') for key in state)
        for prefix, module in self._context_modules().items():
            if whole and prefix == 'head':
                prefix = 'coarse_head'
            part = {
                key[len(prefix) + 1:]: value
                for key, value in state.items() if key.startswith(prefix + '.')
            }
            expected = module.state_dict()
            missing = sorted(set(expected) - set(part))
            unexpected = sorted(set(part) - set(expected))
            shapes = [
                f'{key}: expected {tuple(expected[key].shape)}, found '
                f'{tuple(part[key].shape)}' for key in expected
                if key in part and expected[key].shape != part[key].shape
            ]
            if missing or unexpected or shapes:
                raise ValueError(
                    f'{checkpoint} does not fit the context encoder: '
                    f'"{prefix}." misses {missing[:3]}, has unexpected '
                    f'{unexpected[:3]}, and other shapes {shapes[:3]}')
            module.load_state_dict(part)
        self.context_loaded.fill_(True)

    def train(self, mode: bool = True) -> 'DiffusionPoseLifter':
        """Keep a frozen encoder in evaluation mode."""
        super().train(mode)
        if self.freeze_context:
            for module in self._context_modules().values():
                module.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> LiftingContext:
        """Encode windows once; nothing here is repeated per step.

        Args:
            inputs (Tensor): (B, T, J, 2), screen-normalised, or (B, T, J, 3)
                with the mask.

        Returns:
            LiftingContext: Features, coarse poses and their residual std;
            features alone where there is no coarse head. With the mask, too,
            where the input has it.
        """
        points = inputs[..., :2]
        seen = inputs[..., 2] if inputs.shape[-1] > 2 else None
        with torch.set_grad_enabled(torch.is_grad_enabled()
                                    and not self.freeze_context):
            feats = self.backbone(inputs)
            if self.coarse_head is None:
                return LiftingContext(
                    feats[-1], None, None, seen, points=points)
            coarse = self.coarse_head.to_root_relative(
                self.coarse_head.regress(feats))
            features = feats[-1]
            if self._normalized:
                features = self.coarse_head.norm(features)
        return LiftingContext(
            features,
            coarse,
            self.coarse_head.residual_std,
            seen,
            points=points)

    def views(self,
              inputs: Tensor,
              data_samples: Optional[List] = None) -> Views:
        """Encode windows (B, T, J, C), and their mirror images where the
        model tests with flips."""
        feats = self.extract_feat(inputs)
        if not self.test_cfg.get('flip_test', False):
            return feats
        mirrored = flip_poses(inputs, self.head.mirror_order(data_samples))
        return [feats, self.extract_feat(mirrored)]

    def forward(self,
                inputs: Union[Tensor, List[Tensor]],
                data_samples: Optional[List] = None,
                mode: str = 'tensor') -> Union[Tensor, List, dict]:
        """MMEngine's entry.

        Args:
            inputs (Tensor | list[Tensor]): Windows, (B, T, J, C).
            data_samples (list[PoseDataSample], optional): B of them.
            mode (str): ``'loss'``, ``'predict'``, or ``'tensor'`` for the
                poses of ``'predict'`` alone, (B, T, J, 3), root-relative
                metres. Without data samples those of keypoints with scores of
                1 in a clip without a name.
        """
        if mode != 'tensor':
            return super().forward(inputs, data_samples, mode)
        if isinstance(inputs, list):
            inputs = torch.stack(inputs)
        return self._forward(inputs, data_samples)

    def _forward(self,
                 inputs: Tensor,
                 data_samples: Optional[List] = None) -> Tensor:
        return self.head.forward(
            self.views(inputs, data_samples), data_samples, self.test_cfg)

    def loss(self, inputs: Tensor, data_samples: List) -> dict:
        """Loss of the head.

        Raises:
            ValueError: Where a frozen encoder has no trained weights.
        """
        if self.freeze_context and not self._context_loaded.read(
                self.context_loaded):
            raise ValueError(
                'the context encoder is frozen but has no trained weights: '
                'set model.context_checkpoint to a first-stage checkpoint, or '
                "train with train_cfg.type='mmdiffpose.TwoStageTrainLoop', "
                'which trains it first')
        return super().loss(inputs, data_samples)

    def predict(self, inputs: Tensor, data_samples: List) -> List:
        """Predict; see :func:`pack_predictions` for the fields."""
        preds = self.head.predict(
            self.views(inputs, data_samples),
            data_samples,
            test_cfg=self.test_cfg)
        return self.add_pred_to_datasample(preds, None, None, None,
                                           data_samples)
