# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The inferencer: from the names of models to a pipeline."""

import tempfile
import warnings
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, Callable, Dict, Optional, Sequence, Union

import torch
from mmengine.config import Config
from torch import nn

from mmdiffpose.checkpoints.config_names import find_config_and_weights
from mmdiffpose.checkpoints.model import init_model
from mmdiffpose.checkpoints.pretrained import find_pretrained
from mmdiffpose.detection.person_tracker import PERSON_THR
from mmdiffpose.detection.pose2d import Pose2DModel, Pose2DStage
from mmdiffpose.structures.option_checks import check_flag, check_number
from .pipeline import LiftingPipeline


class DiffusionPose3DInferencer(LiftingPipeline):
    """Lifts people in videos to 3D, in the style of MMPose's inferencers.

    Example::

        inferencer = DiffusionPose3DInferencer('diffpose')
        for result in inferencer('video.mp4', vis_out_dir='out'):
            for person in result['predictions'][0]:
                person['track_id'], person['keypoints']  # (17, 3) metres

    Offline, the default, a first pass over the input finds 2D joints and
    tracks everybody; each track is then lifted with its full past and future;
    a second pass draws. An iterator can't be read twice: its poses are drawn
    without the picture. Streaming (``causal=True``, webcams' default) does
    all in one pass with a fixed number of frames in memory. Either way no
    more is kept of a video than its tracks.

    Args:
        pose3d (str | Path | Config): The lifter's config, or its name, or a
            name or an alias of the model zoo.
        pose3d_weights (str | Path, optional): Its checkpoint. Defaults to the
            model zoo's for its names, else to random weights, with a warning.
        pose2d (str | Path | callable, optional): What finds 2D joints: the
            config or alias of an MMPose model; a word of
            :data:`~mmdiffpose.detection.named_detectors.NAMED_DETECTORS`,
            ``'rtmlib'``, ``'mediapipe'``, ``'ultralytics'`` or ``'movenet'``,
            also with a variant, as in ``'mediapipe:heavy'``; a
            :class:`~mmdiffpose.detection.pose2d.Pose2DModel` of one's own; or
            ``'FILE.py:NAME'``, such a class in a Python file, made with
            ``pose2d_weights``. Built when it is first needed. Defaults to
            MMPose's ``'human'``, whose weights are downloaded.
        pose2d_weights (str | Path, optional): Its checkpoint.
        det_model (str, optional): Config or alias of an MMDetection model
            that finds people, or ``'whole_image'``. Defaults to MMPose's
            choice for a model of MMPose, to none for one's own.
        det_weights (str, optional): Its checkpoint; without ``det_model``,
            that of rtmlib's own person detector.
        det_cat_ids (int | sequence[int], optional): Its categories of people.
        device (str, optional): Defaults to a GPU where there is one.
        bbox_thr (float): Least score of a person's box, of MMDetection,
            rtmlib and Ultralytics. Defaults to 0.3.
        nms_thr (float): Overlap from which boxes count once, of MMDetection
            and rtmlib. Defaults to 0.3.
        person_thr (float): Least mean score of a person's joints. Defaults to
            0.15.
        cfg_options (dict, optional): Overrides of the lifter's config.
        show_progress (bool): Whether bars and frames a second are printed.
            Defaults to False.
        backend (str): What runs the lifter: ``'torch'``, or ``'onnx'``:
            onnxruntime, with ``pose3d_weights`` a file of ``mmdiffpose
            export``; other weights are exported first, which takes up to some
            minutes. Defaults to ``'torch'``.

    Raises:
        FileNotFoundError: If a config or checkpoint is missing.
        ImportError: Where the backend's packages aren't installed.
        ValueError: If they do not fit, or for an unknown backend.
    """

    def __init__(self,
                 pose3d: Union[str, Path, Config],
                 pose3d_weights: Union[str, Path, None] = None,
                 pose2d: Union[str, Path, Pose2DModel, None] = None,
                 pose2d_weights: Union[str, Path, None] = None,
                 det_model: Optional[str] = None,
                 det_weights: Optional[str] = None,
                 det_cat_ids: Union[int, Sequence[int], None] = None,
                 device: Optional[str] = None,
                 bbox_thr: float = 0.3,
                 nms_thr: float = 0.3,
                 person_thr: float = PERSON_THR,
                 cfg_options: Optional[Dict[str, Any]] = None,
                 show_progress: bool = False,
                 backend: str = 'torch') -> None:
        for name, value in (('bbox_thr', bbox_thr), ('nms_thr', nms_thr),
                            ('person_thr', person_thr)):
            check_number(name, value, 0, 1)
        check_flag('show_progress', show_progress)
        if device is None:
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        pose3d, pose3d_weights = find_config_and_weights(
            pose3d, pose3d_weights)
        if pose3d_weights is None:
            warnings.warn('no pose3d_weights: the lifter has random weights, '
                          'its poses mean nothing')
        super().__init__(
            make_lifter(pose3d, pose3d_weights, device, cfg_options, backend),
            _MadeOnce(
                _make_pose2d,
                pose2d=pose2d,
                weights=pose2d_weights,
                device=device,
                det_model=det_model,
                det_weights=det_weights,
                det_cat_ids=det_cat_ids,
                bbox_thr=bbox_thr,
                nms_thr=nms_thr), person_thr, show_progress)

    @classmethod
    def from_pretrained(cls,
                        name: Union[str, Path],
                        revision: Optional[str] = None,
                        cache_dir: Union[str, Path, None] = None,
                        **arguments: Any) -> 'DiffusionPose3DInferencer':
        """An inferencer of a trained model, wherever it is.

        Args:
            name (str | Path): As for
                :func:`~mmdiffpose.checkpoints.pretrained.from_pretrained`,
                which says what may be raised.
            revision (str, optional): As there.
            cache_dir (str | Path, optional): As there.
            **arguments: The class's, other than the lifter and its weights.
        """
        config, weights = find_pretrained(name, revision, cache_dir)
        return cls(config, weights, **arguments)

    @classmethod
    def from_parts(cls,
                   model: nn.Module,
                   pose2d: Pose2DStage,
                   person_thr: float = PERSON_THR,
                   show_progress: bool = False) -> 'DiffusionPose3DInferencer':
        """An inferencer of models that are there already.

        Args:
            model (nn.Module): From
                :func:`~mmdiffpose.checkpoints.model.init_model`.
            pose2d (Pose2DStage): What finds 2D joints.
            person_thr (float): As for the class.
            show_progress (bool): As for the class.
        """
        inferencer = cls.__new__(cls)
        LiftingPipeline.__init__(inferencer, model, pose2d, person_thr,
                                 show_progress)
        return inferencer


