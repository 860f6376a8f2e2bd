# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write lifted tracks as GLB, the glTF of browsers and game engines."""

from pathlib import Path
from typing import Any, List, Union

import numpy as np
from scipy.spatial.transform import Rotation

from mmdiffpose.atomic_files import replacing
from mmdiffpose.skeletons.armature_fit import ArmatureMotion
from mmdiffpose.structures.people import Lifted, as_list
from mmdiffpose.version import __version__
from .animated_people import AnimatedPerson, animated_people
from .optional_packages import needed, needs_fps
from .result_options import ResultOptions


def write_glb(
    lifted: Lifted,
    stem: Union[str, Path],
    options: ResultOptions = ResultOptions()
) -> List[Path]:
    """Write GLB files, one for each stretch in which a person is there.

    Nodes in a T-pose that faces +z, y up, metres, a skin that makes bones of
    them, and an animation: a rotation of every node that has one, and the
    root's place. Its first key is at 0; which frame and second of the video
    that is, the person and the frame rate stand in ``asset.extras``. There is
    no mesh. What :func:`~mmdiffpose.files.result_bvh.write_bvh` says of
    bones, and of joints that were not seen, holds here, too.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people.
        stem (str | Path): Path of the files without their ending.
        options (ResultOptions): ``symmetric_bones`` and ``say``.

    Returns:
        list[Path]: The files, see
        :func:`~mmdiffpose.files.animated_people.animated_people`.

    Raises:
        ImportError: If the package ``pygltflib`` is not installed.
        ValueError: If the frame rate is not known, a bone is in no frame, or
            no T-pose of the skeleton is known.
    """
    module = needed('glb')
    tracks = as_list(lifted)
    fps = needs_fps(tracks, 'GLB')
    paths = []
    for animated in animated_people(tracks, str(stem), '.glb', fps, options):
        content = _document(module, animated, fps)
        with replacing(animated.path) as part:
            part.write_bytes(content)
        paths.append(animated.path)
    return paths


class _Arrays:
    """The binary part of a file, and its accessors.

    Args:
        module: pygltflib.
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self.content = b''
        self.accessors: List[Any] = []
        self.views: List[Any] = []

    def add(self, values: np.ndarray, kind: str, bounds: bool = False) -> int:
        """Append float32 numbers.

        Args:
            values (np.ndarray): (F, ) or (F, C).
            kind (str): glTF's name of a row.
            bounds (bool): Whether the accessor says the least and the
                largest, as that of times has to.

        Returns:
            int: Index of the accessor.
        """
        values = np.ascontiguousarray(values, '<f4')
        view = self.module.BufferView(
            buffer=0, byteOffset=len(self.content), byteLength=values.nbytes)
        self.content += values.tobytes()
        self.views.append(view)
        accessor = self.module.Accessor(
            bufferView=len(self.views) - 1,
            componentType=self.module.FLOAT,
            count=len(values),
            type=kind)
        if bounds:
            # Plain numbers: NumPy's are written, and then are no JSON.
            accessor.min = [float(values.min())]
            accessor.max = [float(values.max())]
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def _document(module: Any, animated: AnimatedPerson, fps: float) -> bytes:
    person, motion = animated.person, animated.motion
    names = motion.armature.file_names
    arrays = _Arrays(module)
    animation = _animation(module, motion, arrays, fps)
    nodes = [
        module.Node(
            name=name,
            translation=offset.tolist(),
            children=[
                child for child, parent in enumerate(motion.armature.parents)
                if parent == index
            ])
        for index, (name,
                    offset) in enumerate(zip(names, motion.armature.offsets))
    ]
    document = module.GLTF2(
        asset=module.Asset(
            version='2.0',
            generator=f'mmdiffpose {__version__}',
            extras=dict(
                person=person.number,
                first_frame=int(person.frame_ids[0]),
                first_second=float(person.seconds(fps)[0]),
                frame_step=person.step,
                fps=float(fps))),
        scene=0,
        scenes=[module.Scene(nodes=[0])],
        nodes=nodes,
        skins=[
            module.Skin(
                name=f'person{person.number}',
                skeleton=0,
                joints=list(range(len(names))))
        ],
        animations=[animation],
        accessors=arrays.accessors,
        bufferViews=arrays.views,
        buffers=[module.Buffer(byteLength=len(arrays.content))])
    document.set_binary_blob(arrays.content)
    return b''.join(document.save_to_bytes())


def _animation(module: Any, motion: ArmatureMotion, arrays: _Arrays,
               fps: float) -> Any:
    F, K = motion.rotations.shape[:2]
    times = arrays.add(np.arange(F) / fps, 'SCALAR', bounds=True)
    quaternions = Rotation.from_matrix(motion.rotations.reshape(
        -1, 3, 3)).as_quat().reshape(F, K, 4)
    # q and -q are one rotation; between neighbours the short way is meant.
    turns = (quaternions[1:] * quaternions[:-1]).sum(-1) < 0
    quaternions[1:][np.cumsum(turns, 0) % 2 == 1] *= -1
    outputs = [(0, 'translation', motion.roots, 'VEC3')]
    outputs += [(node, 'rotation', quaternions[:, node], 'VEC4')
                for node in range(K) if node in motion.armature.parents]
    animation = module.Animation(name='motion', samplers=[], channels=[])
    for number, (node, path, values, kind) in enumerate(outputs):
        animation.samplers.append(
            module.AnimationSampler(
                input=times,
                output=arrays.add(values, kind),
                interpolation='LINEAR'))
        animation.channels.append(
            module.AnimationChannel(
                sampler=number,
                target=module.AnimationChannelTarget(node=node, path=path)))
    return animation
