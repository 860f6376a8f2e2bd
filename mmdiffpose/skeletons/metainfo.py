# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets as data sets describe them, and as configs name them."""

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from mmdiffpose.input_files import numbers
from .joint_spelling import canonical_joint
from .known_sets import get_skeleton
from .skeleton import Skeleton, skeleton_from_links

SkeletonLike = Union[str, Mapping[str, Any], Skeleton]
"""A name out of ``SKELETONS``, what ``Skeleton.as_dict`` gives, or a set."""

_ROOTS = ('root', 'pelvis', 'hip', 'mid_hip')
"""Names that a root has where nothing says which joint it is."""

_LEFT, _RIGHT, _MIDDLE = (0, 255, 0), (255, 128, 0), (51, 153, 255)


def as_skeleton(skeleton: SkeletonLike) -> Skeleton:
    """A joint set from a config's value.

    Args:
        skeleton (str | Mapping | Skeleton): A name out of
            :data:`~mmdiffpose.skeletons.SKELETONS`; or a mapping with
            ``joints`` and, as indices, ``links``, ``flip_pairs`` and
            ``root``, beside an optional ``name``.

    Raises:
        ValueError: For an unknown name, other keys, or indices that are none.
    """
    if isinstance(skeleton, Skeleton):
        return skeleton
    if isinstance(skeleton, str):
        return get_skeleton(skeleton)
    if not isinstance(skeleton, Mapping):
        raise ValueError('skeleton: expected keys and values, found '
                         f'{type(skeleton).__name__}')
    needed = {'joints', 'links', 'flip_pairs', 'root'}
    if set(skeleton) - {'name'} != needed:
        raise ValueError(f'skeleton: expected the keys {sorted(needed)} (and '
                         f'name), found {sorted(skeleton)}')
    return skeleton_from_links(
        str(skeleton.get('name', 'own')), list(skeleton['joints']),
        skeleton['links'], skeleton['flip_pairs'], int(skeleton['root']))


def skeleton_from_metainfo(metainfo: Mapping[str, Any],
                           root: Optional[int] = None) -> Skeleton:
    """The joint set of a data set.

    Args:
        metainfo (Mapping): A data set's METAINFO with ``keypoint_info`` and
            ``skeleton_info``, or what MMPose makes of it: ``dataset_meta`` of
            a checkpoint or of an evaluator.
        root (int, optional): Index of the root joint. Defaults to
            ``root_joint`` (a joint's name) or ``root_index`` of the metainfo,
            else to the joint that is called root, pelvis, hip or mid_hip.

    Returns:
        Skeleton: Named ``dataset_name``.

    Raises:
        ValueError: If the metainfo describes no joints, contradicts itself,
            or nothing says which joint the root is.
    """
    if 'keypoint_info' in metainfo:
        joints, pairs, links = _raw(metainfo)
    elif 'keypoint_id2name' in metainfo:
        names = metainfo['keypoint_id2name']
        joints = [str(names[i]) for i in _numbers(names)]
        order = list(metainfo['flip_indices'])
        pairs = [(i, int(j)) for i, j in enumerate(order) if i != j]
        links = [(int(a), int(b)) for a, b in metainfo['skeleton_links']]
    else:
        raise ValueError(
            'metainfo: expected keypoint_info and skeleton_info, or '
            'keypoint_id2name, flip_indices and skeleton_links, found '
            f'{sorted(map(str, metainfo))}')
    name = str(metainfo.get('dataset_name') or 'own')
    mirrored = dict(pairs)
    wrong = [joints[i] for i, j in mirrored.items() if mirrored.get(j) != i]
    if wrong:
        raise ValueError(f'{name}: expected joints whose mirror images are '
                         f'each other, but those of {wrong} are not: '
                         'keypoint_info, "swap"')
    if root is None:
        root = root_of_metainfo(metainfo, joints)
    if root is None:
        raise ValueError(
            f'{name}: expected one of {list(_ROOTS)} among the joints, found '
            f'{joints}; say which is the root: root_joint of METAINFO (a '
            'name), or root_index of the codec')
    skeleton = skeleton_from_links(
        name, joints, links,
        [_left_first(joints, i, j) for i, j in pairs if i < j], root)
    known = get_skeleton('h36m')
    # With names and order of Human3.6M's its bones count in its order.
    if skeleton.same_joints(known):
        return known
    return skeleton


def side_color(name: str) -> List[int]:
    """Colour of a joint in MMPose's pictures, by its side; RGB."""
    return list(
        _LEFT if name.startswith('left') else _RIGHT if name.
        startswith('right') else _MIDDLE)


