# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Marker files with the names of other joint sets, and for Pose2Sim."""

import warnings
from pathlib import Path
from typing import List, Sequence

import numpy as np

from mmdiffpose.atomic_files import replacing
from mmdiffpose.skeletons.marker_sets import marker_names
from mmdiffpose.structures.lifted_track import LiftedTrack
from .marker_people import marker_people
from .result_options import UNITS, ResultOptions
from .result_trc import known_rate, trc_text
from .scene_people import ScenePerson, scene_people


def write_marker_trc(tracks: Sequence[LiftedTrack],
                     stem: str,
                     options: ResultOptions,
                     prefix: str = '_person') -> List[Path]:
    """Write one TRC file per person, ``<stem>_person<number>.trc``.

    As :func:`~mmdiffpose.files.result_trc.write_trc`, but only the joints
    that are also joints of ``options.markers``, under their names there.

    With ``pose2sim`` the files are what Pose2Sim's kinematics reads with
    ``pose_model = 'HALPE_26'``: metres (it does not look at the file's unit),
    bones that keep their length, each person turned to face +x
    (:func:`~mmdiffpose.files.marker_people.marker_people`).

    Args:
        tracks (sequence[LiftedTrack]): The people of one video.
        stem (str): Path of the files without their ending.
        options (ResultOptions): ``markers``, ``unit``, ``trc_unseen``,
            ``symmetric_bones``.
        prefix (str): Between the stem and the number.

    Returns:
        list[Path]: The files, by the people's numbers.

    Raises:
        ValueError: If no joint of the skeleton is a marker.
    """
    unit, unseen = options.marker_unit, options.trc_unseen
    seen_only = unseen != 'estimate'
    people: List[ScenePerson] = scene_people(tracks)
    if options.markers == 'pose2sim':
        people = [
            one.person for one in marker_people(
                tracks, options.symmetric_bones, seen_only)
        ]
    rate = known_rate(tracks, stem)
    paths = []
    for person in people:
        joints, names = marker_names(person.skeleton, options.markers)
        points = person.points
        if seen_only:
            points = np.where(person.seen[..., None], points, np.nan)
        points = points[:, joints] * UNITS[unit]
        there = np.isfinite(points).any((1, 2))
        if not there.any():
            warnings.warn(f'{stem}, person {person.number}: none of the '
                          f'markers {names} was seen; there is no TRC file')
            continue
        path = Path(f'{stem}{prefix}{person.number}.trc')
        text = trc_text(path.name, names, person.frame_ids[there],
                        person.seconds(rate)[there], points[there], rate, unit,
                        unseen)
        with replacing(path) as part, part.open('w', encoding='utf-8') as file:
            file.writelines(text)
        paths.append(path)
    return paths
