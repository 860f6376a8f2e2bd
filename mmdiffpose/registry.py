# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Registries of mmdiffpose, children of MMPose's.

A config keeps ``default_scope = 'mmpose'`` and names our modules with the
prefix ``mmdiffpose.``, for example ``type='mmdiffpose.MixSTE'``. MMPose's
inferencers force the scope ``mmpose``; as children of MMPose's registries the
modules here are found from there and may themselves build MMPose's modules.
"""

import importlib.util
import inspect
from typing import Any, Set

from mmengine import registry as mmengine_registry
from mmengine.registry import Registry

HAS_MMPOSE = importlib.util.find_spec('mmpose') is not None
"""Whether MMPose is installed. Without it the registries hang below
MMEngine's roots, so that the plain networks still import."""

if HAS_MMPOSE:
    from mmpose import registry as _upstream
else:
    _upstream = mmengine_registry

_SCOPE = 'mmdiffpose'


def _child(name: str, upstream_name: str, *locations: str) -> Registry:
    return Registry(
        name,
        parent=getattr(_upstream, upstream_name, None),
        scope=_SCOPE,
        locations=[f'{_SCOPE}.{location}' for location in locations])


_NETWORKS = ('models.denoisers', 'models.encoders', 'models.losses',
             'models.pretraining')
_MODELS_OF_MMPOSE = ('models.heads', 'models.lifters') if HAS_MMPOSE else ()

MODELS = _child('model', 'MODELS', *_NETWORKS, *_MODELS_OF_MMPOSE)
KEYPOINT_CODECS = _child('KEYPOINT_CODECS', 'KEYPOINT_CODECS', 'codecs')
DATASETS = _child('dataset', 'DATASETS', 'datasets')
DATA_SAMPLERS = _child('data sampler', 'DATA_SAMPLERS', 'datasets')
TRANSFORMS = _child('transform', 'TRANSFORMS', 'datasets.transforms')
METRICS = _child('metric', 'METRICS', 'evaluation.metrics')
LOOPS = _child('loop', 'LOOPS', 'engine')
HOOKS = _child('hook', 'HOOKS', 'engine')
OPTIM_WRAPPERS = _child('optim wrapper', 'OPTIM_WRAPPERS', 'engine')
VISUALIZERS = _child('visualizer', 'VISUALIZERS',
                     'visualization.pose3d_lifter_visualizer')
# MMPose has no registry of functions, and MMEngine looks collate functions up
# in its own.
FUNCTIONS = Registry(
    'function',
    parent=mmengine_registry.FUNCTIONS,
    scope=_SCOPE,
    locations=[f'{_SCOPE}.datasets'])

__all__ = [
    'MODELS', 'KEYPOINT_CODECS', 'DATASETS', 'TRANSFORMS', 'METRICS', 'LOOPS',
    'DATA_SAMPLERS', 'HOOKS', 'OPTIM_WRAPPERS', 'VISUALIZERS', 'FUNCTIONS',
    'HAS_MMPOSE', 'accepted_arguments', 'quick_step'
]


def accepted_arguments(kind: type) -> Set[str]:
    """Names of the arguments that a class takes, those that it passes on to
    its bases included."""
    accepted: Set[str] = set()
    for base in inspect.getmro(kind):
        if '__init__' not in vars(base):
            continue
        parameters = inspect.signature(
            vars(base)['__init__']).parameters.values()
        accepted |= {p.name for p in parameters}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return accepted - {'self', 'args', 'kwargs'}


def quick_step(step: Any) -> Any:
    """A pipeline's step with MMPose's packing by a class that is sooner done.

    Args:
        step (dict | Callable): As configs have it.

    Returns:
        dict | Callable: ``PackPoseInputs`` as ``QuickPackPoseInputs``, whose
        samples are equal; all else as it is.
    """
    if isinstance(step,
                  dict) and step.get('type') in ('PackPoseInputs',
                                                 'mmpose.PackPoseInputs'):
        return {**step, 'type': f'{_SCOPE}.QuickPackPoseInputs'}
    return step
