# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Overrides of a model's config: what nothing reads is refused."""

import difflib
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional

from mmengine.config import Config

from mmdiffpose.registry import MODELS, accepted_arguments

READ_KEYS = ('model', 'test_dataloader', 'train_dataloader', 'default_scope',
             'custom_imports', 'lifter_fps')
"""Keys of a config that inference reads; of the data loaders, the data set."""
LIFTER_TEST_KEYS = ('flip_test', 'output_keypoint_indices')
"""Keys of ``model.test_cfg`` that the lifter reads, beside the head's."""


def hint(name: str, known: Collection[str]) -> str:
    """Which known name is meant, as the end of a message."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=.5)
    return f'; did you mean {near[0]}?' if near else ''


def check_overrides(config: Config, options: Mapping[str, Any]) -> None:
    """Refuse overrides, by dotted key, that nothing would read.

    Args:
        config (Config): What is overridden.
        options (Mapping[str, Any]): Dotted keys and values.

    Raises:
        ValueError: For an unknown key; names the nearest one that there is.
    """
    for key in options:
        if not isinstance(key, str) or not key:
            raise ValueError(f'cfg_options: expected keys as text, found '
                             f'{key!r}')
        parts = key.split('.')
        if parts[0] not in READ_KEYS:
            raise ValueError(f'cfg_options: nothing reads the key {key!r}'
                             f'{_elsewhere(config, key)}')
        _check_path(config, parts)
        _check_value(config, parts, options[key])


def _check_value(config: Config, parts: List[str], value: Any) -> None:
    """Refuse a value where there are keys, and impossible frame rates."""
    key = '.'.join(parts)
    if parts == ['lifter_fps']:
        rates = value if isinstance(value, (list, tuple)) else [value]
        if len(rates) not in (1, 2) or not all(
                isinstance(rate, (int, float)) and rate > 0 for rate in rates):
            raise ValueError(f'cfg_options: {key} should be frames a second, '
                             f'one number above 0 or two, got {value!r}')
        return
    node: Any = dict(config.items())
    for part in parts:
        node = node.get(part) if isinstance(node, Mapping) else None
    if isinstance(node, Mapping) and not isinstance(value, Mapping):
        raise ValueError(f'cfg_options: {key} should have keys, like '
                         f'{list(node)[:3]}, got {value!r}')


def _check_path(config: Config, parts: List[str]) -> None:
    """Follow a dotted key down to where the config ends."""
    node: Any = dict(config.items())
    for depth, part in enumerate(parts):
        if isinstance(node, (list, tuple)):
            if not part.isdecimal() or int(part) >= len(node):
                raise ValueError(
                    f'cfg_options: {".".join(parts[:depth])!r} is a list of '
                    f'{len(node)}, found {part!r} as a place in it')
            node = node[int(part)]
            continue
        if not isinstance(node, Mapping):
            raise ValueError(f'cfg_options: {".".join(parts[:depth])!r} has '
                             f'no keys, found {part!r} below it')
        if part in node:
            node = node[part]
            continue
        if parts[:depth + 1] == ['model', 'test_cfg']:
            node = {}
            continue
        known = _known_keys(config, node, parts[:depth])
        if known is not None and part not in known:
            where = '.'.join(parts[:depth]) or 'the config'
            near = hint(part, known) or _elsewhere(config, '.'.join(parts))
            raise ValueError(f'cfg_options: {where!r} has no key {part!r}'
                             f'{near}')
        return


def _known_keys(config: Config, node: Mapping[str, Any],
                path: List[str]) -> Optional[Collection[str]]:
    """Keys that a part of the config may have; None: any."""
    if not path:
        return READ_KEYS
    if path == ['model', 'test_cfg']:
        return [*node, *test_keys(config)]
    if 'type' not in node or path[0] != 'model':
        return list(node) if path[0] == 'model' else None
    kind = node['type']
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    return None if kind is None else accepted_arguments(kind) | set(node)


def test_keys(config: Config) -> List[str]:
    """Keys of ``model.test_cfg`` that something reads."""
    head = config.model.get('head') or {}
    kind = MODELS.get(head.get('type', '')) if head else None
    own = getattr(kind, 'test_defaults', None) or {}
    return [*own, *LIFTER_TEST_KEYS]


def _elsewhere(config: Config, key: str) -> str:
    """Where a key is that was given without what stands before it."""
    known = [f'model.test_cfg.{name}' for name in test_keys(config)]
    known += list(_dotted(config.model, 'model'))
    ends = [name for name in known if name.endswith(f'.{key}')]
    if ends:
        return f'; did you mean {min(ends, key=len)}?'
    last = key.split('.')[-1]
    near = hint(last, {name.split('.')[-1] for name in known})
    if near:
        word = near.rsplit(' ', 1)[1].rstrip('?')
        full = min((n for n in known if n.endswith(f'.{word}')), key=len)
        return f'; did you mean {full}?'
    return f'; read are {", ".join(READ_KEYS)}'


def _dotted(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield f'{path}.{name}'
            yield from _dotted(value, f'{path}.{name}')


def check_test_cfg(model: Any) -> Dict[str, Any]:
    """What a built lifter's ``test_cfg`` says, checked.

    Heads check it when they estimate; who builds a model learns it at once.

    Raises:
        ValueError: For a key that nothing reads or an impossible value.
    """
    head = getattr(model, 'head', None)
    check = getattr(head, 'check_test_cfg', None)
    return {} if check is None else check(getattr(model, 'test_cfg', None))
