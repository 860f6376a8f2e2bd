# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift whole 2D tracks with true temporal windows."""

import warnings
from collections import deque
from typing import (Any, Callable, Deque, Dict, Iterator, List, NamedTuple,
                    Optional, Sequence, Tuple)

import numpy as np
from torch import nn

from mmdiffpose.skeletons import Skeleton
from mmdiffpose.structures.keypoint_track import KeypointTrack
from mmdiffpose.structures.lifted_track import LiftedTrack, join_tracks
from mmdiffpose.structures.option_checks import check_flag, check_whole
from mmdiffpose.structures.seen_joints import check_pixels
from .clip_poses import ClipPoses
from .focal_length import Focal, FocalLengths
from .frame_rate import Rates, ResampledTrack, at_rate, lifter_fps
from .gaps import default_max_gap, split_at_gaps
from .known_height import Heights, check_heights, scale_to_height
from .window_inference import (lifter_skeleton, plan_clip, prepare_clip,
                               run_windows, window_length)

__all__ = ['LiftedTrack', 'lift_track', 'lift_tracks', 'window_length']

Progress = Callable[[int, int], None]
"""Called with the number of windows done and of all windows."""

BATCH_FRAMES = dict(cpu=256, other=8192)
"""Frames in a batch of windows. What a CPU works on beyond that leaves its
cache: with 243 frames, batches of eight windows were slower by a third."""