BACKENDS = ('torch', 'onnx')


def make_lifter(config: Union[Path, Config], weights: Optional[Path],
                device: str, cfg_options: Optional[Dict[str, Any]],
                backend: str) -> nn.Module:
    """What lifts, on a backend; arguments as for the inferencer.

    Raises:
        ValueError: For an unknown backend, or weights of the other one.
    """
    if backend not in BACKENDS:
        raise ValueError(f'backend should be one of {BACKENDS}, got '
                         f'{backend!r}')
    exported = weights is not None and weights.suffix == '.onnx'
    if backend == 'torch':
        if exported:
            raise ValueError(f'{weights} is an exported lifter: it runs with '
                             "--backend onnx (backend='onnx')")
        return init_model(config, weights, device, cfg_options)
    from mmdiffpose.deployment.onnx_lifter import OnnxLifter
    if exported:
        assert weights is not None
        return OnnxLifter(weights, config, device, cfg_options)
    from mmdiffpose.deployment.onnx_export import export_lifter
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'lifter.onnx'
        export_lifter(config, path, weights, cfg_options)
        return OnnxLifter(path, config, device, cfg_options)


_MAKING = RLock()


class _MadeOnce:
    """Makes a 2D stage when it is first asked for, however many threads ask.

    Args:
        make (callable): Makes it.
        **arguments: For that.
    """

    def __init__(self, make: Callable[..., Pose2DStage],
                 **arguments: Any) -> None:
        self._make = partial(make, **arguments)
        self._made: Optional[Pose2DStage] = None

    def __call__(self) -> Pose2DStage:
        with _MAKING:
            if self._made is None:
                self._made = self._make()
            return self._made


def _make_pose2d(**arguments: Any) -> Pose2DStage:
    """Build the 2D stage; imports what keypoint files do without."""
    from mmdiffpose.detection.pose2d_mmpose import make_pose2d
    return make_pose2d(**arguments)
