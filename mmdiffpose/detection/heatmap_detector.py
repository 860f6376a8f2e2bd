# Copyright (c) mmdiffpose contributors. All rights reserved.
"""2D joints with mixtures, from any MMPose top-down heatmap model.

MMPose's ``Pose2DInferencer`` sets ``test_cfg['output_heatmaps']`` to its
argument ``draw_heatmap`` on each call, so a setting in the config is lost.
Here the model is called itself, and the setting holds.
"""

from typing import Any, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmpose.structures import PoseDataSample
from torch import nn

from mmdiffpose.codecs.heatmap_mixtures import (HeatmapFit,
                                                fit_heatmap_mixtures,
                                                heatmap_to_image, mask_joints)
from mmdiffpose.structures.detections import Detections

_CONVENTIONS = dict(
    MSRAHeatmap='msra', UDPHeatmap='udp', MegviiHeatmap='megvii')


class HeatmapDetector:
    """A top-down heatmap model whose heatmaps become mixtures.

    Works with heads whose codec makes one Gaussian heatmap a joint:
    ``HeatmapHead``, ``CPMHead``, ``MSPNHead``, ``CPNHead``.

    Args:
        model (nn.Module): ``TopdownPoseEstimator`` from ``init_model``, with
            ``cfg`` and ``dataset_meta``.
        fit (HeatmapFit, optional): How heatmaps become mixtures.

    Raises:
        ValueError: If the model gives no such heatmaps.
    """

    def __init__(self,
                 model: nn.Module,
                 fit: Optional[HeatmapFit] = None) -> None:
        # Any: what MMPose's init_model adds to a module is not declared.
        self.model: Any = model
        self.fit = fit or HeatmapFit()
        self.convention = heatmap_convention(model)
        # Another model, a person detector for instance, may have set its own.
        self._use_scope()
        self.pipeline = Compose(_test_pipeline(model))

    def _use_scope(self) -> None:
        init_default_scope(self.model.cfg.get('default_scope') or 'mmpose')

    @torch.no_grad()
    def __call__(self, images: Sequence[np.ndarray],
                 boxes: Sequence[np.ndarray]) -> Detections:
        """Detects one person in each image, in one batch.

        Args:
            images (Sequence[np.ndarray]): P images (h, w, 3), uint8, BGR; the
                same one may stand there several times.
            boxes (Sequence[np.ndarray]): Their persons' boxes (4, ), x1, y1,
                x2, y2 in pixels.
        """
        self._use_scope()
        samples = [
            self.pipeline(
                dict(
                    self.model.dataset_meta,
                    img=image,
                    bbox=np.asarray(box, np.float32)[None],
                    bbox_score=np.ones(1, np.float32)))
            for image, box in zip(images, boxes, strict=True)
        ]
        before = self.model.test_cfg.get('output_heatmaps', False)
        self.model.test_cfg['output_heatmaps'] = True
        try:
            results = self.model.test_step(pseudo_collate(samples))
        finally:
            self.model.test_cfg['output_heatmaps'] = before
        return detections_from_samples(results, self.convention, self.fit)


def detections_from_samples(samples: Sequence[PoseDataSample],
                            convention: str,
                            fit: Optional[HeatmapFit] = None) -> Detections:
    """Joints and mixtures of predicted samples with heatmaps.

    Args:
        samples (Sequence[PoseDataSample]): Of a top-down model with
            ``output_heatmaps``, one person each.
        convention (str): Where heatmap cells lie; of
            :func:`heatmap_convention`.
        fit (HeatmapFit, optional): How heatmaps become mixtures.

    Raises:
        ValueError: If the samples have no heatmaps.
    """
    if not all('pred_fields' in sample and 'heatmaps' in sample.pred_fields
               for sample in samples):
        raise ValueError('the samples have no pred_fields.heatmaps; is the '
                         "model's test_cfg['output_heatmaps'] set?")
    heatmaps = torch.stack(
        [torch.as_tensor(sample.pred_fields.heatmaps) for sample in samples])
    size = heatmaps.shape[:-3:-1]  # width, height
    mixtures = fit_heatmap_mixtures(heatmaps, fit=fit or HeatmapFit())
    mixtures = np.stack([
        heatmap_to_image(mixture, sample.metainfo['input_size'],
                         sample.metainfo['input_center'],
                         sample.metainfo['input_scale'], size, convention)
        for mixture, sample in zip(mixtures, samples)
    ])
    keypoints, scores = (
        np.stack(
            [getattr(sample.pred_instances, name)[0]
             for sample in samples]).astype(np.float32)
        for name in ('keypoints', 'keypoint_scores'))
    scores = np.where(mask_joints(mixtures), 0, scores.clip(0, 1))
    return Detections(keypoints[..., :2], scores.astype(np.float32), mixtures)


def heatmap_convention(model: nn.Module) -> str:
    """Where the cells of a model's heatmaps lie in its input.

    Returns:
        str: A convention of ``heatmap_to_image``.

    Raises:
        ValueError: If the model isn't a top-down model whose head makes one
            Gaussian heatmap a joint, for example a SimCC model.
    """
    codec = getattr(getattr(model, 'head', None), 'decoder', None)
    name = type(codec).__name__
    mode = _config(model).get('data_mode', 'topdown')
    if mode != 'topdown':
        raise ValueError('expected a top-down model, found data_mode='
                         f'{mode!r}')
    if name not in _CONVENTIONS or getattr(codec, 'heatmap_type',
                                           'gaussian') != 'gaussian':
        raise ValueError(
            f'the head {type(getattr(model, "head", None)).__name__} with '
            f'the codec {name} gives no heatmap to read as a distribution, '
            f'expected one of the codecs {sorted(_CONVENTIONS)}. Use its '
            'keypoints and scores: the lifters take widths from the scores '
            'then')
    return _CONVENTIONS[name]


def _config(model: nn.Module) -> Any:
    """What a model was built from."""
    return model.cfg


def _test_pipeline(model: nn.Module) -> List[Union[dict, object]]:
    """The steps of the model's test pipeline."""
    config = _config(model)
    loader = config.get('test_dataloader') or config.get('val_dataloader')
    if loader is None:
        raise ValueError("the model's config has no test_dataloader, whose "
                         'pipeline says how images are cropped')
    return loader.dataset.pipeline
