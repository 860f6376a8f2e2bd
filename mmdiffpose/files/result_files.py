# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write lifted tracks: all formats at once, and JSON and npz themselves."""

import json
from pathlib import Path
from typing import (Any, Callable, Dict, Iterator, List, Optional, Sequence,
                    Union)

import numpy as np

from mmdiffpose.atomic_files import replacing
from mmdiffpose.structures.lifted_track import HEIGHT_FIELDS, LiftedTrack
from mmdiffpose.structures.people import (ROWS_AT_ONCE, Lifted, as_list,
                                          frames_together, person_numbers)
from mmdiffpose.visualization.scene_page import write_html
from .marker_trc import write_marker_trc
from .optional_packages import check_packages
from .result_angles import write_angles
from .result_bvh import write_bvh
from .result_c3d import write_c3d
from .result_csv import write_csv
from .result_glb import write_glb
from .result_opensim import write_opensim
from .result_options import ResultOptions, say_nothing
from .result_rrd import write_rrd
from .result_trc import write_trc

METRE_DIGITS, PIXEL_DIGITS, SCORE_DIGITS, TIME_DIGITS = 4, 1, 3, 6

ResultWriter = Callable[[Sequence[LiftedTrack], str, ResultOptions],
                        List[Path]]
"""Called with the people of a video, the path of the files without their
suffix, and options; says what it wrote."""


