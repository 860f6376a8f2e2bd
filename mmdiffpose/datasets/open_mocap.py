# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Open motion capture (HDM05, CMU) for lifting."""

from typing import Any, List, Mapping, Optional
from typing import Sequence as SequenceType

import numpy as np

from mmdiffpose.registry import DATASETS
from .annotation_dataset import AnnotationLiftingDataset
from .mocap.virtual_views import build_cameras
from .sequence import Sequence


@DATASETS.register_module()
class OpenMocapDataset(AnnotationLiftingDataset):
    """Motion capture seen by four virtual cameras with detector-like noise.

    HDM05 (Mueller et al., Universitaet Bonn, CG-2007-2): train on the actors
    bd, bk, dg, test on mm, tr, choose on an actor held out of training. CMU
    (mocap.cs.cmu.edu): additional training data. Both at 50 fps in
    Human3.6M-17 joints; the cameras and the noise are written down in
    ``configs/_base_/datasets/virtual_cameras.py``.

    Args:
        virtual_cameras: The cameras of the benchmark, as in that config.
            Where given, files that were converted with others are refused.
        **kwargs: Arguments of :class:`AnnotationLiftingDataset`.

    Raises:
        ValueError: Also if the files' cameras are not ``virtual_cameras``.
    """

    CONVERTER = ('Write it with: python tools/dataset_converters/hdm05.py '
                 '--data-root <folder with HDM_*.asf and HDM_*.amc> '
                 '--out-dir data/hdm05 (or cmu.py, for CMU)')

    def __init__(self,
                 *args: Any,
                 virtual_cameras: Optional[SequenceType[Mapping[str,
                                                                Any]]] = None,
                 **kwargs: Any) -> None:
        self._expected = {
            camera.name: camera.as_param()
            for camera in build_cameras(virtual_cameras or ())
        }
        super().__init__(*args, **kwargs)

    def load_sequences(self) -> List[Sequence]:
        """Read the files and compare their cameras with the config's."""
        sequences = super().load_sequences()
        if self._expected:
            for sequence in sequences:
                self._check_camera(sequence)
        return sequences

    def _check_camera(self, sequence: Sequence) -> None:
        expected = self._expected.get(sequence.camera)
        if expected is None:
            raise ValueError(
                f'{self._camera_file}: camera {sequence.camera} is none of '
                f'virtual_cameras {sorted(self._expected)}. {self.CONVERTER}')
        for key in ('w', 'h', 'f', 'c', 'R', 'T'):
            found = np.ravel(sequence.camera_param[key])
            if not np.allclose(found, np.ravel(expected[key]), atol=1e-4):
                raise ValueError(
                    f'{self._camera_file}: camera {sequence.camera} was '
                    f'converted with {key}={found.tolist()}, virtual_cameras '
                    f'has {np.ravel(expected[key]).tolist()}. '
                    f'{self.CONVERTER}')
