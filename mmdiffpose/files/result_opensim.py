# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write a folder from which OpenSim makes joint angles."""

from dataclasses import replace
from pathlib import Path
from typing import List, Sequence

from mmdiffpose.atomic_files import replace_text
from mmdiffpose.structures.lifted_track import LiftedTrack
from .marker_trc import write_marker_trc
from .result_options import ResultOptions

SCRIPT = Path(__file__).parent / 'opensim_script.py'


def write_opensim(tracks: Sequence[LiftedTrack], stem: str,
                  options: ResultOptions) -> List[Path]:
    """Write ``<stem>_opensim``: markers and the script that turns them.

    ``person<number>.trc`` are the files of
    :func:`~mmdiffpose.files.marker_trc.write_marker_trc` for Pose2Sim, and
    ``inverse_kinematics.py`` is
    :mod:`~mmdiffpose.files.opensim_script`, which needs an environment of its
    own: it says how to make it, puts markers at the joint centres of the
    user's model or of Pose2Sim's, scales it, and writes
    ``person<number>.mot``.

    Args:
        tracks (sequence[LiftedTrack]): The people of one video.
        stem (str): Path of the folder without ``_opensim``.
        options (ResultOptions): ``symmetric_bones``, ``trc_unseen``.

    Returns:
        list[Path]: The files.

    Raises:
        ValueError: If the skeleton has no joint that is a marker.
    """
    folder = Path(f'{stem}_opensim')
    unseen = options.trc_unseen
    # OpenSim takes no empty fields at the end of a row.
    own = replace(
        options,
        markers='pose2sim',
        unit='m',
        trc_unseen='nan' if unseen == 'blank' else unseen)
    paths = write_marker_trc(tracks, f'{folder}/', own, 'person')
    script = folder / 'inverse_kinematics.py'
    replace_text(script, SCRIPT.read_text(encoding='utf-8'))
    return [*paths, script]
