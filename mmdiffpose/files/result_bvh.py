# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write lifted tracks as BVH, which every animation program reads."""

from pathlib import Path
from typing import Any, Dict, List, Union

import numpy as np
from scipy.spatial.transform import Rotation

from mmdiffpose.atomic_files import replacing
from mmdiffpose.skeletons.armature import Armature
from mmdiffpose.structures.people import Lifted, as_list
from .animated_people import animated_people
from .optional_packages import needed, needs_fps
from .result_options import ResultOptions

EULER_ORDER = 'ZYX'
"""Of all joints: a thigh that swings forwards turns about its last axis, so
that sitting down is far from where two axes fall together."""


def write_bvh(
    lifted: Lifted,
    stem: Union[str, Path],
    options: ResultOptions = ResultOptions()
) -> List[Path]:
    """Write BVH files, one for each stretch in which a person is there.

    Metres, y up, the rest a T-pose that faces +z, the lowest joint of all on
    the floor as in :func:`~mmdiffpose.files.result_trc.write_trc`. The form
    that all readers place alike: the root's OFFSET is 0 and it alone has
    position channels, every other joint has three rotations, in the order Z,
    Y, X, and a joint at the end of a limb has an End Site. Angles run on
    beyond 180 degrees where that avoids a jump.

    Bones keep the median of their lengths, see
    :func:`~mmdiffpose.skeletons.armature_fit.fit_armature`; how far that
    moves the joints is told to ``options.say``. BVH cannot say that a joint
    was not seen: the lifter's guess stands there, and where there is none,
    the direction between those of the frames around.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people.
        stem (str | Path): Path of the files without their ending.
        options (ResultOptions): ``symmetric_bones`` and ``say``.

    Returns:
        list[Path]: The files, see
        :func:`~mmdiffpose.files.animated_people.animated_people`.

    Raises:
        ImportError: If the package ``pybvh`` is not installed.
        ValueError: If the frame rate is not known, a bone is in no frame, or
            no T-pose of the skeleton is known.
    """
    module = needed('bvh')
    tracks = as_list(lifted)
    fps = needs_fps(tracks, 'BVH')
    paths = []
    for _, motion, path in animated_people(tracks, str(stem), '.bvh', fps,
                                           options):
        nodes = _nodes(module, motion.armature)
        angles = euler_angles(motion.rotations)
        bvh = module.Bvh(
            nodes=nodes,
            root_pos=motion.roots,
            joint_angles=angles,
            frame_time=1 / fps,
            world_up='+y')
        with replacing(path) as part:
            module.write_bvh_file(bvh, part)
        paths.append(path)
    return paths


def _nodes(module: Any, armature: Armature) -> List[Any]:
    """pybvh's joints and end sites, depth first."""
    parts = module.bvhnode
    made: Dict[int, Any] = {}
    nodes: List[Any] = []
    for node, (name, parent) in enumerate(
            zip(armature.file_names, armature.parents)):
        offset = armature.offsets[node]
        if parent < 0:
            made[node] = parts.BvhRoot(
                name,
                offset=offset,
                pos_channels=list('XYZ'),
                rot_channels=list(EULER_ORDER))
        else:
            made[node] = parts.BvhJoint(
                name,
                offset=offset,
                rot_channels=list(EULER_ORDER),
                parent=made[parent])
            made[parent].children = [*made[parent].children, made[node]]
        nodes.append(made[node])
        if node not in armature.parents:
            end = parts.BvhEndSite(
                f'End_{name}',
                offset=armature.end_offset(node),
                parent=made[node])
            made[node].children = [end]
            nodes.append(end)
    return nodes


def euler_angles(rotations: np.ndarray) -> np.ndarray:
    """Angles in :data:`EULER_ORDER` without jumps.

    Every rotation has two triples of angles, and each angle all that are
    whole turns away: those nearest to the frame before are taken.

    Args:
        rotations (np.ndarray): (F, K, 3, 3).

    Returns:
        np.ndarray: (F, K, 3) radians.
    """
    F, K = rotations.shape[:2]
    first = Rotation.from_matrix(rotations.reshape(
        -1, 3, 3)).as_euler(EULER_ORDER).reshape(F, K, 3)
    other = first * [1, -1, 1] + [np.pi, np.pi, np.pi]
    choices = np.stack([first, other], -2)
    angles = first.copy()
    turn = 2 * np.pi
    for frame in range(1, F):
        near = choices[frame]
        before = angles[frame - 1][:, None]
        near = near - turn * np.round((near - before) / turn)
        best = np.abs(near - before).sum(-1).argmin(-1)
        angles[frame] = near[np.arange(K), best]
    return angles
