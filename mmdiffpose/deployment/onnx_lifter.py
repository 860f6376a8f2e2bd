# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A lifter in an ONNX file, run by onnxruntime."""

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.config import Config
from mmpose.models.pose_estimators import PoseLifter
from torch import Tensor, nn

from mmdiffpose.checkpoints.model import read_config
from mmdiffpose.input_files import check_file, parse_json
from mmdiffpose.models import LiftingDataPreprocessor
from mmdiffpose.models.heads.parts.base import (LiftingEstimate,
                                                pack_predictions,
                                                stack_mixtures)
from mmdiffpose.models.heads.parts.sampling import clip_seeds
from mmdiffpose.skeletons.metainfo import skeleton_from_metainfo
from .lifter_graph import Draws

META_KEY = 'mmdiffpose'
_FACTS = {'model', 'dataset_meta', 'root_index', 'draws', 'seed'}
"""Of the ONNX file's metadata: JSON of what the exported lifter is."""


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


def model_facts(config: Config) -> Dict[str, Any]:
    """The model's part of a config as JSON knows it.

    Without what weights in a file do not depend on.
    """
    model = parse_json(json.dumps(config.model.to_dict()))
    for part in (model, model.get('backbone') or {}):
        for key in ('init_cfg', 'context_checkpoint', 'train_cfg'):
            part.pop(key, None)
    return model


def write_meta(meta: Mapping[str, Any]) -> Any:
    """A data set's metainfo for JSON: arrays become marked lists."""
    if isinstance(meta, Mapping):
        return {'items': [[k, write_meta(v)] for k, v in meta.items()]}
    if isinstance(meta, np.ndarray):
        return {'array': meta.tolist(), 'dtype': str(meta.dtype)}
    if isinstance(meta, (list, tuple, set)):
        return [write_meta(value) for value in meta]
    return meta.item() if isinstance(meta, np.generic) else meta


def read_meta(stored: Any) -> Any:
    """The inverse of :func:`write_meta`, with lists for other sequences."""
    if isinstance(stored, list):
        return [read_meta(value) for value in stored]
    if not isinstance(stored, dict):
        return stored
    if 'items' in stored:
        return {key: read_meta(value) for key, value in stored['items']}
    return np.array(stored['array'], stored['dtype'])


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
        ValueError: If the file is none of this package's, or was exported
            from another config.
    """

    def __init__(self,
                 path: Union[str, Path],
                 config: Union[str, Path, Config],
                 device: str = 'cpu',
                 cfg_options: Optional[Dict[str, Any]] = None) -> None:
        super().__init__()
        self.cfg = read_config(config, cfg_options)
        self.session = _open(Path(path), device)
        facts = _read_facts(self.session, path)
        _compare(facts['model'], model_facts(self.cfg), str(path))
        self.dataset_meta = read_meta(facts['dataset_meta'])
        self.skeleton = skeleton_from_metainfo(self.dataset_meta,
                                               facts['root_index'])
        self.draws = Draws(
            tuple(facts['draws']['order']), facts['draws']['num_hypotheses'],
            facts['draws']['share_frames'], facts['draws']['joint_order'])
        self.seed = facts['seed']
        self.test_cfg = dict(self.cfg.model.get('test_cfg') or {})
        self.data_preprocessor = LiftingDataPreprocessor()
        self._inputs = [one.name for one in self.session.get_inputs()]
        self._outputs = [one.name for one in self.session.get_outputs()]
        self._drawn: Dict[Tuple[int, ...], Dict[str, Tensor]] = {}

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
        :class:`~mmdiffpose.deployment.lifter_graph.LifterGraph`."""
        arrays = {name: given[name].numpy() for name in self._inputs}
        found = self.session.run(self._outputs, arrays)
        return dict(zip(self._outputs, map(torch.from_numpy, found)))

    def _draw(self, seeds: Sequence[int],
              shape: Sequence[int]) -> Dict[str, Tensor]:
        """Draws of a batch; those of the batch before are kept."""
        key = tuple(seeds)
        if key not in self._drawn:
            self._drawn = {key: self.draws.make(seeds, *shape)}
        return self._drawn[key]


def _open(path: Path, device: str) -> Any:
    runtime = import_onnxruntime()
    check_file(path, 'an ONNX file')
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    provider = ('CPUExecutionProvider'
                if device == 'cpu' else 'CUDAExecutionProvider')
    if provider not in runtime.get_available_providers():
        raise ValueError(f'device {device}: onnxruntime has no {provider} '
                         f'here, but {runtime.get_available_providers()}')
    try:
        return runtime.InferenceSession(
            str(path), options, providers=[provider])
    except Exception as error:
        # onnxruntime's exceptions have no common base of their own.
        raise ValueError(f'{path}: expected an ONNX model, found what '
                         f'onnxruntime cannot read: {error}') from error


def _read_facts(session: Any, path: Union[str, Path]) -> Dict[str, Any]:
    stored = session.get_modelmeta().custom_metadata_map.get(META_KEY)
    if stored is None:
        raise ValueError(f'{path}: expected a file of "mmdiffpose export", '
                         'found an ONNX model without its metadata')
    try:
        facts = parse_json(stored)
        missing = _FACTS - set(facts)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f'{path}: its metadata cannot be read ({error})') from error
    if missing:
        raise ValueError(f'{path}: its metadata lack {sorted(missing)}')
    return facts


def _compare(stored: Any, asked: Any, path: str, key: str = 'model') -> None:
    """Raise where the file is of another model than the config's."""
    if isinstance(stored, dict) and isinstance(asked, dict):
        for name in sorted({*stored, *asked}):
            _compare(stored.get(name), asked.get(name), path, f'{key}.{name}')
    elif stored != asked:
        raise ValueError(
            f'{path} was exported from another config: {key} is {stored!r} '
            f'there and {asked!r} here; export it again with this config')
