# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write a lifter as one ONNX file, and measure how far off it is."""

import json
import logging
import tempfile
import warnings
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import (Any, Dict, Iterator, List, NamedTuple, Optional, Tuple,
                    Union)

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmdiffpose.atomic_files import replacing
from mmdiffpose.checkpoints.model import init_model, read_config
from mmdiffpose.files.keypoint_files import read_keypoint_file
from mmdiffpose.lifting.window_inference import (Fields, encode_windows,
                                                 lifter_skeleton, prepare_clip,
                                                 run_windows, window_length)
from mmdiffpose.lifting.windows import plan_windows
from mmdiffpose.models.heads.parts.base import stack_mixtures
from mmdiffpose.models.heads.parts.sampling import SamplingHead
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.structures.keypoint_track import KeypointTrack
from mmdiffpose.version import __version__
from .lifter_facts import META_KEY, model_facts, write_meta
from .lifter_graph import LifterGraph
from .onnx_lifter import OnnxLifter

OPSET = 20
TOLERANCE = 1e-4
"""Farthest that an exported lifter may be from ``predict``, metres."""
DEMO = Path(__file__).parents[1] / 'data' / 'demo_track_coco17.json'
NUM_WINDOWS = 3
"""Windows of each kind on which the file is compared with ``predict``."""
_ALL_SIZES = 1 << 62


class ExportedLifter(NamedTuple):
    """What was written.

    Attributes:
        path: The file.
        opset: Of its operators.
        size: Bytes of the file.
        weights: Bytes of the numbers in it, each of which is there once.
        inputs: Their names and shapes.
        outputs: Likewise.
        errors: ``'random'`` and ``'real'`` windows, to how far poses and
            hypotheses are from ``predict`` at most, metres.
        mean_error: The mean distance of a joint, metres, on real windows, or
            on random ones where the real track has other joints.
    """
    path: Path
    opset: int
    size: int
    weights: int
    inputs: Dict[str, str]
    outputs: Dict[str, str]
    errors: Dict[str, float]
    mean_error: float


def export_lifter(config: Union[str, Path, Config],
                  path: Union[str, Path],
                  checkpoint: Union[str, Path, None] = None,
                  cfg_options: Optional[Dict[str, Any]] = None,
                  opset: int = OPSET,
                  int8: bool = False) -> ExportedLifter:
    """Write encoder, head and sampler of a lifter as one ONNX file.

    Any number of windows goes through at once. The number of hypotheses and
    the sampler's steps are those of ``model.test_cfg``; noise is an input,
    see :class:`~mmdiffpose.deployment.lifter_graph.LifterGraph`. Weights
    stand in the file once, however many steps use them.

    Args:
        config (str | Path | Config): As for
            :func:`~mmdiffpose.checkpoints.model.init_model`.
        path (str | Path): The file to write.
        checkpoint (str | Path, optional): As there.
        cfg_options (dict, optional): As there.
        opset (int): Version of ONNX's operators. Defaults to 20.
        int8 (bool): Whether products are of 8-bit integers, unsigned: signed
            ones saturate on x86 processors without VNNI. Poses then differ
            by what ``errors`` says; they are not compared with the
            tolerance. Defaults to False.

    Returns:
        ExportedLifter: What was written.

    Raises:
        ImportError: Where onnx, onnxscript or onnxruntime isn't installed.
        ValueError: If the file's poses are not those of ``predict``, to
            1e-4 m: nothing is written then.
    """
    _require_packages()
    model = init_model(config, checkpoint, 'cpu', cfg_options)
    facts = read_config(config, cfg_options)
    examples = _examples(model)
    graph = LifterGraph(model, *examples).eval()
    with replacing(path) as temporary:
        weights = _write(graph, temporary, opset, _facts(model, facts, graph))
        if int8:
            weights = _quantize(temporary)
        lifter = OnnxLifter(temporary, config, cfg_options=cfg_options)
        errors, mean = compare(model, lifter)
        worst = max(errors.values())
        if not int8 and not worst <= TOLERANCE:
            raise ValueError(
                f'{path}: expected poses of the exported lifter within '
                f'{TOLERANCE} m of those of predict, found {errors}; nothing '
                'is written')
    session = lifter.session
    return ExportedLifter(
        Path(path), opset,
        Path(path).stat().st_size, weights, _shapes(session.get_inputs()),
        _shapes(session.get_outputs()), errors, mean)


def _require_packages() -> None:
    for name in ('onnx', 'onnxscript', 'onnxruntime'):
        try:
            __import__(name)
        except ImportError as error:
            raise ImportError(f'{name} is not installed here: pip install '
                              '"mmdiffpose[export]"') from error


def _facts(model: nn.Module, config: Config, graph: LifterGraph) -> str:
    """What the file says of itself."""
    seed = None
    if isinstance(graph.head, SamplingHead):
        options: Any = graph.model.test_cfg
        seed = {**graph.head.test_defaults, **options}['seed']
    return json.dumps(
        dict(
            version=__version__,
            model=model_facts(config),
            dataset_meta=write_meta(getattr(model, 'dataset_meta')),
            draws=graph.draws._asdict(),
            seed=seed,
            joints=lifter_skeleton(model).joints,
            root_index=graph.head.root_index))