def lift_tracks(model: nn.Module,
                tracks: Sequence[KeypointTrack],
                overlap: Optional[int] = None,
                batch_size: Optional[int] = None,
                fit: bool = True,
                progress: Optional[Progress] = None,
                max_gap: Optional[int] = None,
                focal_length: Optional[Focal] = None,
                resample: bool = True,
                score_thr: float = 0.,
                check_units: bool = True,
                person_height: Optional[Heights] = None) -> List[LiftedTrack]:
    """Lift the 2D tracks of any number of people to 3D.

    Each track is cut where nothing of the person was seen for longer than
    ``max_gap``; in shorter gaps the joints are interpolated and scored as
    hardly seen. What comes out of joints that were hardly or not seen gets a
    larger std, wider hypotheses and a lower score
    (:func:`~mmdiffpose.lifting.unseen_joints.widen_unsure`); those not seen
    have scores of 0.
    What is left is cut into overlapping windows of the model's length, each
    is lifted once, and poses and stds are blended where windows overlap.

    Args:
        model (nn.Module): From :func:`mmdiffpose.apis.init_model`: a lifter
            of this package, or MMPose's SimpleBaseline, VideoPose3D (a window
            for each frame, whose middle it is) or MotionBERT. Others have to
            predict the joints of their data set in all frames of a window, or
            in the one that is its target.
        tracks (Sequence[KeypointTrack]): One per person, of any joint set
            that maps to the model's.
        overlap (int, optional): Frames that neighbouring windows share at
            least. More is slower and gives every frame more past and future.
            Defaults to a third of a window. With MixSTE and 27 frames, on
            mocap-mini's validation split, overlaps of 0, 6, 9, 13 and 20
            frames gave 70.6, 68.3, 67.2, 66.2 and 65.8 mm.
        batch_size (int, optional): Windows per forward pass. Defaults to
            :data:`BATCH_FRAMES` on the model's device.
        fit (bool): Whether a track is moved and zoomed as a whole to the
            place and size that people had in training
            (:mod:`~mmdiffpose.lifting.view_fit`); where the data set does not
            say them, this does nothing. The turn that goes with it is undone
            in the poses. Turn it off for the cameras that the model was
            trained on. Defaults to True.
        progress (callable, optional): Told about the windows done.
        max_gap (int, optional): Longest gap that is bridged, frames.
            Defaults to :func:`~mmdiffpose.lifting.gaps.default_max_gap`.
        focal_length (FocalLength | float, optional): The camera's, pixels:
            by it poses of a moved picture are turned back into the camera's
            axes. Defaults to an assumed one, with a warning
            (:func:`~mmdiffpose.lifting.focal_length.resolve_focal_length`).
        resample (bool): Whether a track whose frame rate is known and is not
            that of training is lifted at that one
            (:mod:`~mmdiffpose.lifting.frame_rate`); poses come at the track's
            own frames. Models of single frames do without. Defaults to True.
        score_thr (float): Joints of lower scores count as not seen, from 0
            to 1. Scores count without it, too. Defaults to 0.
        check_units (bool): Whether tracks whose coordinates look like shares
            or percents of the picture, or lie outside of it, all of them
            together, are refused. Defaults to True.
        person_height (float | tuple[float, float] | Mapping, optional): How
            tall the one person is known to be, or some of several by track
            id, metres, or metres and their standard deviation: they are
            scaled by it
            (:func:`~mmdiffpose.lifting.known_height.scale_to_height`).

    Returns:
        list[LiftedTrack]: In the order of the tracks, one for each piece
        between long gaps, with the track's id; from the first frame in which
        the person was seen to the last. A person of whom no joint of the
        lifter's was seen is left out, with a warning. Poses are in the axes
        of the real camera.

    Raises:
        ValueError: If a track's joints have no mapping to the model's, or
            the model predicts other than one pose per frame of a window; for
            heights that nobody has or that are nobody's.
    """
    if person_height is not None:
        check_heights(person_height)
    for name, value, least in (('overlap', overlap, 0), ('max_gap', max_gap,
                                                         0), ('batch_size',
                                                              batch_size, 1)):
        if value is not None:
            check_whole(name, value, least)
    check_flag('fit', fit)
    check_flag('resample', resample)
    check_flag('check_units', check_units)
    if check_units:
        _check_units(tracks)
    length = window_length(model)
    overlap = length // 3 if overlap is None else overlap
    focals = FocalLengths(focal_length)
    fps = lifter_fps(model) if resample and length > 1 else None
    joints = lifter_skeleton(model)
    pieces = [
        piece for track in tracks
        for piece in _pieces(track, joints, length, max_gap, fps, score_thr)
    ]
    if batch_size is None:
        batch_size = _batch_size(model, length)
    plans = [plan_clip(model, len(piece.track), overlap) for piece in pieces]
    total = sum(len(plan.starts) for plan in plans)
    waiting: Deque[ClipPoses] = deque()

    def samples() -> Iterator[Dict[str, Any]]:
        """Windows of all pieces; a piece is prepared when its turn comes."""
        for piece, plan in zip(pieces, plans):
            clip = prepare_clip(model, piece.track, piece.max_gap, fit, focals)
            waiting.append(ClipPoses(clip, plan))
            yield from clip.windows(plan)

    lifted: List[LiftedTrack] = []
    count = 0
    for batch in run_windows(model, samples(), batch_size):
        count += len(batch)
        if progress is not None:
            progress(count, total)
        for fields in batch:
            if waiting[0].add(fields):
                result = waiting.popleft().track()
                back = pieces[len(lifted)].back
                lifted.append(
                    result if back is None else back.at_own_frames(result))
    if person_height is None or not lifted:
        return lifted
    return scale_to_height(lifted, person_height)


