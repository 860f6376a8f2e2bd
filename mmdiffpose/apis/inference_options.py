# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a call of the inferencer can be told."""

import difflib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.detection.frame_sources import FrameInputs
from mmdiffpose.detection.trackers import BUILTIN
from mmdiffpose.files.keypoint_files import FORMATS as KEYPOINT_FORMATS
from mmdiffpose.files.optional_packages import check_packages
from mmdiffpose.files.result_files import FORMATS as RESULT_FORMATS
from mmdiffpose.files.result_options import UNITS, UNSEEN, ResultOptions
from mmdiffpose.lifting.known_height import Heights, check_heights
from mmdiffpose.skeletons import SKELETONS
from mmdiffpose.skeletons.marker_sets import MARKER_SETS
from mmdiffpose.structures.axes import check_axes
from mmdiffpose.structures.keypoint_track import checked_score_thr

NO_STREAM = (
    'person_height (--height) takes the whole of a clip: expected no causal= '
    '(--causal) and no webcam without max_frames')
ANIMATIONS = ('mp4', 'gif', 'auto', 'none')


@dataclass(frozen=True)
class InferenceOptions:
    """Options of
    :class:`~mmdiffpose.apis.inferencer.DiffusionPose3DInferencer`.

    Attributes:
        return_datasamples: Results hold a ``PoseDataSample`` a frame instead
            of lists and numbers. Defaults to False.
        batch_size: Frames at a time in the 2D stage, and windows at a time in
            the lifter. Defaults to None: 8 frames, and as many windows as
            :func:`~mmdiffpose.lifting.lift.lift_tracks` finds right.
        out_dir: Short for ``vis_out_dir=out_dir/visualizations`` and
            ``pred_out_dir=out_dir/predictions``.
        vis_out_dir: Folder for pictures: one PNG for an image, an animation
            for any other input. Defaults to '', none.
        pred_out_dir: Folder for the poses of the clip. Defaults to '', none.
        formats: Of the files in ``pred_out_dir``, see
            :func:`~mmdiffpose.files.result_files.write_results`. Defaults to
            JSON.
        unit: Of trc and c3d files, ``'mm'`` or ``'m'``. Defaults to
            millimetres, or what the marker set's tool reads.
        markers: Of trc and c3d files: the joints and their names, one of
            :data:`~mmdiffpose.skeletons.marker_sets.MARKER_SETS`. Defaults to
            all, in Human3.6M's spelling.
        symmetric_bones: In bvh, glb, opensim and Pose2Sim's trc, left and
            right bones get the mean of both lengths. Defaults to False.
        trc_unseen: What trc files hold for joints that were not seen:
            ``'nan'``, ``'blank'`` or ``'estimate'``. Defaults to NaN.
        return_vis: Results hold pictures, RGB. Defaults to False.
        show: Shows each picture in a window. Defaults to False.
        animation: Kind of the animation: one of :data:`ANIMATIONS`. Defaults
            to ``'mp4'``; ``'auto'`` is a GIF of up to 20 seconds, else an
            MP4, also under a video's pictures, which a GIF makes large.
        still: Also writes a PNG that shows some frames, offline. Defaults to
            False.
        suffix: Added to the input's name in the names of files. Defaults to
            ''.
        panel_size: Height of the pictures' panels, pixels. Defaults to 420.
        causal: True: streaming, each frame's result comes ``latency`` frames
            later, and only so many frames are held. False: offline, the whole
            clip is tracked first, then lifted, each frame with its full past
            and future. Defaults to None: streaming for webcams only.
        latency: Frames of future that streaming waits for. Defaults to 0.
        axes: Of the poses in results and files: ``'camera'`` (x right, y
            down, z forward), ``'y-up'``, ``'z-up'``, or ``'lifter'``: those of
            the view that the lifter was shown, which is turned towards the
            person. Defaults to camera.
        hypotheses: Results hold each person's hypotheses. Files in npz always
            do. Defaults to False.
        root_trajectory: Solves for where people are, so that all stand in one
            scene. Defaults to False.
        focal_length: The camera's, pixels, by which poses are turned into its
            axes and people placed. Defaults to None: from an image's EXIF,
            else assumed, with a warning.
        person_height: The height of the one person who is lifted, metres,
            standing without shoes, or of several by track id: their poses,
            std, hypotheses and places are scaled by it, and hold no doubt of
            the size but that of the height, (1.69, .1) with its standard
            deviation, offline
            (:func:`~mmdiffpose.lifting.known_height.scale_to_height`).
            Defaults to None: the size that the lifter guesses.
        overlap: Frames that neighbouring windows share, offline. Defaults to
            a third of a window.
        fit: See :func:`~mmdiffpose.lifting.lift.lift_track`. Defaults to True.
        resample: Lifts at the frame rate of training what comes at another
            one. Defaults to True.
        score_thr: 2D joints of lower scores count as not seen, 0 to 1. A low
            score makes a joint's std larger in any case. Defaults to 0.
        tracker: Who tells who is who in frames: ``'builtin'``, which offline
            also knows people again who were away for up to three seconds; a
            word of
            :data:`~mmdiffpose.detection.trackers.PACKAGE_TRACKERS`; or a file
            of another tracker, in the MOT challenge's form. Defaults to
            builtin.
        track_ids: The people wanted. Defaults to None: everybody.
        largest: Of a keypoint file, only the person who is largest and
            longest in the picture. Defaults to False.
        max_frames: Reads no more frames than this, of anything but keypoint
            files. Defaults to all.
        fps: Frames a second. Defaults to what the input says.
        image_size: Width and height in pixels, for keypoint files that do not
            say it.
        skeleton: Joint set of a keypoint file that does not say it.
        keypoint_format: Of a keypoint file, one of
            :data:`~mmdiffpose.files.keypoint_files.reading.FORMATS`. Defaults
            to what it looks like.
        video: Frames to draw under the joints of a keypoint file.
    """
    return_datasamples: bool = False
    batch_size: Optional[int] = None
    out_dir: str = ''
    vis_out_dir: str = ''
    pred_out_dir: str = ''
    formats: Sequence[str] = ('json', )
    unit: Optional[str] = None
    markers: str = 'h36m'
    symmetric_bones: bool = False
    trc_unseen: str = 'nan'
    return_vis: bool = False
    show: bool = False
    animation: str = 'mp4'
    still: bool = False
    suffix: str = ''
    panel_size: int = 420
    causal: Optional[bool] = None
    latency: int = 0
    axes: str = 'camera'
    hypotheses: bool = False
    root_trajectory: bool = False
    focal_length: Optional[float] = None
    person_height: Optional[Heights] = None
    overlap: Optional[int] = None
    fit: bool = True
    resample: bool = True
    score_thr: float = 0.
    tracker: str = BUILTIN
    track_ids: Optional[Sequence[int]] = None
    largest: bool = False
    max_frames: Optional[int] = None
    fps: Optional[float] = None
    image_size: Optional[Tuple[int, int]] = None
    skeleton: Optional[str] = None
    keypoint_format: Optional[str] = None
    video: Optional[FrameInputs] = None

    def __post_init__(self) -> None:
        check_axes(self.axes)
        if self.animation not in ANIMATIONS:
            raise ValueError(f'animation should be one of {ANIMATIONS}, got '
                             f'{self.animation!r}')
        for field in fields(self):
            _check(field.name, getattr(self, field.name))
        if self.person_height is not None:
            check_heights(self.person_height)
            if self.causal:
                raise ValueError(NO_STREAM)
        check_packages(self.formats)
        # What does not go together is said before anything is lifted.
        ResultOptions(unit=self.unit, markers=self.markers)

    @classmethod
    def from_call(cls, options: Mapping[str, Any]) -> 'InferenceOptions':
        """Options of a call.

        Raises:
            ValueError: If there is no such option; names those that there
                are.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(options) - set(known))
        if unknown:
            near = difflib.get_close_matches(unknown[0], known, n=1)
            hint = f' (did you mean {near[0]}?)' if near else ''
            raise ValueError(f'unknown options {unknown}{hint}, expected some '
                             f'of {known}')
        options = dict(options)
        if options.get('out_dir'):
            for name, folder in (('vis_out_dir', 'visualizations'),
                                 ('pred_out_dir', 'predictions')):
                options.setdefault(name, f'{options["out_dir"]}/{folder}')
        return cls(**options)

    def of_format(self, name: str) -> Dict[str, Any]:
        """What :func:`~mmdiffpose.files.result_files.write_results` is told
        for a format; an npz holds hypotheses in any case."""
        names = ('axes', 'unit', 'markers', 'symmetric_bones', 'trc_unseen')
        return dict({option: getattr(self, option)
                     for option in names},
                    hypotheses=self.hypotheses or name == 'npz')

    @property
    def animated(self) -> bool:
        """Whether an animation is written."""
        return bool(self.vis_out_dir) and self.animation != 'none'

    @property
    def pictures(self) -> bool:
        """Whether each frame is drawn."""
        return bool(self.return_vis or self.show or self.animated)


_WHOLE = dict(batch_size=1, latency=0, panel_size=100, overlap=0, max_frames=1)
"""Options that are whole numbers, and their least."""
_MOST = dict(panel_size=4096)
_POSITIVE = ('fps', 'focal_length')
_FLAGS = ('return_datasamples', 'return_vis', 'show', 'still', 'causal',
          'hypotheses', 'symmetric_bones', 'root_trajectory', 'fit',
          'resample', 'largest')
_TEXTS = ('out_dir', 'vis_out_dir', 'pred_out_dir', 'suffix', 'animation',
          'tracker')
_MAY_BE_NONE = ('batch_size', 'overlap', 'max_frames', 'fps', 'focal_length',
                'causal')
_NAMES = dict(
    skeleton=sorted(SKELETONS),
    keypoint_format=list(KEYPOINT_FORMATS),
    unit=sorted(UNITS),
    markers=sorted(MARKER_SETS),
    formats=list(RESULT_FORMATS),
    trc_unseen=sorted(UNSEEN))


def _check(name: str, value: Any) -> None:
    """Raise unless an option may have a value.

    Raises:
        ValueError: Says what was expected and got.
    """
    number = isinstance(
        value, (int, float, np.number)) and not isinstance(value, bool)
    if value is None and name in _MAY_BE_NONE:
        return
    if name == 'score_thr':
        checked_score_thr(value)
    expected, fits = '', True
    if name in _WHOLE:
        expected = f'a whole number from {_WHOLE[name]} on'
        fits = number and value == int(value) and value >= _WHOLE[name]
        if name in _MOST:
            expected += f' to {_MOST[name]}'
            fits = fits and value <= _MOST[name]
    elif name in _POSITIVE:
        expected = 'a number above 0'
        fits = number and 0 < value < float('inf')
    elif name in _FLAGS:
        expected, fits = 'True or False', isinstance(value, (bool, np.bool_))
    elif name in _TEXTS:
        expected, fits = 'text', isinstance(value, (str, Path))
    elif name == 'formats':
        expected = f'a list of some of {_NAMES[name]}'
        fits = not isinstance(value, str) and set(value) <= set(_NAMES[name])
    elif name in _NAMES and value is not None:
        near = difflib.get_close_matches(str(value), _NAMES[name], n=1)
        hint = f' (did you mean {near[0]}?)' if near else ''
        expected = f'one of {_NAMES[name]}{hint}'
        fits = value in _NAMES[name]
    elif name == 'image_size' and value is not None:
        expected = 'two whole numbers of pixels, width and height'
        fits = np.shape(value) == (2, ) and all(
            isinstance(side, (int, float,
                              np.number)) and side >= 1 and side == int(side)
            for side in value)
    elif name == 'track_ids' and value is not None:
        expected = 'a list of whole numbers'
        fits = not isinstance(value, (str, int)) and all(
            isinstance(i, (int, np.integer)) for i in value)
    if not fits:
        raise ValueError(f'{name} should be {expected}, got {value!r}')
