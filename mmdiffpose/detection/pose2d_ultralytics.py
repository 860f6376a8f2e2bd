# Copyright (c) mmdiffpose contributors. All rights reserved.
"""YOLO's pose models through Ultralytics, as the 2D stage."""

import os
from pathlib import Path
from typing import Any, List, Optional, Sequence, Union

import numpy as np
import torch

from mmdiffpose.optional_imports import Requirement, import_for
from mmdiffpose.skeletons import COCO_17
from mmdiffpose.structures.detections import Detections

REQUIREMENT = Requirement('ultralytics', 'ultralytics', 'ultralytics')
DEFAULT_MODEL = 'yolo11n-pose'


class UltralyticsPose2D:
    """People's joints from a YOLO pose model of COCO's 17 joints.

    Ultralytics and its weights are under the AGPL-3.0, which asks those who
    pass on or serve what uses it to publish their source. A ``.pt`` file is a
    pickle, which can run anything: take one only from whom you trust.

    Args:
        weights (str | Path, optional): ``.pt`` or ``.onnx`` file of a pose
            model. Defaults to the model's, which Ultralytics downloads once
            into torch's hub folder.
        model (str): Name of the default. Defaults to :data:`DEFAULT_MODEL`.
        device (str, optional): Defaults to Ultralytics' choice.
        bbox_thr (float): Least score of a person. Defaults to 0.3.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If Ultralytics is not installed.
        ValueError: If it is no pose model of 17 joints.
    """
    skeleton = COCO_17
    finds_people = True

    def __init__(self,
                 weights: Union[str, Path, None] = None,
                 model: str = DEFAULT_MODEL,
                 device: Optional[str] = None,
                 bbox_thr: float = 0.3) -> None:
        # Unless told not to, it installs packages on its own when it runs.
        os.environ.setdefault('YOLO_AUTOINSTALL', 'false')
        ultralytics = import_for('Ultralytics', REQUIREMENT)
        if weights is None:
            # Its own choice would be the current folder.
            path = Path(torch.hub.get_dir(), 'checkpoints', f'{model}.pt')
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            path = Path(weights)
            if not path.is_file():
                raise FileNotFoundError(
                    f'Ultralytics: no weights at {path} (--pose2d '
                    f'ultralytics:{path.stem} downloads a published model)')
        self._options = dict(conf=bbox_thr, device=device, verbose=False)
        self._model = ultralytics.YOLO(str(path), task='pose')
        self.name = str(path)
        found = getattr(self._model, 'task', 'pose')
        if found != 'pose':
            raise ValueError(f'{self.name}: expected a pose model, found one '
                             f'that does {found}')

    def __call__(self,
                 image: np.ndarray,
                 boxes: Optional[np.ndarray] = None) -> Detections:
        """People in a BGR image, see :class:`~.pose2d.Pose2DModel`."""
        return self.batch([image], [boxes])[0]

    def batch(self, images: Sequence[np.ndarray],
              boxes: Sequence[Optional[np.ndarray]]) -> List[Detections]:
        """People in several BGR images."""
        results = self._model.predict(list(images), **self._options)
        return [self._detections(result) for result in results]

    def _detections(self, result: Any) -> Detections:
        found = result.keypoints
        if found is None:
            raise ValueError(f'{self.name}: expected a pose model, found one '
                             'without keypoints')
        keypoints = _array(found.xy)
        if not keypoints.size:
            return Detections.nobody(self.skeleton.num_joints)
        if found.conf is None or keypoints.shape[1:] != (17, 2):
            raise ValueError(
                f"{self.name}: expected COCO's 17 joints with scores, found "
                f'{keypoints.shape[1]} joints, '
                f'{"with" if found.conf is not None else "without"} scores')
        return Detections(keypoints, _array(found.conf))


def _array(values: Any) -> np.ndarray:
    return torch.as_tensor(values).cpu().numpy().astype(np.float32)