def lift_track(model: nn.Module,
               track: KeypointTrack,
               overlap: Optional[int] = None,
               batch_size: Optional[int] = None,
               fit: bool = True,
               progress: Optional[Progress] = None,
               max_gap: Optional[int] = None,
               focal_length: Optional[Focal] = None,
               resample: bool = True,
               score_thr: float = 0.,
               check_units: bool = True,
               person_height: Optional[Heights] = None) -> LiftedTrack:
    """Lift one person's 2D track to 3D, as one track.

    As :func:`lift_tracks`, but the pieces between long gaps are joined:
    ``frame_ids`` tell which frames are there, and a warning which are not.

    Args:
        model (nn.Module): See :func:`lift_tracks`, as for the others.
        track (KeypointTrack): The person.
        overlap (int, optional): Frames that neighbouring windows share.
        batch_size (int, optional): Windows per forward pass.
        fit (bool): Whether the track is moved to the view of training.
        progress (callable, optional): Told about the windows done.
        max_gap (int, optional): Longest gap that is bridged, frames.
        focal_length (FocalLength | float, optional): The camera's, pixels.
        resample (bool): Whether it is lifted at the rate of training.
        score_thr (float): Joints of lower scores count as not seen.
        check_units (bool): Whether coordinates that are no pixels are refused.
        person_height (float | tuple[float, float], optional): How tall the
            person is, metres, or metres and their standard deviation.

    Returns:
        LiftedTrack: All frames but those of long gaps, and those before the
        person was first and after they were last seen.

    Raises:
        ValueError: See :func:`lift_tracks`; and if no joint of the lifter's
            was seen.
    """
    with warnings.catch_warnings():
        # Said by the error below.
        warnings.filterwarnings('ignore', message='.*left out: none of')
        pieces = lift_tracks(model, [track], overlap, batch_size, fit,
                             progress, max_gap, focal_length, resample,
                             score_thr, check_units, person_height)
    if not pieces:
        raise ValueError(
            f'{track.source}: expected joints that make the lifter\'s '
            f'{list(lifter_skeleton(model).joints)}, found none of them in '
            'any frame')
    for one, following in zip(pieces, pieces[1:]):
        warnings.warn(
            f'{track.source}: nobody was seen between frames '
            f'{one.frame_ids[-1]} and {following.frame_ids[0]}, which is too '
            'long to bridge; there are no poses there')
    return join_tracks(pieces)


def _check_units(tracks: Sequence[KeypointTrack]) -> None:
    """Raise unless the tracks of each size of picture are pixels of it."""
    sizes: Dict[Tuple[int, int], List[KeypointTrack]] = {}
    for track in tracks:
        sizes.setdefault(track.image_size, []).append(track)
    for size, same in sizes.items():
        check_pixels(
            np.concatenate([track.keypoints.reshape(-1, 2) for track in same]),
            np.concatenate([track.scores.ravel() for track in same]), size,
            same[0].source)


def _batch_size(model: nn.Module, length: int) -> int:
    device = next((p.device.type for p in model.parameters()), 'cpu')
    frames = BATCH_FRAMES.get(device, BATCH_FRAMES['other'])
    return max(1, frames // length)


class _Piece(NamedTuple):
    """What is lifted at once: a track without long gaps.

    Attributes:
        track: At the lifter's rate.
        max_gap: Longest gap of a joint that is bridged, frames of it.
        back: How poses come back to the frames of the input, if these are
            others.
    """
    track: KeypointTrack
    max_gap: int
    back: Optional[ResampledTrack]


def _pieces(track: KeypointTrack, joints: Skeleton, length: int,
            max_gap: Optional[int], fps: Optional[Rates],
            score_thr: float) -> Iterator[_Piece]:
    """The parts of a track between long gaps, with the lifter's joints."""
    sure = track.above(score_thr)
    mapped = None if sure is None else sure.for_lifter(joints)
    if mapped is None:
        warnings.warn(f'{track.source}, person {track.track_id}: left out: '
                      'none of the joints seen makes one of the lifter\'s')
        return
    if not mapped.scores[:, joints.root].any():
        warnings.warn(
            f'{track.source}, person {track.track_id}: nobody saw the hips, '
            'to which all poses are relative: std and scores say how far off '
            'they may be')
    shown, back = at_rate(mapped.dense(), fps)
    gap = default_max_gap(length, shown.fps)
    if max_gap is not None:
        # Frames of the input.
        own = len(mapped.dense())
        gap = round(max_gap * len(shown) / own) if back else max_gap
    for start, stop in split_at_gaps(shown.present, gap):
        part = None if back is None else back.part(start, stop)
        yield _Piece(
            shown.part(start, stop) if part is None else part.track, gap, part)
