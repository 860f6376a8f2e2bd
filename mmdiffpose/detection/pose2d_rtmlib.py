# Copyright (c) mmdiffpose contributors. All rights reserved.
"""RTMPose and RTMO through rtmlib, as the 2D stage."""

from pathlib import Path
from typing import Any, Callable, Optional, Union

import numpy as np

from mmdiffpose.onnx_files import check_onnx, open_onnx
from mmdiffpose.optional_imports import Requirement, import_for
from mmdiffpose.skeletons import get_skeleton
from mmdiffpose.structures.detections import Detections

REQUIREMENT = Requirement('rtmlib', 'rtmlib', 'rtmlib')
SKELETONS_BY_SIZE = {17: 'coco', 26: 'halpe26', 133: 'coco_wholebody'}
"""Joint sets of the models that rtmlib's authors publish."""


class RtmlibPose2D:
    """People's joints from RTMPose, with YOLOX for the people, or from RTMO.

    rtmlib (Apache-2.0) takes the whole picture for a person where its person
    detector finds nobody; here nobody is there then.

    Args:
        weights (str | Path, optional): ONNX file of RTMPose or RTMO, of 17,
            26 or 133 joints. Defaults to the mode's RTMPose of COCO's 17,
            which rtmlib downloads once.
        mode (str): Of the default models: ``'lightweight'``, ``'balanced'``
            or ``'performance'``. Defaults to balanced.
        people_weights (str | Path, optional): ONNX file of YOLOX. Defaults to
            the mode's, downloaded once; RTMO needs none.
        device (str): rtmlib's, for example ``'cuda'``. Defaults to ``'cpu'``.
        bbox_thr (float): Least score of a person. Defaults to 0.3.
        nms_thr (float): Overlap from which two are one. Defaults to 0.3.

    Raises:
        FileNotFoundError: If a file is missing.
        ImportError: If rtmlib is not installed.
        ValueError: If a model is another one, or there is no such mode.
    """

    def __init__(self,
                 weights: Union[str, Path, None] = None,
                 mode: str = 'balanced',
                 people_weights: Union[str, Path, None] = None,
                 device: str = 'cpu',
                 bbox_thr: float = 0.3,
                 nms_thr: float = 0.3) -> None:
        rtmlib = import_for('rtmlib', REQUIREMENT)
        models = rtmlib.Body.MODE
        if mode not in models:
            raise ValueError(f'rtmlib: expected a mode of {sorted(models)}, '
                             f'found {mode!r}')
        told = dict(backend='onnxruntime', device=device)
        path = _existing(weights)
        self.finds_people = path is not None and _is_rtmo(path)
        if self.finds_people and people_weights is not None:
            raise ValueError(f'{path}: RTMO finds people itself: expected no '
                             f'weights of a person detector, found '
                             f'{people_weights}')
        self._people: Any = None
        thresholds = dict(score_thr=bbox_thr, nms_thr=nms_thr)
        self._make_people: Optional[Callable[[], Any]] = None
        if self.finds_people:
            self._pose = _sized(rtmlib.RTMO(path, **thresholds, **told))
        else:
            self._pose = _sized(
                rtmlib.RTMPose(path or models[mode]['pose'], **told))
            # Last: who gives boxes needs no other model, see _boxes.
            self._make_people = lambda: _sized(
                rtmlib.YOLOX(
                    _existing(people_weights) or models[mode]['det'], **
                    thresholds, **told))
            _existing(people_weights)
        blank = np.zeros((64, 64, 3), np.uint8)
        found = np.asarray(self._pose(blank)[0])
        if found.ndim != 3 or found.shape[1] not in SKELETONS_BY_SIZE:
            raise ValueError(
                f'{path}: expected a model of {sorted(SKELETONS_BY_SIZE)} '
                f'joints of a person, found {found.shape[1:]}')
        self.skeleton = get_skeleton(SKELETONS_BY_SIZE[found.shape[1]])

    def __call__(self,
                 image: np.ndarray,
                 boxes: Optional[np.ndarray] = None) -> Detections:
        """People in a BGR image, see :class:`~.pose2d.Pose2DModel`."""
        if self.finds_people:
            keypoints, scores = self._pose(image)
        else:
            boxes = self._boxes(image) if boxes is None else boxes
            if not len(boxes):
                return Detections.nobody(self.skeleton.num_joints)
            keypoints, scores = self._pose(image, bboxes=boxes)
        # RTMO says of nobody that all joints of one person score 0.
        there = (scores > 0).any(1)
        return Detections(keypoints[there], scores[there])

    def _boxes(self, image: np.ndarray) -> np.ndarray:
        if self._people is None:
            assert self._make_people is not None
            self._people = self._make_people()
        return np.asarray(self._people(image), np.float32).reshape(-1, 4)


def _existing(path: Union[str, Path, None]) -> Optional[str]:
    """A file's path as text: rtmlib would try to download what is not there.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: See :func:`~mmdiffpose.onnx_files.check_onnx`.
    """
    if path is None:
        return None
    check_onnx(path, 'an ONNX file for rtmlib')
    return str(path)


def _is_rtmo(path: str) -> bool:
    """Whether a file is RTMO, which gives boxes and joints, and not RTMPose,
    which gives a distribution along x and one along y.

    Raises:
        ValueError: If it is neither.
    """
    onnxruntime = import_for(
        'rtmlib',
        REQUIREMENT._replace(package='onnxruntime', module='onnxruntime'))
    outputs = open_onnx(path, onnxruntime,
                        'an ONNX file of RTMPose or RTMO').get_outputs()
    ranks = [len(output.shape) for output in outputs]
    if ranks not in ([3, 3], [3, 4]):
        raise ValueError(
            f'{path}: expected RTMPose, with two outputs of rank 3, or RTMO, '
            'with one of rank 3 and one of rank 4, found '
            f'{[(output.name, output.shape) for output in outputs]}')
    return ranks == [3, 4]


def _sized(tool: Any) -> Any:
    """rtmlib's model, told the size of the picture that its file takes.

    Raises:
        ValueError: If the file does not say it.
    """
    shape = tool.session.get_inputs()[0].shape
    if len(shape) != 4 or not all(isinstance(s, int) for s in shape[2:]):
        raise ValueError(f'{tool.onnx_model}: expected an input (N, 3, '
                         f'height, width) of known size, found {shape}')
    height, width = shape[2:]
    # Top-down models are told width and height, the others as arrays are.
    whole = type(tool).__name__ in ('YOLOX', 'RTMO')
    tool.model_input_size = (height, width) if whole else (width, height)
    return tool
