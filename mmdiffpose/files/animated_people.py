# Copyright (c) mmdiffpose contributors. All rights reserved.
"""People as animation programs want them: stiff bones that turn."""

from pathlib import Path
from typing import Iterator, NamedTuple, Sequence

import numpy as np

from mmdiffpose.skeletons.armature_fit import (ArmatureMotion, bone_lengths,
                                               fit_armature)
from mmdiffpose.structures.lifted_track import LiftedTrack
from .result_options import ResultOptions
from .scene_people import ScenePerson, scene_people


class AnimatedPerson(NamedTuple):
    """One person between two absences.

    Attributes:
        person: Where the joints were, frames ``1 / fps`` apart.
        motion: The armature that follows them.
        path: Where its file goes.
    """
    person: ScenePerson
    motion: ArmatureMotion
    path: Path


def animated_people(tracks: Sequence[LiftedTrack], stem: str, suffix: str,
                    fps: float,
                    options: ResultOptions) -> Iterator[AnimatedPerson]:
    """Fit an armature to everybody, and say how far off it is.

    A file of an animation has no frames without the person: somebody who
    leaves and comes back is several animations of one armature, called
    ``<stem>_person<number>_frame<first frame>``; else it is
    ``<stem>_person<number>``.

    Args:
        tracks (sequence[LiftedTrack]): The people of one video.
        stem (str): Path of the files without their ending.
        suffix (str): Their ending.
        fps (float): Frames a second.
        options (ResultOptions): ``symmetric`` and ``say``.

    Yields:
        AnimatedPerson: By the people's numbers, in order of time.

    Raises:
        ValueError: If a bone is in no frame, or the skeleton has no T-pose.
    """
    for person in scene_people(tracks):
        name = f'{stem}_person{person.number}'
        try:
            lengths = bone_lengths(person.points, person.seen, person.skeleton,
                                   options.symmetric_bones)
            pieces = [piece.at_even_pace(fps) for piece in person.pieces()]
            motions = [
                fit_armature(piece.points, lengths, piece.skeleton, fps)
                for piece in pieces
            ]
        except ValueError as error:
            raise ValueError(f'{name}{suffix}: {error}') from error
        options.say(_residual_line(f'{name}{suffix}', pieces, motions))
        for piece, motion in zip(pieces, motions):
            ending = suffix
            if len(pieces) > 1:
                ending = f'_frame{piece.frame_ids[0]}{suffix}'
            yield AnimatedPerson(piece, motion, Path(f'{name}{ending}'))


def _residual_line(name: str, pieces: Sequence[ScenePerson],
                   motions: Sequence[ArmatureMotion]) -> str:
    residuals = np.concatenate([motion.residuals for motion in motions]) * 1000
    frames = np.concatenate([piece.frame_ids for piece in pieces])
    row, joint = np.unravel_index(np.nanargmax(residuals), residuals.shape)
    first = pieces[0]
    return (f'{name}: bones of one length lie '
            f'{np.nanmean(residuals):.1f} mm from the lifted joints, at most '
            f'{residuals[row, joint]:.1f} mm '
            f'({first.skeleton.joints[joint]}, frame {frames[row]})')
