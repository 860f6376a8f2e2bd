# Copyright (c) mmdiffpose contributors. All rights reserved.
"""METAINFO as classes, configs and files state it."""

from typing import Any, Dict, List, Mapping

from mmdiffpose.config_files import read_config_file
from mmdiffpose.input_files import check_name
from mmdiffpose.skeletons.joint_spelling import mirror_images

Joints = Mapping[Any, Mapping[str, Any]]


def read_metainfo(metainfo: Mapping[str, Any]) -> Dict[str, Any]:
    """A METAINFO as it stands in a class, in a config or in a file.

    Args:
        metainfo: With ``keypoint_info`` and so on, or with ``from_file``: a
            config file whose ``dataset_info`` has them, as in MMPose.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If something is missing, is no such thing, or of another
            number of joints.
    """
    where = 'METAINFO'
    if 'from_file' in metainfo:
        where = str(metainfo['from_file'])
        metainfo = read_config_file(where).get('dataset_info') or {}
        if not isinstance(metainfo, Mapping):
            raise ValueError(f'{where}: expected keys and values as '
                             f'dataset_info, found {metainfo!r:.80}')
    found = dict(metainfo)
    found.setdefault('skeleton_info', {})
    found.setdefault('sigmas', [])
    missing = {'dataset_name', 'keypoint_info'} - set(found)
    if missing:
        raise ValueError(f'{where}: expected dataset_name, keypoint_info and '
                         f'skeleton_info, found {sorted(metainfo)}')
    joints = _joints(where, found['keypoint_info'])
    _check_swaps(where, joints, found['keypoint_info'])
    _check_links(where, joints, found['skeleton_info'])
    found.setdefault('joint_weights', [1.] * len(joints))
    for key in ('joint_weights', 'sigmas'):
        _check_numbers(where, key, found[key], len(joints))
    return found


def _joints(where: str, keypoints: Any) -> List[str]:
    """Names of the joints, which differ."""
    _check_entries(where, 'keypoint_info', keypoints)
    if not keypoints:
        raise ValueError(f'{where}: keypoint_info: expected at least one '
                         'joint, found none')
    names = [
        check_name(f'{where}: keypoint_info', info.get('name'))
        for info in keypoints.values()
    ]
    if len(set(names)) < len(names):
        raise ValueError(f'{where}: keypoint_info: expected names that '
                         f'differ, found {names}')
    return names


def _check_entries(where: str, key: str, entries: Any) -> None:
    if not isinstance(entries, Mapping) or not all(
            isinstance(entry, Mapping) for entry in entries.values()):
        raise ValueError(f'{where}: {key}: expected keys and values by number'
                         f', found {entries!r:.80}')


def _check_swaps(where: str, joints: List[str], keypoints: Joints) -> None:
    """Raise where names say left and right, and "swap" does not."""
    swaps = [info.get('swap') for info in keypoints.values()]
    for swap in swaps:
        if swap not in (None, '', *joints):
            raise ValueError(f'{where}: keypoint_info: expected the name of a '
                             f'joint as "swap", found {swap!r:.80}')
    for left, right in mirror_images(joints):
        if not swaps[left] and not swaps[right]:
            raise ValueError(
                f'{where}: keypoint_info: "swap" says of neither '
                f'{joints[left]} nor {joints[right]} that the other is its '
                'mirror image: flips would leave left and right where they are'
            )


def _check_links(where: str, joints: List[str], links: Any) -> None:
    _check_entries(where, 'skeleton_info', links)
    for entry in links.values():
        ends = entry.get('link')
        if not isinstance(ends, (list, tuple)) or len(ends) != 2 or not all(
                end in joints for end in ends):
            raise ValueError(f'{where}: skeleton_info: expected the names of '
                             f'two joints as "link", found {ends!r:.80}')


def _check_numbers(where: str, key: str, values: Any, count: int) -> None:
    if not isinstance(values, (list, tuple)) or not all(
            isinstance(value, (int, float)) for value in values):
        raise ValueError(f'{where}: {key}: expected numbers, found '
                         f'{values!r:.80}')
    if len(values) != count and (values or key != 'sigmas'):
        raise ValueError(f'{where}: {key}: expected one for each of the '
                         f'{count} joints, found {len(values)}')