def describe_skeleton(skeleton: Skeleton) -> Dict[str, Any]:
    """A joint set as MMPose's METAINFO."""
    names = skeleton.joints
    keypoints = {}
    for number, name in enumerate(names):
        twin = skeleton.flip_indices[number]
        keypoints[number] = dict(
            name=name,
            id=number,
            color=side_color(canonical_joint(name)),
            type='',
            swap=names[twin] if twin != number else '')
    bones = {
        number:
        dict(
            link=(names[one], names[other]),
            id=number,
            color=side_color(canonical_joint(names[other])))
        for number, (one, other) in enumerate(skeleton.links or skeleton.bones)
    }
    return dict(
        dataset_name=skeleton.name,
        paper_info=dict(),
        keypoint_info=keypoints,
        skeleton_info=bones,
        joint_weights=[1.] * len(names),
        sigmas=[.05] * len(names),
        root_joint=names[skeleton.root])


def check_stats_info(metainfo: Mapping[str, Any]) -> None:
    """Raise unless a data set's ``stats_info``, if it has one, says where
    people are: ``bbox_center`` (x, y), ``bbox_scale`` and optionally
    ``image_size`` (w, h), pixels.

    Raises:
        ValueError: If it does not.
    """
    stats = metainfo.get('stats_info')
    if not stats:
        return
    if not isinstance(stats, Mapping):
        raise ValueError('stats_info: expected keys and values, found '
                         f'{stats!r:.80}')
    for key, count in (('bbox_center', 2), ('bbox_scale', 1), ('image_size',
                                                               2)):
        if key == 'image_size' and key not in stats:
            continue
        values = numbers(f'stats_info: {key}', stats.get(key),
                         f'{count} numbers above 0', (count, ))
        if not (np.isfinite(values) & (values > 0)).all():
            raise ValueError(f'stats_info: {key}: expected {count} numbers '
                             f'above 0, found {stats[key]!r:.80}')


def drawn_skeleton(metainfo: Mapping[str, Any]) -> Skeleton:
    """The joint set of a data set for pictures, which need no root.

    Args:
        metainfo (Mapping): As for :func:`skeleton_from_metainfo`; Human3.6M's
            joints where it describes none.
    """
    names = metainfo.get('keypoint_id2name')
    if not names:
        return get_skeleton('h36m')
    joints = [str(names[i]) for i in _numbers(names)]
    return skeleton_from_metainfo(metainfo,
                                  root_of_metainfo(metainfo, joints) or 0)


def root_of_metainfo(metainfo: Mapping[str, Any],
                     joints: Sequence[str]) -> Optional[int]:
    """Index of the root that a metainfo names, or that names tell.

    Raises:
        ValueError: Where it names a joint that is not there.
    """
    named = metainfo.get('root_joint')
    if named is not None:
        if named not in joints:
            raise ValueError(f'root_joint: expected one of {list(joints)}, '
                             f'found {named!r}')
        return list(joints).index(named)
    if metainfo.get('root_index') is not None:
        return int(metainfo['root_index'])
    lower = [joint.lower() for joint in joints]
    for names in (lower, [canonical_joint(joint) for joint in joints]):
        for known in _ROOTS:
            if names.count(known) == 1:
                return names.index(known)
    return None


def _numbers(items: Mapping[Any, Any]) -> List[Any]:
    """Keys 0 to n - 1 of a mapping, in order, as they are there."""
    by_number = {int(key): key for key in items}
    if sorted(by_number) != list(range(len(items))):
        raise ValueError('keypoint_info: expected the keys 0 to '
                         f'{len(items) - 1}, found {sorted(by_number)}')
    return [by_number[i] for i in range(len(items))]


def _raw(
    metainfo: Mapping[str, Any]
) -> Tuple[List[str], List[Tuple[int, int]], List[Tuple[int, int]]]:
    """Names, (joint, mirror image) and bones of a METAINFO."""
    info = metainfo['keypoint_info']
    keys = _numbers(info)
    if list(map(int, info)) != list(range(len(info))):
        raise ValueError('keypoint_info: MMPose reads the joints in the order '
                         'in which they are written; expected the keys 0, 1, '
                         f'..., found {list(info)}')
    joints = [str(info[key]['name']) for key in keys]
    index: Dict[str, int] = {joint: i for i, joint in enumerate(joints)}
    pairs, links = [], []
    for i, key in enumerate(keys):
        twin = info[key].get('swap') or joints[i]
        if twin not in index:
            raise ValueError(f'keypoint_info: "swap" of {joints[i]} is '
                             f'{twin!r}, expected one of {joints}')
        if index[twin] != i:
            pairs.append((i, index[twin]))
    for bone in metainfo.get('skeleton_info', {}).values():
        unknown = [end for end in bone['link'] if end not in index]
        if unknown:
            raise ValueError(f'skeleton_info: expected bones between {joints},'
                             f' found {unknown}')
        one, other = bone['link']
        links.append((index[one], index[other]))
    return joints, pairs, links


def _left_first(joints: Sequence[str], one: int,
                other: int) -> Tuple[int, int]:
    """A pair of mirror images, the left one first where names tell."""
    if canonical_joint(joints[other]).startswith('left_'):
        return other, one
    return one, other