def _write(graph: LifterGraph, path: Path, opset: int, facts: str) -> int:
    """Record, convert, and write; returns the bytes of the weights."""
    import onnx_ir
    from onnx_ir.passes.common import DeduplicateInitializersPass
    batch = torch.export.Dim('batch', min=1)
    shapes = tuple({0: batch} for _ in graph.inputs)
    with torch.no_grad(), _quiet():
        recorded = torch.export.export(
            graph,
            tuple(graph.inputs.values()),
            dynamic_shapes=dict(tensors=shapes),
            strict=False)
        program = torch.onnx.export(
            recorded,
            dynamo=True,
            opset_version=opset,
            input_names=list(graph.inputs),
            output_names=graph.outputs,
            verbose=False)
    assert program is not None
    ir = program.model
    # Steps of a loop that is written out have copies of small weights.
    DeduplicateInitializersPass(size_limit=_ALL_SIZES)(ir)
    for value in (*ir.graph.inputs, *ir.graph.outputs):
        value.shape = onnx_ir.Shape(['batch', *(value.shape or ())[1:]])
    ir.metadata_props[META_KEY] = facts
    program.save(str(path), external_data=False)
    return sum(
        one.const_value.nbytes
        for one in onnx_ir.load(path).graph.initializers.values()
        if one.const_value is not None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of packages that a lifter doesn't use.
    """
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)


def _quantize(path: Path) -> int:
    """Put weights in 8 bits, in place; returns their bytes."""
    import onnx
    import onnx_ir
    from onnxruntime.quantization import QuantType, quantize_dynamic
    properties = {one.key: one.value for one in onnx.load(path).metadata_props}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        small = Path(folder) / 'int8.onnx'
        quantize_dynamic(path, small, weight_type=QuantType.QUInt8)
        model = onnx.load(small)
        onnx.helper.set_model_props(model, properties)
        onnx.save(model, path)
    return sum(
        one.const_value.nbytes
        for one in onnx_ir.load(path).graph.initializers.values()
        if one.const_value is not None)


def _shapes(values: List) -> Dict[str, str]:
    return {one.name: f'({", ".join(map(str, one.shape))})' for one in values}


# ------------------------------------------------------------------ windows


def tracks(joints: Skeleton) -> Dict[str, KeypointTrack]:
    """A track of random joints, and a real one where it has those joints."""
    rng = np.random.default_rng(0)
    frames = 300
    scores = rng.uniform(0.05, 1, (frames, joints.num_joints))
    # Some joints are not seen.
    scores[rng.random(scores.shape) < 0.05] = 0
    random = KeypointTrack(
        rng.normal((500, 400), 120, (frames, joints.num_joints, 2)),
        scores, (1000, 800),
        joints,
        source='random joints')
    found = dict(random=random)
    real = read_keypoint_file(DEMO).for_lifter(joints)
    return found if real is None else dict(found, real=real)


def _windows(model: nn.Module, track: KeypointTrack) -> Iterator[Dict]:
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='.*focal length')
        clip = prepare_clip(model, track, max_gap=10, fit=True)
    length = window_length(model)
    plan = plan_windows(len(clip.track), length, length // 3)
    yield from islice(clip.windows(plan), NUM_WINDOWS)


def _examples(model: nn.Module) -> Tuple[Tensor, Optional[Tensor]]:
    """Two encoded windows, and their mixtures where the model reads them."""
    track = list(tracks(lifter_skeleton(model)).values())[-1]
    windows = _windows(model, track)
    _, data = next(encode_windows(model, windows, 2))
    keypoints = torch.stack(list(data['inputs']))
    if not getattr(getattr(model, 'head', None), 'reads_mixtures', False):
        return keypoints, None
    return keypoints, stack_mixtures(data['data_samples'], keypoints)


def compare(model: nn.Module,
            lifter: OnnxLifter) -> Tuple[Dict[str, float], float]:
    """How far an exported lifter's poses are from a model's.

    Args:
        model (nn.Module): The model.
        lifter (OnnxLifter): The exported one.

    Returns:
        tuple[dict[str, float], float]: See :class:`ExportedLifter`.
    """
    errors: Dict[str, float] = {}
    mean = 0.
    for name, track in tracks(lifter_skeleton(model)).items():
        expected, found = (_lift(one, track) for one in (model, lifter))
        errors[name] = max(
            float(np.abs(found[key] - expected[key]).max())
            for key in ('keypoints', 'keypoint_std', 'hypotheses')
            if key in expected)
        distance = found['keypoints'] - expected['keypoints']
        mean = float(np.linalg.norm(distance, axis=-1).mean())
    return errors, mean


def _lift(model: nn.Module, track: KeypointTrack) -> Fields:
    batches = run_windows(model, _windows(model, track), NUM_WINDOWS)
    windows = [window for batch in batches for window in batch]
    return {
        name: np.stack([window[name] for window in windows])
        for name in windows[0]
    }