def write_results(lifted: Lifted,
                  stem: Union[str, Path],
                  formats: Sequence[str] = ('json', 'npz'),
                  axes: str = 'camera',
                  hypotheses: bool = False,
                  unit: Optional[str] = None,
                  markers: str = 'h36m',
                  symmetric_bones: bool = False,
                  say: Callable[[str], None] = say_nothing,
                  trc_unseen: str = 'nan') -> List[Path]:
    """Write the people of one video, each file all or nothing.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people; several
            tracks with one ``track_id`` are pieces of one person's.
        stem (str | Path): Path of the files without their suffix.
        formats (sequence[str]): Some of :data:`FORMATS`: ``json``, ``npz``,
            ``csv`` (:func:`~mmdiffpose.files.result_csv.write_csv`), ``trc``
            (:func:`~mmdiffpose.files.result_trc.write_trc`, one file per
            person, always y-up), ``c3d``
            (:func:`~mmdiffpose.files.result_c3d.write_c3d`, one file per
            person, always y-up), ``bvh``
            (:func:`~mmdiffpose.files.result_bvh.write_bvh`) and ``glb``
            (:func:`~mmdiffpose.files.result_glb.write_glb`), one file per
            person and stretch, ``rrd``
            (:func:`~mmdiffpose.files.result_rrd.write_rrd`), ``opensim``
            (:func:`~mmdiffpose.files.result_opensim.write_opensim`, a folder),
            ``angles``
            (:func:`~mmdiffpose.files.result_angles.write_angles`), ``html``
            (:func:`~mmdiffpose.visualization.scene_page.write_html`).
            Defaults to JSON and npz.
        axes (str): Of json, npz and csv, one of
            :data:`~mmdiffpose.structures.axes.AXES_NAMES`. Defaults to camera
            axes.
        hypotheses (bool): Whether json and npz hold the hypotheses; html
            shows some in any case. Defaults to False.
        unit (str, optional): Of trc and c3d, see
            :class:`~mmdiffpose.files.result_options.ResultOptions`, as for
            the others.
        markers (str): Of trc and c3d.
        symmetric_bones (bool): Of bvh and glb.
        say (callable): Told what a person at the command line wants to know.
        trc_unseen (str): What trc files hold for joints that were not seen.
            All formats but bvh and glb mark these, by NaN, a residual of -1,
            a colour, or a 2D score of 0.

    Returns:
        list[Path]: The files, in the order of ``formats``.

    Raises:
        ImportError: If a format's package is not installed.
        ValueError: If there is nobody to write, no such format, axes, unit or
            markers, or a format cannot say what the tracks say.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise ValueError(f'formats: expected some of {list(FORMATS)}, found '
                         f'{unknown}')
    check_packages(formats)
    options = ResultOptions(axes, hypotheses, unit, markers, symmetric_bones,
                            say, trc_unseen)
    tracks = as_list(lifted)
    return [
        path for name in dict.fromkeys(formats)
        for path in FORMATS[name](tracks, str(stem), options)
    ]


def result_meta(tracks: Sequence[LiftedTrack], axes: str) -> Dict[str, Any]:
    """What a reader has to know about the numbers."""
    first = tracks[0]
    skeleton = first.skeleton
    meta: Dict[str, Any] = dict(
        axes=axes,
        unit='metre',
        origin=skeleton.joints[skeleton.root],
        skeleton=skeleton.name,
        joints=list(skeleton.joints),
        parents=list(skeleton.parents),
        image_size=list(first.image_size),
        fps=first.fps)
    if first.step > 1:
        meta['frame_step'] = first.step
    if first.source is not None:
        meta['source'] = first.source
    if first.focal_px is not None:
        meta.update(focal_px=first.focal_px, focal_source=first.focal_source)
    heights = {
        str(number): {
            name: getattr(track, name)
            for name in HEIGHT_FIELDS if getattr(track, name) is not None
        }
        for number, track in zip(person_numbers(tracks), tracks)
        if track.height is not None
    }
    if heights:
        meta['heights'] = heights
    return meta


def write_json(lifted: Lifted,
               path: Union[str, Path],
               axes: str,
               hypotheses: bool = False) -> Path:
    """Write poses in the layout of MMPose's prediction files.

    ``meta_info`` holds units, axes and joint names; ``instance_info`` is a
    list of frames, each with ``instances``, one per person, that have
    ``track_id``, ``keypoints`` (J, 3) metres relative to the root joint,
    ``keypoint_scores``, ``keypoint_std`` (metres), where the model tells axes
    apart ``keypoint_std_xyz`` (J, 3), ``keypoints_2d`` (pixels),
    ``keypoint_scores_2d``, and where it was solved ``root`` (3, ), the root
    joint's position, metres. Frames have a ``time`` in seconds where it is
    known. ``fps`` counts the frames of the file: of every n-th frame of a
    video, ``frame_step`` is n. ``heights`` of ``meta_info`` has, by track id,
    the people whose height was given: ``height`` and its standard deviation
    ``height_std``, metres, what their poses were multiplied by
    (``scaled_by``), and the standard deviation of the logarithm of the size
    that the std held before (``size_std``).

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people.
        path (str | Path): The file.
        axes (str): See :data:`~mmdiffpose.structures.axes.AXES_NAMES`.
        hypotheses (bool): Whether instances have ``hypotheses`` (N, J, 3)
            too; they make the file N times as large. Defaults to False.

    Returns:
        Path: The file.
    """
    tracks = as_list(lifted)
    told: Dict[str, Any] = dict(separators=(',', ':'), allow_nan=False)
    with replacing(path) as part, part.open('w', encoding='utf-8') as file:
        meta = json.dumps(result_meta(tracks, axes), **told)
        file.write(f'{{"meta_info":{meta},"instance_info":[')
        before = ''
        for frame in _json_frames(tracks, axes, hypotheses):
            file.write(before + json.dumps(frame, **told))
            before = ','
        file.write(']}\n')
    return Path(path)


def _json_frames(tracks: Sequence[LiftedTrack], axes: str,
                 hypotheses: bool) -> Iterator[Dict[str, Any]]:
    """Entries of ``instance_info``, in order; some in memory at a time."""
    numbers = person_numbers(tracks)
    for people in frames_together(tracks, ROWS_AT_ONCE):
        instances: Dict[int, List[Dict[str, Any]]] = {}
        times: Dict[int, float] = {}
        for index, rows in people:
            track = tracks[index].part(rows.start, rows.stop)
            columns = _json_columns(track.in_axes(axes), hypotheses)
            frame_ids = track.frame_ids.tolist()
            if track.seconds is not None:
                seconds = np.round(track.seconds, TIME_DIGITS)
                times.update(zip(frame_ids, seconds.tolist()))
            for row, frame in enumerate(frame_ids):
                person = {
                    name: values[row]
                    for name, values in columns.items()
                }
                instances.setdefault(frame, []).append(
                    dict(track_id=numbers[index], **person))
        for frame in sorted(instances):
            time = dict(time=times[frame]) if frame in times else {}
            yield dict(frame_id=frame, **time, instances=instances[frame])


def _json_columns(track: LiftedTrack, hypotheses: bool) -> Dict[str, list]:
    """Lists by name, an item for each frame."""
    arrays = dict(
        keypoints=(track.keypoints_3d, METRE_DIGITS),
        keypoint_scores=(track.scores, SCORE_DIGITS),
        keypoints_2d=(track.keypoints_2d, PIXEL_DIGITS),
        keypoint_scores_2d=(track.scores_2d, SCORE_DIGITS),
        keypoint_std=(track.std, METRE_DIGITS),
        keypoint_std_xyz=(track.std_xyz, METRE_DIGITS),
        root=(track.root_trajectory, METRE_DIGITS),
        hypotheses=(track.hypotheses if hypotheses else None, METRE_DIGITS))
    return {
        name: np.round(values.astype(float), digits).tolist()
        for name, (values, digits) in arrays.items() if values is not None
    }


def write_npz(lifted: Lifted,
              path: Union[str, Path],
              axes: str,
              hypotheses: bool = True) -> Path:
    """Write poses as arrays of R rows: a row is one person in one frame.

    Keys: ``keypoints_3d`` (R, J, 3), ``scores`` (R, J), ``keypoints_2d`` (R,
    J, 2), ``scores_2d`` (R, J), ``frame_ids`` (R, ), ``track_ids`` (R, ),
    where they are known ``times`` (R, ) in seconds,
    ``meta`` (JSON, what ``meta_info`` is in the JSON file), and where the
    model gives them ``std`` (R, J), ``std_xyz`` (R, J, 3) and ``hypotheses``
    (R, N, J, 3), where they were solved ``root`` (R, 3). Rows go person by
    person, each in order of time. Loads without pickle.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people.
        path (str | Path): The file.
        axes (str): See :data:`~mmdiffpose.structures.axes.AXES_NAMES`.
        hypotheses (bool): Whether to write them. Defaults to True.

    Returns:
        Path: The file.
    """
    numbers = person_numbers(as_list(lifted))
    tracks = [track.in_axes(axes) for track in as_list(lifted)]
    columns: Dict[str, List[Any]] = dict(
        keypoints_3d=[t.keypoints_3d for t in tracks],
        scores=[t.scores for t in tracks],
        keypoints_2d=[t.keypoints_2d for t in tracks],
        scores_2d=[t.scores_2d for t in tracks],
        frame_ids=[t.frame_ids for t in tracks],
        times=[t.seconds for t in tracks],
        track_ids=[np.full(len(t), n) for t, n in zip(tracks, numbers)],
        std=[t.std for t in tracks],
        std_xyz=[t.std_xyz for t in tracks],
        root=[t.root_trajectory for t in tracks])
    if hypotheses:
        columns['hypotheses'] = [t.hypotheses for t in tracks]
    arrays: Dict[str, Any] = {
        name: np.concatenate(parts)
        for name, parts in columns.items()
        if all(part is not None for part in parts)
    }
    arrays['meta'] = np.array(json.dumps(result_meta(tracks, axes)))
    with replacing(path) as part:
        np.savez_compressed(part, **arrays)
    return Path(path)


def _json(tracks: Sequence[LiftedTrack], stem: str,
          options: ResultOptions) -> List[Path]:
    path = f'{stem}.json'
    return [write_json(tracks, path, options.axes, options.hypotheses)]


def _npz(tracks: Sequence[LiftedTrack], stem: str,
         options: ResultOptions) -> List[Path]:
    path = f'{stem}.npz'
    return [write_npz(tracks, path, options.axes, options.hypotheses)]


def _csv(tracks: Sequence[LiftedTrack], stem: str,
         options: ResultOptions) -> List[Path]:
    return [write_csv(tracks, f'{stem}.csv', options.axes)]


def _trc(tracks: Sequence[LiftedTrack], stem: str,
         options: ResultOptions) -> List[Path]:
    if options.markers == 'h36m':
        return write_trc(tracks, stem, options.marker_unit, options.trc_unseen)
    return write_marker_trc(tracks, stem, options)


def _html(tracks: Sequence[LiftedTrack], stem: str,
          options: ResultOptions) -> List[Path]:
    return [write_html(tracks, f'{stem}.html')]


FORMATS: Dict[str, ResultWriter] = dict(
    json=_json,
    npz=_npz,
    csv=_csv,
    trc=_trc,
    html=_html,
    c3d=write_c3d,
    bvh=write_bvh,
    glb=write_glb,
    rrd=write_rrd,
    opensim=write_opensim,
    angles=write_angles)
"""What writes each format: a new one is a function and an entry here."""
