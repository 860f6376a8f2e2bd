# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write lifted tracks as JSON and npz."""

import json
from pathlib import Path
from typing import Any, Dict, Union

import numpy as np

from mmdiffpose.atomic_files import replacing
from .axes import to_axes
from .lift import LiftedTrack

METRE_DIGITS, PIXEL_DIGITS, SCORE_DIGITS = 4, 1, 3


def result_meta(lifted: LiftedTrack, axes: str) -> Dict[str, Any]:
    """What a reader has to know about the numbers."""
    skeleton = lifted.skeleton
    return dict(
        axes=axes,
        unit='metre',
        origin=skeleton.joints[skeleton.root],
        skeleton=skeleton.name,
        joints=list(skeleton.joints),
        parents=list(skeleton.parents),
        image_size=list(lifted.image_size),
        fps=lifted.fps)


def write_json(lifted: LiftedTrack, path: Union[str, Path], axes: str) -> Path:
    """Write poses in the layout of MMPose's prediction files.

    ``meta_info`` holds units, axes and joint names; ``instance_info`` is a
    list of frames, each with ``instances`` that have ``keypoints`` (J, 3),
    ``keypoint_scores``, ``keypoint_std`` (metres), ``keypoints_2d`` (pixels)
    and ``keypoint_scores_2d``. Hypotheses are in the npz only.

    Args:
        lifted (LiftedTrack): F frames.
        path (str | Path): The file.
        axes (str): See :data:`~mmdiffpose.apis.axes.AXES`.

    Returns:
        Path: The file.
    """
    poses = to_axes(lifted.keypoints_3d, axes)
    columns = dict(
        keypoints=_round(poses, METRE_DIGITS),
        keypoint_scores=_round(lifted.scores, SCORE_DIGITS),
        keypoints_2d=_round(lifted.keypoints_2d, PIXEL_DIGITS),
        keypoint_scores_2d=_round(lifted.scores_2d, SCORE_DIGITS))
    if lifted.std is not None:
        columns['keypoint_std'] = _round(lifted.std, METRE_DIGITS)
    frames = [
        dict(
            frame_id=int(frame),
            instances=[
                dict(
                    track_id=0 if lifted.track_id is None else lifted.track_id,
                    **{
                        name: values[row]
                        for name, values in columns.items()
                    })
            ]) for row, frame in enumerate(lifted.frame_ids)
    ]
    document = dict(meta_info=result_meta(lifted, axes), instance_info=frames)
    text = json.dumps(document, separators=(',', ':'), allow_nan=False)
    return _write(Path(path), (text + '\n').encode())


def write_npz(lifted: LiftedTrack, path: Union[str, Path], axes: str) -> Path:
    """Write poses as arrays, hypotheses included.

    Keys: ``keypoints_3d`` (F, J, 3), ``scores`` (F, J), ``std`` (F, J) and
    ``hypotheses`` (F, N, J, 3) where the model gives them, ``keypoints_2d``
    (F, J, 2), ``scores_2d`` (F, J), ``frame_ids`` (F, ), ``meta`` (JSON, what
    ``meta_info`` is in the JSON file). Loads without pickle.

    Args:
        lifted (LiftedTrack): F frames.
        path (str | Path): The file.
        axes (str): See :data:`~mmdiffpose.apis.axes.AXES`.

    Returns:
        Path: The file.
    """
    arrays = dict(
        keypoints_3d=to_axes(lifted.keypoints_3d, axes),
        scores=lifted.scores,
        keypoints_2d=lifted.keypoints_2d,
        scores_2d=lifted.scores_2d,
        frame_ids=lifted.frame_ids,
        meta=np.array(json.dumps(result_meta(lifted, axes))))
    if lifted.std is not None:
        arrays['std'] = lifted.std
    if lifted.hypotheses is not None:
        arrays['hypotheses'] = to_axes(lifted.hypotheses, axes)
    path = Path(path)
    with replacing(path) as part:
        np.savez_compressed(part, **arrays)
    return path


def _round(values: np.ndarray, digits: int) -> list:
    return np.round(values.astype(float), digits).tolist()


def _write(path: Path, content: bytes) -> Path:
    """All or nothing: an interrupted run leaves no half file."""
    with replacing(path) as part:
        part.write_bytes(content)
    return path
