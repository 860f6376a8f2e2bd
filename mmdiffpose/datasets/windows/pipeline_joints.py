# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A pipeline's codecs and transforms know the data set's joints."""

import copy
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple, Union

from mmdiffpose.skeletons import H36M_17, skeleton_from_metainfo
from mmdiffpose.skeletons.metainfo import root_of_metainfo

Step = Union[Dict[str, Any], Callable]
_OURS = ('mmdiffpose.GMMDiffusionPose', 'GMMDiffusionPose')
_BY_NAME = ('Occlusion', 'KeypointNoise', 'RedrawDetectorNoise')
"""Transforms that have to know which joint is which."""


def fill_step(step: Step, metainfo: Mapping[str, Any]) -> None:
    """Tell a transform the joints, where it asks for them.

    Args:
        step (dict | Callable): Changed in place where it is a config that
            leaves ``skeleton`` out.
        metainfo (Mapping): The data set's, parsed, with its root.
    """
    if not isinstance(step, dict) or 'skeleton' in step or str(
            step.get('type')).rpartition('.')[2] not in _BY_NAME:
        return
    skeleton = skeleton_from_metainfo(metainfo)
    if skeleton is not H36M_17:
        step['skeleton'] = skeleton.as_dict()


def fill_pipeline(pipeline: Sequence[Step], metainfo: Mapping[str, Any],
                  name: str) -> Tuple[List[Step], Union[int, None]]:
    """Say joints and root to the codecs and transforms of a pipeline.

    Args:
        pipeline (Sequence[dict | Callable]): As configs have it; a copy is
            filled in where a codec leaves out ``num_keypoints`` or
            ``root_index``.
        metainfo (Mapping): The data set's, parsed.
        name (str): Of the data set, for messages.

    Returns:
        tuple[list, int | None]: The pipeline, and the root: the codec's, else
        that of the metainfo; None where neither says it.

    Raises:
        ValueError: Where a codec has another number of joints than the data
            set, or another root than its ``root_joint``, or than another
            codec; or where there is a codec and nothing says the root.
    """
    names = [str(joint) for joint in metainfo['keypoint_id2name'].values()]
    steps: List[Step] = [
        copy.deepcopy(step) if isinstance(step, dict) else step
        for step in pipeline
    ]
    codecs = [codec for step in steps for codec in _codecs(step)]
    stated = {
        root
        for root in (_get(codec, 'root_index') for codec in codecs)
        if root is not None
    }
    known = root_of_metainfo(metainfo, names)
    if metainfo.get('root_joint') is not None:
        stated.add(known)
    if len(stated) > 1:
        raise ValueError(f'{name}: codecs and METAINFO name several roots, '
                         f'the joints {sorted(stated)}: say it once')
    root = next(iter(stated), known)
    for codec in codecs:
        count = _get(codec, 'num_keypoints')
        if count not in (None, len(names)):
            raise ValueError(
                f'{name} has {len(names)} joints, but its codec has '
                f'num_keypoints={count}: leave it out')
        if not isinstance(codec, dict) or codec.get('type') not in _OURS:
            continue
        if root is None:
            raise ValueError(
                f'{name}: nothing says which of its joints {names} is the '
                'root: set root_index of the codec, or root_joint (a name) of '
                'METAINFO')
        codec.update(num_keypoints=len(names), root_index=root)
    for step in steps:
        fill_step(step, {**metainfo, 'root_index': root})
    return steps, root


def _codecs(step: Step) -> List[Any]:
    """Configs of a step's codecs, or the codecs of one that is built."""
    found = (
        step.get('encoder') if isinstance(step, dict) else getattr(
            step, 'encoder', None))
    if found is None:
        return []
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _get(codec: Any, key: str) -> Any:
    return (codec.get(key) if isinstance(codec, dict) else getattr(
        codec, key, None))
