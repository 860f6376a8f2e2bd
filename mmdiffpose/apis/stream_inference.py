# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Results of a stream in one pass, with a fixed number of frames held."""

from collections import deque
from pathlib import Path
from typing import (TYPE_CHECKING, Deque, Dict, Iterator, List, NamedTuple,
                    Optional, Tuple)

import numpy as np

from mmdiffpose.detection.frame_sources import FrameSource
from mmdiffpose.detection.track_collector import people_of_frame
from mmdiffpose.lifting.streaming import StreamingLifter
from mmdiffpose.structures.lifted_track import LiftedTrack, join_tracks
from .frame_results import FrameResults
from .inference_options import InferenceOptions
from .inference_outputs import Result, frame_result, picture_sink, write_poses
from .scene_placer import ScenePlacer

if TYPE_CHECKING:
    from .inferencer import DiffusionPose3DInferencer


class _Waiting(NamedTuple):
    """A frame whose poses are not final yet."""
    frame_id: int
    image: Optional[np.ndarray]


def stream(inferencer: 'DiffusionPose3DInferencer', source: FrameSource,
           options: InferenceOptions) -> Iterator[Result]:
    """Results of a stream, each ``options.latency`` frames after its frame.

    Files are finished when the stream ends or the caller stops taking
    results, which is how most webcams end.

    Args:
        inferencer (DiffusionPose3DInferencer): Its stages are used.
        source (FrameSource): Read once.
        options (InferenceOptions): Of the call.

    Yields:
        dict: As the inferencer does.
    """
    written = _Written(source.stem, options)
    results = FrameResults([], options.axes, options.hypotheses)
    sink = picture_sink(source.stem, False, source.fps, options)
    renderer = None
    going_on = True
    try:
        for waiting, parts in _lifted_stream(inferencer, source, options):
            for part in parts:
                results.add(part)
                written.add(part)
            picture = None
            if options.pictures:
                from mmdiffpose.visualization.live_renderer import LiveRenderer
                renderer = renderer or LiveRenderer(options.panel_size)
                picture = renderer.render(waiting.image[..., ::-1],
                                          results.tracks_at(waiting.frame_id))
                going_on = sink.put(picture)
            result = frame_result(results, waiting.frame_id, options, picture)
            results.drop(waiting.frame_id)
            del waiting
            yield result
            if not going_on:
                return
    finally:
        sink.close()
        written.write()


def _lifted_stream(
        inferencer: 'DiffusionPose3DInferencer', source: FrameSource,
        options: InferenceOptions
) -> Iterator[Tuple[_Waiting, List[LiftedTrack]]]:
    """Each frame once it is final, with the people who became final."""
    stage = inferencer.pose2d
    tracker = inferencer.new_tracker(source, options)
    placer = ScenePlacer(options, source)
    buffer: Deque[_Waiting] = deque()
    lifter: Optional[StreamingLifter] = None
    parts: List[LiftedTrack] = []
    number = 0
    for frame, found in stage.run(source):
        size = frame.shape[1::-1]
        buffer.append(_Waiting(number, frame if options.pictures else None))
        del frame
        if lifter is None:
            lifter = StreamingLifter(
                inferencer.model,
                size,
                stage.skeleton,
                options.fps or source.fps,
                options.latency,
                options.fit,
                source=source.name,
                focal_length=placer.focal(size))
        ids = tracker.update(found.keypoints, found.scores)
        people = {
            person: fields
            for person, fields in people_of_frame(ids, found).items()
            if options.track_ids is None or person in options.track_ids
        }
        parts += placer.frame(lifter.push(number, people))
        if len(buffer) > options.latency:
            yield buffer.popleft(), parts
            parts = []
        number += 1
    if lifter is not None:
        parts += placer.frame(lifter.flush())
    while buffer:
        yield buffer.popleft(), parts
        parts = []


class _Written:
    """The tracks of a stream, kept for its files, where some are wanted."""

    def __init__(self, stem: str, options: InferenceOptions) -> None:
        self.stem, self.options = stem, options
        self._tracks: Dict[Optional[int], List[LiftedTrack]] = {}

    def add(self, part: LiftedTrack) -> None:
        """Take in some frames of a person."""
        if self.options.pred_out_dir:
            self._tracks.setdefault(part.track_id, []).append(part)

    def write(self) -> None:
        """Write the files."""
        if self._tracks:
            write_poses(
                [join_tracks(parts) for parts in self._tracks.values()],
                Path(self.options.pred_out_dir) / self.stem, self.options)
