# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What would go wrong hours later, or in silence, found before training."""

from typing import Any, Dict, List, Mapping, Sequence

from mmengine.config import Config
from mmengine.runner import Runner

_FLAT_METRICS = ('AUC', 'CocoMetric', 'CocoWholeBodyMetric', 'EPE',
                 'InterHandMetric', 'JhmdbPCKAccuracy',
                 'KeypointPartitionMetric', 'MpiiPCKAccuracy', 'NME',
                 'PCKAccuracy', 'PoseTrack18Metric')
"""MMPose's metrics that compare 2D keypoints with an image's."""

_ONE_FRAME_HEADS = ('TemporalRegressionHead', 'TrajectoryRegressionHead')
"""MMPose's heads that predict one frame of a window."""

_OWN = 'mmdiffpose.'


def check_parts(cfg: Config) -> None:
    """Refuse parts of MMPose that do not go with a lifter, in a config.

    Raises:
        ValueError: For a metric that compares 2D keypoints, a head that
            predicts one frame of windows with a target for each, or a hook
            that reads images; says what to write instead.
    """
    model = cfg.get('model') or {}
    ours = any(
        _name(part).startswith(_OWN)
        for part in (model, model.get('head') or {}))
    for split in ('val', 'test'):
        dataset = (cfg.get(f'{split}_dataloader') or {}).get('dataset') or {}
        for metric in _evaluators(cfg, split):
            _check_metric(f'{split}_evaluator', _name(metric), ours, dataset)
    if ours:
        _check_hooks(cfg)
    head = _name(model.get('head') or {}).split('.')[-1]
    for split in ('train', 'val', 'test'):
        dataset = (cfg.get(f'{split}_dataloader') or {}).get('dataset') or {}
        if head in _ONE_FRAME_HEADS and _name(dataset).startswith(_OWN) \
                and dataset.get('seq_len', 1) > 1:
            raise ValueError(
                f'model.head.type={head!r} predicts one frame of a window, '
                f'but {split}_dataloader.dataset.type={_name(dataset)!r} has '
                'a target for each of its frames. Annotation files are read '
                "by MMPose's own data set, too: dict(type='Human36mDataset', "
                f'seq_len={dataset.get("seq_len")}, causal=False, '
                'pad_video_seq=True, ...); mmdiffpose.PoseLiftingMetric '
                'scores it')


def _check_metric(key: str, name: str, ours: bool,
                  dataset: Mapping[str, Any]) -> None:
    short = name.split('.')[-1]
    lifting = ours or 'Lifting' in _name(dataset)
    if name.startswith(_OWN) or not lifting:
        return
    if short in _FLAT_METRICS:
        raise ValueError(
            f'{key}: {name} compares 2D keypoints with those of an image, and '
            'a lifter predicts 3D poses: write dict(type='
            "'mmdiffpose.PoseLiftingMetric'), with metrics=['MPJPE', "
            "'P-MPJPE', 'PCK', 'AUC'] as wanted")
    if short.endswith('MPJPE') and _name(dataset) == 'Human36mDataset' \
            and dataset.get('seq_len', 1) > 1:
        raise ValueError(
            f"{key}: MMPose's {name} expects a prediction for each frame of a "
            'window, and Human36mDataset with '
            f'seq_len={dataset.get("seq_len")} asks for one: write dict(type='
            "'mmdiffpose.PoseLiftingMetric')")


def _check_hooks(cfg: Config) -> None:
    hooks = list((cfg.get('default_hooks') or {}).items())
    hooks += [('custom_hooks', hook) for hook in cfg.get('custom_hooks') or ()]
    for key, hook in hooks:
        name = _name(hook or {})
        if name.split('.')[-1] == 'PoseVisualizationHook' and hook.get(
                'enable', False):
            raise ValueError(
                f'{key}: {name} draws on the images of a data set, and a '
                "lifter's has none: write dict(type='mmdiffpose."
                "LiftingVisualizationHook'), or give --show-dir")


def check_batches(runner: Runner) -> None:
    """Refuse a training without a single batch.

    Raises:
        ValueError: If the training data have fewer windows than a batch, and
            the loader drops what is no whole batch.
    """
    loader = runner.train_dataloader
    if len(loader):
        return
    windows, batch_size = len(loader.dataset), loader.batch_size
    raise ValueError(
        f'train_dataloader: the data have {windows} windows, fewer than the '
        f'batch_size of {batch_size}, and drop_last=True leaves no batch to '
        f'train on. Set train_dataloader.batch_size to {windows} or less, or '
        'take more windows: a smaller stride of the dataset, or more clips')


def check_aligned_metrics(loop: Any) -> None:
    """Refuse MMPose's alignments where joints are unknown.

    Args:
        loop: MMEngine's loop of validation or testing; None for none.

    Raises:
        ValueError: If MMPose's ``MPJPE`` would align poses with what stands
            in for joints whose position the data do not know.
    """
    if loop is None:
        return
    sequences: Sequence[Any] = getattr(loop.dataloader.dataset, 'sequences',
                                       ())
    unknown = any(sequence.visible is not None for sequence in sequences)
    for metric in loop.evaluator.metrics:
        mode = getattr(metric, 'mode', None)
        if unknown and type(metric).__module__.startswith(
                'mmpose.') and mode in ('p-mpjpe', 'n-mpjpe'):
            raise ValueError(
                f"MMPose's {type(metric).__name__}(mode={mode!r}) aligns "
                'poses by all joints, but the data do not know some: '
                "write dict(type='mmdiffpose.PoseLiftingMetric', "
                f'metrics=[{mode.upper()!r}])')


def check_runner(runner: Runner) -> None:
    """All checks of a runner that is about to train."""
    check_batches(runner)
    check_aligned_metrics(runner.val_loop)


def _evaluators(cfg: Config, split: str) -> List[Dict[str, Any]]:
    found = cfg.get(f'{split}_evaluator') or []
    found = found if isinstance(found, (list, tuple)) else [found]
    flat: List[Dict[str, Any]] = []
    for evaluator in found:
        inner = evaluator.get('metrics')
        nested = inner and _name(evaluator).endswith('Evaluator')
        flat += list(inner) if nested else [evaluator]
    return flat


def _name(part: Mapping[str, Any]) -> str:
    kind = part.get('type', '')
    return kind if isinstance(kind, str) else f'{_OWN}{kind.__name__}' if (
        kind.__module__.startswith('mmdiffpose')) else kind.__name__
