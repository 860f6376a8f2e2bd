# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Configs whose training can be interrupted."""

from typing import Any

from mmengine.config import Config

_SCOPE = 'mmdiffpose'
_HOOKS = ('ResumedScheduleHook', 'SeededDrawsHook')


def make_resumable(cfg: Config) -> None:
    """Give a config what an interruption needs, unless it has it.

    That is :class:`~mmdiffpose.engine.SeededDrawsHook`,
    :class:`~mmdiffpose.engine.ResumedScheduleHook`, and
    :class:`~mmdiffpose.engine.SafeCheckpointHook` in the place of MMEngine's
    ``CheckpointHook``. A checkpoint hook of another kind stays, and so does
    None.

    Args:
        cfg (Config): Changed in place.
    """
    default = dict(cfg.get('default_hooks') or {})
    checkpoint = default.get('checkpoint',
                             dict(type='CheckpointHook', interval=1))
    if isinstance(checkpoint, dict) \
            and _name(checkpoint) in ('CheckpointHook',
                                      'mmengine.CheckpointHook'):
        # In whatever scope the config is, which need not be MMPose's.
        default['checkpoint'] = dict(
            checkpoint, type='SafeCheckpointHook', _scope_=_SCOPE)
    cfg.default_hooks = default
    hooks = list(cfg.get('custom_hooks') or ())
    known = {
        _name(hook).split('.')[-1]
        for hook in [*default.values(), *hooks]
    }
    cfg.custom_hooks = [
        *hooks, *(dict(type=name, _scope_=_SCOPE)
                  for name in _HOOKS if name not in known)
    ]


def _name(hook: Any) -> str:
    """A hook's class, in a config or made."""
    kind: Any = hook.get('type') if isinstance(hook, dict) else type(hook)
    return kind if isinstance(kind, str) else kind.__name__
