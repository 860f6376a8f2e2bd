# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write lifted tracks as C3D, the file of motion laboratories."""

import io
import warnings
from pathlib import Path
from typing import List, Union

import numpy as np

from mmdiffpose.atomic_files import replacing
from mmdiffpose.skeletons.marker_sets import marker_names
from mmdiffpose.structures.people import Lifted, as_list
from .optional_packages import needed, needs_fps
from .result_options import UNITS, ResultOptions
from .scene_people import ScenePerson, scene_people

STD_STEP = 0.002
"""Metres by which a residual counts: its byte holds 0 to 127 of them."""
MAX_RESIDUAL = 127


def write_c3d(
    lifted: Lifted,
    stem: Union[str, Path],
    options: ResultOptions = ResultOptions()
) -> List[Path]:
    """Write one C3D file per person, ``<stem>_person<number>.c3d``.

    y up, the lowest joint of all on the floor, as in
    :func:`~mmdiffpose.files.result_trc.write_trc`. A frame of the file is a
    frame of the video, so that several people's files go together: all begin
    where the first of them is first there, and end where the last is last
    there. POINT:UNITS is the unit, and X_SCREEN and Y_SCREEN say that y is
    up. A joint that was not seen, and all joints of a person who was not
    there, have the residual -1 and no place.

    The residual of the others is the std, in steps of
    :data:`STD_STEP` up to 254 mm; 0 where the model gives none. Readers do
    not agree on the byte of a point's last word in which it stands (py-c3d
    0.6 takes the lower, ezc3d 1.7 the upper one): both bytes hold it, so that
    the mask of the cameras, of which there is one, means nothing.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people.
        stem (str | Path): Path of the files without their ending.
        options (ResultOptions): ``unit``, by default millimetres, and
            ``markers``.

    Returns:
        list[Path]: The files, by the people's numbers. Recordings of more
        than 65,535 frames say their length in POINT:LONG_FRAMES and
        TRIAL:ACTUAL_END_FIELD.

    Raises:
        ImportError: If the package ``c3d`` is not installed.
        ValueError: If the frame rate is not known, or the markers are none of
            the skeleton's joints.
    """
    module = needed('c3d')
    tracks = as_list(lifted)
    fps = needs_fps(tracks, 'C3D')
    unit = options.marker_unit
    pieces = [[piece.at_even_pace(fps) for piece in person.pieces()]
              for person in scene_people(tracks)]
    rows = np.concatenate([
        piece.frame_ids // piece.step for person in pieces for piece in person
    ])
    first, count = int(rows.min()), int(rows.max() - rows.min()) + 1
    paths = []
    for person in pieces:
        joints, names = marker_names(person[0].skeleton, options.markers)
        points = np.zeros((count, len(joints), 5), np.float32)
        points[..., 3:] = -1
        for piece in person:
            points[piece.frame_ids // piece.step - first] = _points(
                piece, joints, UNITS[unit])
        writer = module.Writer(
            point_rate=fps,
            analog_rate=0,
            point_scale=-STD_STEP * UNITS[unit],
            point_units=unit.ljust(4))
        with warnings.catch_warnings():
            # That there are no analog channels.
            warnings.simplefilter('ignore')
            writer.set_point_labels(names)
            writer.set_screen_axis('+X', '+Y')
            writer.set_start_frame(first + 1)
            nothing = np.zeros((0, 0))
            writer.add_frames([(frame, nothing) for frame in points])
            content = io.BytesIO()
            writer.write(content)
        path = Path(f'{stem}_person{person[0].number}.c3d')
        with replacing(path) as part:
            part.write_bytes(content.getvalue())
        paths.append(path)
    return paths


def _points(piece: ScenePerson, joints: List[int],
            factor: float) -> np.ndarray:
    """Points of a file (F, M, 5): place, residual, mask of cameras."""
    seen = piece.seen[:, joints]
    points = np.zeros((*seen.shape, 5))
    points[..., 3:] = -1
    points[..., :3][seen] = piece.points[:, joints][seen] * factor
    steps = np.zeros(seen.shape)
    if piece.std is not None:
        steps = np.clip(
            np.rint(piece.std[:, joints] / STD_STEP), 0, MAX_RESIDUAL)
    points[..., 3][seen] = steps[seen] * STD_STEP * factor
    points[..., 4][seen] = steps[seen]
    return points
