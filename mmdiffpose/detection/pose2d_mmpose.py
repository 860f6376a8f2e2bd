# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose's 2D models and MMDetection's detectors as a 2D stage.

And :func:`make_pose2d`, which builds the stage from whatever names it.
"""

import importlib.util
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmpose.apis.inferencers import Pose2DInferencer
from mmpose.evaluation.functional import nms

from mmdiffpose.codecs.heatmap_mixtures import HeatmapFit
from mmdiffpose.skeletons import Skeleton, get_skeleton
from mmdiffpose.structures.detections import Detections
from .heatmap_detector import HeatmapDetector, heatmap_convention
from .named_detectors import (DetectorArguments, find_detector,
                              make_named_detector)
from .pose2d import PersonDetector, Pose2DModel, Pose2DStage

PERSON = 0
"""COCO's category, and that of detectors trained on people alone."""

MAX_CROPS = 64
"""People in one forward pass: a crowd does not need more memory."""


class MMDetPeople:
    """Boxes of people from an MMDetection model.

    Args:
        detector: A ``DetInferencer`` of MMDetection.
        cat_ids (sequence[int]): Categories to keep.
        bbox_thr (float): Least score of a box. Defaults to 0.3.
        nms_thr (float): Boxes that overlap more than this (intersection over
            union) count once. Defaults to 0.3.
    """

    def __init__(self,
                 detector: Callable[..., Any],
                 cat_ids: Sequence[int] = (PERSON, ),
                 bbox_thr: float = 0.3,
                 nms_thr: float = 0.3) -> None:
        self.detector, self.cat_ids = detector, tuple(cat_ids)
        self.bbox_thr, self.nms_thr = bbox_thr, nms_thr

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Boxes (P, 4), x1, y1, x2, y2 in pixels, of a BGR image."""
        result = self.detector(image, return_datasamples=True)
        found = result['predictions'][0].pred_instances.cpu().numpy()
        kept = np.isin(found.labels, self.cat_ids) & (
            found.scores > self.bbox_thr)
        rows = np.c_[found.bboxes, found.scores][kept]
        return rows[nms(rows, self.nms_thr), :4] if len(rows) else rows[:, :4]


class MMPosePose2D:
    """People's joints from any 2D model of MMPose.

    Heatmap models (``HeatmapHead``, ``CPMHead``, ``MSPNHead``, our
    ``CPNHead``) say where a joint is as a mixture; of other top-down models
    (SimCC, RTMPose, regression) and of bottom-up ones, joints and scores are
    taken. A top-down model with a person detector gives nobody where that
    one finds nobody; without one it gets the whole image.

    Args:
        inferencer (Pose2DInferencer): MMPose's, with model and detector.
        bbox_thr (float): As in :class:`MMDetPeople`.
        nms_thr (float): As in :class:`MMDetPeople`.
        fit (HeatmapFit, optional): How heatmaps become mixtures.

    Raises:
        ValueError: If the model's joint set is unknown.
    """
    in_pixels = True

    def __init__(self,
                 inferencer: Pose2DInferencer,
                 bbox_thr: float = 0.3,
                 nms_thr: float = 0.3,
                 fit: Optional[HeatmapFit] = None) -> None:
        self.inferencer = inferencer
        self.model = inferencer.model
        self.skeleton = model_skeleton(self.model.dataset_meta)
        self.top_down = inferencer.cfg.data_mode == 'topdown'
        detector = getattr(inferencer, 'detector', None)
        self.people = None if detector is None else MMDetPeople(
            detector, inferencer.det_cat_ids, bbox_thr, nms_thr)
        self.heatmaps: Optional[HeatmapDetector] = None
        if _has_heatmaps(self.model):
            self.heatmaps = HeatmapDetector(self.model, fit)

    def __call__(self,
                 image: np.ndarray,
                 boxes: Optional[np.ndarray] = None) -> Detections:
        """People in one BGR image, see :class:`~.pose2d.Pose2DModel`."""
        return self.batch([image], [boxes])[0]

    def batch(self, images: Sequence[np.ndarray],
              boxes: Sequence[Optional[np.ndarray]]) -> List[Detections]:
        """People in several BGR images, all crops together."""
        if not self.top_down:
            return [self._bottom_up(image) for image in images]
        crops, counts = [], []
        for image, given in zip(images, boxes):
            found = self._boxes(image) if given is None else given
            counts.append(len(found))
            crops += [(image, box) for box in found]
        K = self.skeleton.num_joints
        if not crops:
            return [Detections.nobody(K) for _ in images]
        passes = [
            self._top_down(crops[start:start + MAX_CROPS])
            for start in range(0, len(crops), MAX_CROPS)
        ]
        people = [
            None if values[0] is None else np.concatenate(values)
            for values in zip(*passes)
        ]
        ends = np.cumsum(counts)[:-1]
        parts = [[None] *
                 len(images) if values is None else np.split(values, ends)
                 for values in people]
        return [Detections(*fields) for fields in zip(*parts)]

    def _boxes(self, image: np.ndarray) -> np.ndarray:
        return (_whole_image if self.people is None else self.people)(image)

    def _top_down(
            self, crops: Sequence[Tuple[np.ndarray,
                                        np.ndarray]]) -> Detections:
        """The person in each (image, box)."""
        if self.heatmaps is not None:
            images, boxes = zip(*crops)
            return self.heatmaps(images, boxes)
        samples = self._test_step([
            dict(
                img=image,
                bbox=np.asarray(box, np.float32)[None],
                bbox_score=np.ones(1, np.float32)) for image, box in crops
        ])
        return Detections(*(np.concatenate(
            [_array(sample.pred_instances[name]) for sample in samples])
                            for name in ('keypoints', 'keypoint_scores')))

    def _bottom_up(self, image: np.ndarray) -> Detections:
        found = self._test_step([dict(img=image)])[0].pred_instances
        return Detections(
            _array(found.keypoints), _array(found.keypoint_scores))

    @torch.no_grad()
    def _test_step(self, infos: List[dict]) -> list:
        init_default_scope(self.model.cfg.get('default_scope') or 'mmpose')
        samples = [
            self.inferencer.pipeline({
                **self.model.dataset_meta,
                **info, 'img_path': ''
            }) for info in infos
        ]
        return self.model.test_step(pseudo_collate(samples))


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
    whole = det_model in ('whole_image', 'whole-image')
    people: Optional[PersonDetector] = None
    if isinstance(pose2d, (str, Path)):
        own = _named_class(pose2d)
        if own is not None:
            pose2d = own() if weights is None else own(weights)
        elif find_detector(str(pose2d)) is not None:
            boxes = det_model is not None
            told = DetectorArguments(weights, None, device,
                                     None if boxes else det_weights, bbox_thr,
                                     nms_thr)
            pose2d = make_named_detector(str(pose2d), told, boxes)
            people = _whole_image if whole else None
    if pose2d is None or isinstance(pose2d, (str, Path)):
        return Pose2DStage(
            build_pose2d(None if pose2d is None else str(pose2d),
                         None if weights is None else str(weights), device,
                         det_model, det_weights, det_cat_ids, bbox_thr,
                         nms_thr))
    if det_model is not None and not whole:
        people = build_people_detector(det_model, det_weights, device,
                                       det_cat_ids, bbox_thr, nms_thr)
    return Pose2DStage(pose2d, people)


def _whole_image(image: np.ndarray) -> np.ndarray:
    """The whole of an image as the box (1, 4) of a person."""
    height, width = image.shape[:2]
    return np.array([[0, 0, width, height]], np.float32)


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


def build_pose2d(pose2d: Optional[str] = None,
                 weights: Optional[str] = None,
                 device: Optional[str] = None,
                 det_model: Optional[str] = None,
                 det_weights: Optional[str] = None,
                 det_cat_ids: Union[int, Sequence[int], None] = None,
                 bbox_thr: float = 0.3,
                 nms_thr: float = 0.3) -> MMPosePose2D:
    """A 2D stage of an MMPose model, as ``MMPoseInferencer`` builds it.

    Args:
        pose2d (str, optional): Config path or alias. Defaults to
            ``'human'``, whose weights are downloaded.
        weights (str, optional): Path or URL; an alias knows its own.
        device (str, optional): Defaults to a GPU where there is one.
        det_model (str, optional): Config path or alias of a person detector,
            or ``'whole_image'``. Defaults to MMPose's choice, downloaded.
        det_weights (str, optional): Its weights.
        det_cat_ids (int | sequence[int], optional): Its categories of
            people. Defaults to 0 where ``det_model`` is given.
        bbox_thr (float): As in :class:`MMDetPeople`.
        nms_thr (float): As in :class:`MMDetPeople`.
    """
    if det_model is not None and det_cat_ids is None:
        det_cat_ids = PERSON
    inferencer = Pose2DInferencer(pose2d or 'human', weights, device, 'mmpose',
                                  det_model, det_weights, det_cat_ids)
    return MMPosePose2D(inferencer, bbox_thr, nms_thr)


def build_people_detector(det_model: str,
                          weights: Optional[str] = None,
                          device: Optional[str] = None,
                          cat_ids: Union[int, Sequence[int], None] = None,
                          bbox_thr: float = 0.3,
                          nms_thr: float = 0.3) -> MMDetPeople:
    """A person detector of MMDetection; arguments as in :func:`build_pose2d`.

    Raises:
        ImportError: If MMDetection is not installed.
    """
    from mmdet.apis import DetInferencer
    detector = DetInferencer(
        model=det_model,
        weights=weights,
        device=device,
        scope='mmdet',
        show_progress=False)
    if cat_ids is None or isinstance(cat_ids, int):
        cat_ids = (cat_ids or PERSON, )
    return MMDetPeople(detector, cat_ids, bbox_thr, nms_thr)


def _has_heatmaps(model: torch.nn.Module) -> bool:
    try:
        heatmap_convention(model)
    except ValueError:
        return False
    return True


def model_skeleton(meta: Dict[str, Any]) -> Skeleton:
    """The joint set that a 2D model was trained on.

    Args:
        meta (dict): Its ``dataset_meta``.

    Raises:
        ValueError: If it is unknown, or of another number of joints.
    """
    skeleton = get_skeleton(str(meta.get('dataset_name')))
    found = meta.get('num_keypoints', skeleton.num_joints)
    if found != skeleton.num_joints:
        raise ValueError(
            f'the 2D model has {found} joints, {skeleton.name} has '
            f'{skeleton.num_joints}')
    return skeleton


def _array(values: Union[np.ndarray, torch.Tensor]) -> np.ndarray:
    return np.asarray(torch.as_tensor(values).cpu(), np.float32)
