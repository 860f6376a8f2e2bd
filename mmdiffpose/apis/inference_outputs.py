# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the inferencer hands over for each frame, and where pictures go."""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

import numpy as np

from mmdiffpose.detection.frame_sources import FrameSource
from mmdiffpose.files.result_files import write_results
from mmdiffpose.structures.lifted_track import LiftedTrack
from .frame_results import FrameResults
from .inference_options import InferenceOptions
from .picture_sink import PictureSink

DEFAULT_FPS = 30.
"""Of inputs that do not say it."""

Result = Dict[str, Any]
"""``predictions``: a list of one frame's people; ``visualization``: a list
of one picture, or of none; ``frame_id``."""


def frame_result(results: FrameResults,
                 frame_id: int,
                 options: InferenceOptions,
                 picture: Optional[np.ndarray] = None) -> Result:
    """One frame's result in MMPose's layout."""
    predictions = results.data_sample(
        frame_id) if options.return_datasamples else results.people(frame_id)
    shown = [picture] if options.return_vis and picture is not None else []
    return dict(
        visualization=shown, predictions=[predictions], frame_id=frame_id)


def write_poses(lifted: Sequence[LiftedTrack], stem: Union[str, Path],
                options: InferenceOptions) -> List[Path]:
    """Write a clip's poses; npz holds the hypotheses in any case."""
    paths: List[Path] = []
    for name in options.formats:
        paths += write_results(lifted, stem, (name, ), options.axes,
                               options.hypotheses or name == 'npz')
    return paths


def picture_sink(stem: str, single: bool, fps: Optional[float],
                 options: InferenceOptions) -> PictureSink:
    """Where a clip's pictures go."""
    path = None
    if options.vis_out_dir:
        name = f'{stem}.{"png" if single else "mp4"}'
        path = Path(options.vis_out_dir) / name
    return PictureSink(path, options.fps or fps or DEFAULT_FPS, options.show,
                       stem)


def images_at(source: Optional[FrameSource],
              frame_ids: Sequence[int]) -> Iterator[Optional[np.ndarray]]:
    """Pictures of frames, RGB; None where there is none."""
    frames = iter(()) if source is None else iter(source)
    position = -1
    for frame_id in frame_ids:
        image = None
        while position < frame_id:
            image = next(frames, None)
            position += 1
        yield None if image is None else image[..., ::-1]
        del image
