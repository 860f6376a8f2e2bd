# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the page is told of a lifter, and of the package's own numbers.

Nothing of it is written down a second time: constants are read from the
modules that hold them, draws are made as the lifter makes them.
"""

import base64
import inspect
from types import ModuleType
from typing import Any, Dict, List, Mapping, Optional, Set

import numpy as np

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.deployment.onnx_lifter import OnnxLifter
from mmdiffpose.diffusion.aggregation import score_from_std
from mmdiffpose.files import person_selection
from mmdiffpose.files.keypoint_files import (alphapose_json, coco_json,
                                             mmpose_json)
from mmdiffpose.lifting import (focal_length, frame_rate, gaps, lift,
                                unseen_joints, usual_poses, window_inference)
from mmdiffpose.models.heads.parts.sampling import clip_seeds
from mmdiffpose.skeletons import SKELETONS, Skeleton, score_width
from mmdiffpose.skeletons.mapping import joint_share, mapping_ways
from mmdiffpose.structures import (canonical_view, frame_numbers,
                                   keypoint_track, seen_joints)
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.visualization import common_scene, palette, scene, scene_page

MODULES = (canonical_view, common_scene, focal_length, frame_numbers,
           frame_rate, gaps, keypoint_track, lift, palette, person_selection,
           scene, scene_page, score_width, seen_joints, unseen_joints,
           window_inference)
"""Those whose constants the page's script reads."""
FORMATS = dict(mmpose=mmpose_json, coco=coco_json, alphapose=alphapose_json)
"""Readers whose formats the page reads, too."""
SCENE_KEYS = ('azimuth', 'joints', 'bones', 'sides', 'angles', 'colors')
"""What the scene's page reads that no pose changes."""
KNOWN_INPUTS = {'keypoints', 'mixtures', 'noise', 'uniform'}
NEEDED_OUTPUTS = {'poses', 'scores', 'std'}


def constants(module: ModuleType) -> Dict[str, Any]:
    """Public constants of a module that JSON can say."""
    found = {}
    for name, value in vars(module).items():
        if name.isupper() and not name.startswith('_'):
            if isinstance(value, (np.ndarray, np.generic)):
                value = value.tolist()
            if isinstance(value, (bool, int, float, str, tuple, list, dict)):
                found[name] = value
    return found


def package_facts() -> Dict[str, Any]:
    """Constants of the package, by module, and the radius of scores."""
    found: Dict[str, Any] = {
        module.__name__.rpartition('.')[2]: constants(module)
        for module in MODULES
    }
    radius = inspect.signature(score_from_std).parameters['radius']
    return dict(found, score_radius=radius.default)


def lifter_facts(lifter: OnnxLifter) -> Dict[str, Any]:
    """What the page's script is told of a lifter.

    Args:
        lifter (OnnxLifter): One that is shown people from the front.

    Returns:
        dict: Ready for JSON: its joints, windows, frame rates and draws, how
        joints of detectors become its own, and how far off joints usually
        are.

    Raises:
        ValueError: If the page cannot do what Python does around it.
    """
    check_pipeline(lifter)
    shape = window_inference.window_shape(lifter)
    joints = window_inference.lifter_skeleton(lifter)
    N = lifter.draws.num_hypotheses if lifter.draws.order else 0
    single = shape.length == 1
    return dict(
        joints=joints.joints,
        root=joints.root,
        length=shape.length,
        overlap=shape.length // 3,
        fps=None if single else frame_rate.lifter_fps(lifter),
        hypotheses=N,
        draws=_draws(lifter, shape.length, joints.num_joints),
        mixtures=_mixtures(lifter),
        directions=unseen_joints.directions(N).tolist() if N else [],
        usual_distances=_usual_distances(joints),
        shares={
            name: _share(joints, joint)
            for name, joint in dict(
                thorax='thorax', left='left_foot', right='right_foot').items()
        },
        skeletons=_skeletons(joints),
        usual={
            name: reader.USUAL
            for name, reader in FORMATS.items()
        },
        scene=_scene(joints))


