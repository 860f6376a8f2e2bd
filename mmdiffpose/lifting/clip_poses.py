# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Put together what a model says of a clip's windows, as it says it."""

from typing import Dict

import numpy as np
import torch

from mmdiffpose.diffusion.aggregation import score_from_std
from mmdiffpose.structures.axes import LIFTER
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.lifter_view import LifterView
from .unseen_joints import trust, widen_unsure
from .window_inference import Clip, Fields
from .windows import JoinedWindows, WindowPlan

_PICKED = ('hypotheses', 'rotation')
"""Fields of which windows may not be mixed."""


class ClipPoses:
    """Poses of a clip, from those of its windows.

    Windows come in the plan's order and are not kept: what is held is one
    result per frame.

    Args:
        clip (Clip): F frames.
        plan (WindowPlan): Its W windows.
    """

    def __init__(self, clip: Clip, plan: WindowPlan) -> None:
        self.clip, self.plan = clip, plan
        self._joined: Dict[str, JoinedWindows] = {}
        self._missing = len(plan.starts)

    def add(self, fields: Fields) -> bool:
        """Take in the next window.

        Args:
            fields (dict[str, np.ndarray]): Its predicted fields.

        Returns:
            bool: Whether it was the last one.
        """
        for name, values in fields.items():
            if name == 'hypotheses':
                # How they differ from the pose: that one is blended.
                values = values - fields['keypoints'][:, None]
            if name not in self._joined:
                self._joined[name] = (
                    self.plan.picking()
                    if name in _PICKED else self.plan.blending())
            self._joined[name].add(values)
        self._missing -= 1
        return not self._missing

    def track(self) -> LiftedTrack:
        """The whole clip, in the camera's axes; once.

        Raises:
            ValueError: If windows are missing.
        """
        clip = self.clip
        track, root = clip.track, clip.track.skeleton.root
        fields = {
            name: joined.per_frame()
            for name, joined in self._joined.items()
        }
        self._joined.clear()
        keypoints = fields['keypoints']
        scores = fields['keypoint_scores'].clip(0, 1)
        hypotheses = fields.pop('hypotheses', None)
        covariance = None
        if hypotheses is not None:
            hypotheses += keypoints[:, None]
            hypotheses -= hypotheses[:, :, root:root + 1].copy()
        keypoints = keypoints - keypoints[:, root:root + 1]
        bare = fields.get('keypoint_std')
        std, hypotheses, added = widen_unsure(
            keypoints, bare, hypotheses, track.scores, track.skeleton,
            clip.least_score if clip.told else None)
        if bare is not None and std is not None and 'covariance' in fields:
            # Each axis grows by what all together grow by.
            growth = np.where(bare > 1e-6, std / np.maximum(bare, 1e-6), 1)
            covariance = fields.pop('covariance')
            covariance = covariance * growth[..., None, None]**2
            # A model that was surer than sure has no axes.
            covariance[bare <= 1e-6] += np.eye(
                3, dtype=covariance.dtype) * (
                    std[bare <= 1e-6, None, None]**2)
        scores = np.minimum(scores, _chance(added if std is None else std))
        scores[:, root] = np.minimum(scores[:, root], _chance(added[:, root]))
        view, axes = clip.view, LIFTER
        if 'rotation' in fields:
            assert clip.focal is not None
            # The turns were undone window by window; this tells of them.
            view, axes = LifterView.turned_by(fields['rotation'],
                                              clip.focal.pixels,
                                              clip.camera['c']), 'camera'
        lifted = LiftedTrack(
            keypoints_3d=keypoints,
            scores=scores * trust(track.scores, clip.least_score),
            std=std,
            hypotheses=hypotheses,
            keypoints_2d=clip.filled,
            scores_2d=track.scores,
            frame_ids=track.frame_ids,
            image_size=track.image_size,
            skeleton=track.skeleton,
            fps=track.fps,
            step=track.step,
            times=track.times,
            track_id=track.track_id,
            focal_px=clip.focal and clip.focal.pixels,
            focal_source=clip.focal and clip.focal.how,
            view=view,
            covariance=covariance,
            axes=axes)
        return lifted.in_axes('camera')


def _chance(std: np.ndarray) -> np.ndarray:
    """Scores of joints whose std is known, of the std's shape."""
    return score_from_std(torch.from_numpy(np.asarray(std))).numpy()
