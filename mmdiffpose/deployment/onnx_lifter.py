# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A lifter in an ONNX file, run by onnxruntime."""

from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.config import Config
from mmpose.models.pose_estimators import PoseLifter
from torch import Tensor, nn

from mmdiffpose.checkpoints.model import read_config
from mmdiffpose.input_files import printable
from mmdiffpose.lifting.window_inference import window_length
from mmdiffpose.models import LiftingDataPreprocessor
from mmdiffpose.models.heads.parts.base import (LiftingEstimate,
                                                pack_predictions,
                                                stack_mixtures)
from mmdiffpose.models.heads.parts.sampling import clip_seeds
from mmdiffpose.onnx_files import open_onnx, run_onnx
from .lifter_facts import META_KEY, model_facts, read_facts

POSES = ('poses', 'hypotheses', 'coarse')
OUTPUTS = (*POSES, 'std', 'std_xyz', 'scores')
NEEDED_OUTPUTS = {'poses', 'std'}
"""See :class:`~mmdiffpose.deployment.lifter_graph.LifterGraph`."""


def import_onnxruntime() -> Any:
    """onnxruntime.

    Raises:
        ImportError: Where it isn't installed; says what to install.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError('onnxruntime is not installed here: pip install '
                          '"mmdiffpose[export]"') from error
    return onnxruntime


class OnnxLifter(nn.Module):
    """Takes the place of a model of torch where tracks are lifted.

    The draws are those that the model itself makes of a clip's name, so that
    poses are the same up to rounding.

    Args:
        path (str | Path): A file of :func:`~.onnx_export.export_lifter`.
        config (str | Path | Config): What it was exported from; it tells how
            tracks are encoded, which the file does not.
        device (str): ``'cpu'``, or ``'cuda'`` with onnxruntime-gpu.
        cfg_options (dict, optional): Overrides that it was exported with.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: Where onnxruntime isn't installed.
        ValueError: If the file is none of this package's, was exported from
            another config, or its network is not what its metadata say.
    """

    def __init__(self,
                 path: Union[str, Path],
                 config: Union[str, Path, Config],
                 device: str = 'cpu',
                 cfg_options: Optional[Dict[str, Any]] = None) -> None:
        super().__init__()
        self.cfg = read_config(config, cfg_options)
        self.session = _open(Path(path), device)
        facts = read_facts(
            self.session.get_modelmeta().custom_metadata_map.get(META_KEY),
            path)
        _compare(facts.model, model_facts(self.cfg), printable(path))
        self.path = Path(path)
        self.dataset_meta, self.skeleton = facts.dataset_meta, facts.skeleton
        self.draws, self.seed = facts.draws, facts.seed
        self.test_cfg = dict(self.cfg.model.get('test_cfg') or {})
        self.data_preprocessor = LiftingDataPreprocessor()
        self._inputs = [one.name for one in self.session.get_inputs()]
        self._outputs = [
            one.name for one in self.session.get_outputs()
            if one.name in OUTPUTS and one.type == 'tensor(float)'
        ]
        self._drawn: Dict[Tuple[int, ...], Dict[str, Tensor]] = {}
        self._check_shapes()

    def _check_shapes(self) -> None:
        """Raise where the network is not what the metadata say.

        Raises:
            ValueError: See there.
        """
        found = {
            one.name: tuple(one.shape)
            for one in self.session.get_inputs()
        }
        outputs = set(self._outputs)
        expected = self._expected_inputs()
        if not {*expected} <= {*found} <= {*expected, 'mixtures'
                                           } or not NEEDED_OUTPUTS <= outputs:
            raise ValueError(
                f'{printable(self.path)}: expected the inputs '
                f'{sorted(expected)} and outputs {sorted(NEEDED_OUTPUTS)}, '
                f'found {sorted(found)!r:.200} and {sorted(outputs)!r:.200}')
        for name, shape in expected.items():
            # What is a name there may have any size.
            if len(found[name]) != len(shape) or any(
                    isinstance(size, int) and wanted not in (None, size)
                    for size, wanted in zip(found[name], shape)):
                raise ValueError(
                    f'{printable(self.path)}: expected the input {name} of '
                    f'shape {shape} (None: any), as config and metadata say, '
                    f'found {found[name]}')

    def _expected_inputs(self) -> Dict[str, Tuple[Optional[int], ...]]:
        """Shapes of the inputs that there must be; None: any size."""
        T, J = window_length(self), self.skeleton.num_joints
        count, order = self.draws.num_hypotheses, self.draws.order
        rows = (None, count, 1 if self.draws.share_frames else T, J)
        expected: Dict[str, Tuple[Optional[int],
                                  ...]] = dict(keypoints=(None, T, J, None))
        if any(order):
            expected['noise'] = (*rows, sum(order))
        if 0 in order:
            expected['uniform'] = (*rows, order.count(0))
        return expected

    def test_step(self, data: Dict[str, Any]) -> List:
        """As a model of MMEngine does.

        Args:
            data (dict): ``inputs``, B tensors (T, J, C), and
                ``data_samples``.

        Returns:
            list[PoseDataSample]: With ``pred_instances``.
        """
        data = self.data_preprocessor(data)
        keypoints, samples = data['inputs'], data['data_samples']
        given = dict(keypoints=keypoints)
        if 'mixtures' in self._inputs:
            given['mixtures'] = stack_mixtures(samples, keypoints)
        if self.draws.order:
            given.update(
                self._draw(
                    clip_seeds(self.seed, samples, len(keypoints)),
                    keypoints.shape[1:3]))
        found = self.run(given)
        estimate = LiftingEstimate(**{
            name: found[name]
            for name in LiftingEstimate._fields if name in found
        })
        return PoseLifter.add_pred_to_datasample(
            self, pack_predictions(estimate, samples), None, None, None,
            samples)

    def run(self, given: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """Inputs by name, to outputs by name; see
        :class:`~mmdiffpose.deployment.lifter_graph.LifterGraph`.

        Raises:
            ValueError: If the network fails at them, or says what cannot be.
        """
        arrays = {name: given[name].numpy() for name in self._inputs}
        found = dict(
            zip(self._outputs,
                run_onnx(self.session, self.path, self._outputs, arrays)))
        pose = (*arrays['keypoints'].shape[:3], 3)
        B, *rest = pose
        shapes = dict(
            poses=pose,
            std=pose[:3],
            scores=pose[:3],
            hypotheses=(B, self.draws.num_hypotheses, *rest),
            coarse=pose,
            std_xyz=pose)
        for name, value in found.items():
            if np.shape(value) != shapes[name] or not np.isfinite(
                    value).all() or (name not in POSES and (value < 0).any()):
                raise ValueError(
                    f'{printable(self.path)}: expected finite {name} of shape '
                    f'{shapes[name]}, none below 0 but places, found '
                    f'{np.shape(value)} or other numbers')
        return {name: torch.from_numpy(value) for name, value in found.items()}

    def _draw(self, seeds: Sequence[int],
              shape: Sequence[int]) -> Dict[str, Tensor]:
        """Draws of a batch; those of the batch before are kept."""
        key = tuple(seeds)
        if key not in self._drawn:
            self._drawn = {key: self.draws.make(seeds, *shape)}
        return self._drawn[key]


def _open(path: Path, device: str) -> Any:
    runtime = import_onnxruntime()
    provider = ('CPUExecutionProvider'
                if device == 'cpu' else 'CUDAExecutionProvider')
    if provider not in runtime.get_available_providers():
        raise ValueError(f'device {device}: onnxruntime has no {provider} '
                         f'here, but {runtime.get_available_providers()}')
    return open_onnx(path, runtime, 'an ONNX file of "mmdiffpose export"',
                     provider, torch.get_num_threads())


def _compare(stored: Any, asked: Any, path: str, key: str = 'model') -> None:
    """Raise where the file is of another model than the config's."""
    if isinstance(stored, dict) and isinstance(asked, dict):
        for name in sorted({*stored, *asked}):
            _compare(stored.get(name), asked.get(name), path, f'{key}.{name}')
    elif stored != asked:
        raise ValueError(
            f'{path} was exported from another config: {key} is '
            f'{stored!r:.200} there and {asked!r:.200} here; export it again '
            'with this config')