def check_pipeline(lifter: OnnxLifter) -> None:
    """Whether the page's script does all that is done around a lifter.

    Raises:
        ValueError: If it doesn't; says which models it does it for.
    """
    steps = lifter.cfg.test_dataloader.dataset.pipeline
    names = [str(step['type']).rpartition('.')[2] for step in steps]
    target = window_inference.window_shape(lifter).target
    codec = _codec(lifter)
    inputs = _inputs(lifter)
    outputs = {one.name for one in lifter.session.get_outputs()}
    problems = []
    if names != ['TurnToPerson', 'GenerateTarget', 'PackPoseInputs']:
        problems.append(f'the pipeline {names}')
    if not codec.get('mask_channel', False):
        problems.append('a codec without a mask channel')
    if codec.get('mask_value', 0.) or codec.get('score_thr', 0.):
        problems.append(f'the codec {dict(codec)}')
    if target is not None:
        problems.append('one pose for each window')
    if inputs - KNOWN_INPUTS:
        problems.append(f'the inputs {sorted(inputs - KNOWN_INPUTS)}')
    if NEEDED_OUTPUTS - outputs:
        problems.append(f'the outputs {sorted(outputs)}')
    if problems:
        raise ValueError(
            'expected a lifter that is turned to the person and told which '
            'joints are missing, as the zoo\'s residual, diffpose, '
            'diffhpe-wrapper, diffhpe-2d and mixste; '
            f'found {"; ".join(problems)}')


def _inputs(lifter: OnnxLifter) -> Set[str]:
    return {one.name for one in lifter.session.get_inputs()}


def _codec(lifter: OnnxLifter) -> Dict[str, Any]:
    """The codec's config, without its type; empty where there is none."""
    steps = lifter.cfg.test_dataloader.dataset.pipeline
    found = next((s['encoder'] for s in steps if 'encoder' in s), {})
    return {name: value for name, value in found.items() if name != 'type'}


def _mixtures(lifter: OnnxLifter) -> Optional[Dict[str, Any]]:
    """How a joint's score becomes a 2D mixture; None for lifters that read
    none."""
    if 'mixtures' not in _inputs(lifter):
        return None
    codec = GMMDiffusionPose(**_codec(lifter))
    return dict(components=codec.num_components, sigma=codec.score_sigma)


def _draws(lifter: OnnxLifter, length: int, joints: int) -> Dict[str, Any]:
    """Draws of a window by the input's name: the same for all windows, as the
    lifter seeds them by the clip's name, and a track has none."""
    if not lifter.draws.order:
        return {}
    drawn = lifter.draws.make(clip_seeds(lifter.seed, None, 1), length, joints)
    return {
        name:
        dict(
            data=base64_of(values[0].numpy().astype('<f4').tobytes()),
            dims=list(values.shape[1:]))
        for name, values in drawn.items()
    }


def base64_of(content: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(content).decode('ascii')


def _usual_distances(joints: Skeleton) -> List[Optional[float]]:
    """(J, ) metres; None where the poses themselves have to tell."""
    told = [
        usual_poses.usual_distances(joints,
                                    np.full((1, joints.num_joints, 3), own))
        for own in (0., 1.)
    ]
    # What changes with the poses is not known of motion capture.
    return [float(one) if one == other else None for one, other in zip(*told)]


def _share(joints: Skeleton, name: str) -> Optional[List[float]]:
    share = joint_share(joints, name)
    return None if share is None else share.tolist()


def _skeletons(joints: Skeleton) -> Dict[str, Any]:
    """Joint sets of detectors, and how the lifter's joints come of theirs."""
    found = {}
    for name, skeleton in SKELETONS.items():
        try:
            ways = mapping_ways(skeleton, joints)
        except ValueError:
            continue
        found[name] = dict(
            joints=skeleton.joints,
            ways=[[
                dict(
                    parts=[(int(i), float(way.parts[i]))
                           for i in np.flatnonzero(way.parts)],
                    trust=way.trust) for way in one
            ] for one in ways])
    return found


def _scene(joints: Skeleton) -> Mapping[str, Any]:
    """The parts of a scene that are the same whoever stands in it."""
    J = joints.num_joints
    nobody = LiftedTrack(
        np.zeros((1, J, 3)), np.ones((1, J)), None, None, np.zeros((1, J, 2)),
        np.ones((1, J)), np.arange(1), (1, 1), joints)
    data = scene_page.scene_data(
        common_scene.CommonScene.fit([nobody], [0]), 0)
    return {key: data[key] for key in SCENE_KEYS}
