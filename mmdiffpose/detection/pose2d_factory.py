# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Build the 2D stage from whatever names it."""

import importlib.util
import re
from pathlib import Path
from typing import Any, Optional, Union

from .pose2d import Pose2DModel, Pose2DStage


def make_pose2d(pose2d: Union[str, Path, Pose2DModel, None] = None,
                weights: Union[str, Path, None] = None,
                device: Optional[str] = None,
                det_model: Optional[str] = None,
                det_weights: Optional[str] = None,
                det_cat_ids: Any = None,
                bbox_thr: float = 0.3,
                nms_thr: float = 0.3) -> Pose2DStage:
    """Build the 2D stage of an inferencer; see there for the arguments.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the 2D model is none, or has an unknown joint set.
    """
    # Slow imports, which keypoint files do without.
    from .pose2d_mmpose import build_people_detector, build_pose2d
    own = _named_class(pose2d) if isinstance(pose2d, (str, Path)) else None
    if own is not None:
        pose2d = own() if weights is None else own(weights)
    if pose2d is None or isinstance(pose2d, (str, Path)):
        return Pose2DStage(
            build_pose2d(None if pose2d is None else str(pose2d),
                         None if weights is None else str(weights), device,
                         det_model, det_weights, det_cat_ids, bbox_thr,
                         nms_thr))
    people = None
    if det_model not in (None, 'whole_image', 'whole-image'):
        people = build_people_detector(det_model, det_weights, device,
                                       det_cat_ids, bbox_thr, nms_thr)
    return Pose2DStage(pose2d, people)


def _named_class(name: Union[str, Path]) -> Optional[Any]:
    """The object that ``FILE.py:NAME`` means; None for other names."""
    match = re.fullmatch(r'(.+\.py):(\w+)', str(name))
    if match is None:
        return None
    path = Path(match[1])
    if not path.is_file():
        raise FileNotFoundError(f'no Python file at {path}')
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, match[2]):
        raise ValueError(f'{path}: expected something named {match[2]}, '
                         'found nothing of that name')
    return getattr(module, match[2])
