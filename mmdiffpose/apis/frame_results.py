# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Results frame by frame, in the layout of MMPose's inferencers."""

from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

import numpy as np
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from mmdiffpose.structures.lifted_track import LiftedTrack
from .inference_options import InferenceOptions

Result = Dict[str, Any]
"""``predictions``: a list of one frame's people; ``visualization``: a list
of one picture, or of none; ``frame_id``."""


class FrameResults:
    """People of each frame, from the tracks of a clip.

    Args:
        lifted (iterable[LiftedTrack]): Tracks; several of one person do not
            overlap.
        options (InferenceOptions): Of the call: axes, whether results hold
            hypotheses and pictures, and in which of MMPose's forms they come.
        num_joints (int): J, for frames without people. Defaults to 17.
    """

    def __init__(self,
                 lifted: Iterable[LiftedTrack],
                 options: InferenceOptions,
                 num_joints: int = 17) -> None:
        self.options = options
        self.num_joints = num_joints
        self._rows: Dict[int, List[Tuple[LiftedTrack, int]]] = {}
        for track in lifted:
            self.add(track)

    def add(self, track: LiftedTrack) -> None:
        """Take in some frames of a person."""
        for row, frame in enumerate(track.frame_ids.tolist()):
            self._rows.setdefault(frame, []).append((track, row))

    @property
    def frame_ids(self) -> List[int]:
        """Frames with people, in order."""
        return sorted(self._rows)

    def tracks_at(self, frame_id: int) -> List[Tuple[LiftedTrack, int]]:
        """The tracks of a frame's people, and which row of each it is."""
        rows = self._rows.get(frame_id, [])
        return sorted(rows, key=lambda pair: pair[0].track_id or 0)

    def result(self,
               frame_id: int,
               picture: Optional[np.ndarray] = None) -> Result:
        """A frame's people and its picture."""
        samples = self.options.return_datasamples
        people = (self.data_sample if samples else self.people)(frame_id)
        shown = picture is not None and self.options.return_vis
        return dict(
            visualization=[picture] if shown else [],
            predictions=[people],
            frame_id=frame_id)

    def drop(self, frame_id: int) -> None:
        """Forget a frame that is done."""
        self._rows.pop(frame_id, None)

    def people(self, frame_id: int) -> List[Dict[str, Any]]:
        """A frame's people as numbers and lists, ready for JSON.

        Each has ``track_id``, ``keypoints`` (J, 3) metres relative to the
        root joint, ``keypoint_scores`` (J, ), ``keypoint_std`` (J, ) metres,
        ``keypoints_2d`` (J, 2) pixels, ``keypoint_scores_2d`` (J, ), ``bbox``
        ((x1, y1, x2, y2), ) pixels, where they were asked for
        ``hypotheses`` (N, J, 3) and ``root`` (3, ) metres, and ``height``
        and its ``height_std``, metres, where it was given and everything is
        scaled by it.
        """
        people = []
        for person in self._people(frame_id):
            numbers = {
                name:
                value.tolist() if isinstance(value, np.ndarray) else value
                for name, value in person.items()
            }
            # MMPose's inferencers wrap it so, and tools that read their files
            # expect it.
            people.append(dict(numbers, bbox=(numbers['bbox'], )))
        for person, (track, _) in zip(people, self.tracks_at(frame_id)):
            if track.height is not None:
                person.update(height=track.height, height_std=track.height_std)
        return people

    def data_sample(self, frame_id: int) -> PoseDataSample:
        """The same as MMPose's structure, P people in ``pred_instances``.

        Fields have the plural names ``bboxes`` and ``track_ids`` there, and
        ``heights`` and ``height_stds``, where any was given, NaN for the
        others.
        """
        people = list(self._people(frame_id))
        sample = PoseDataSample(metainfo=dict(frame_id=frame_id))
        fields = {
            'keypoints': np.zeros((0, self.num_joints, 3), np.float32),
            'keypoint_scores': np.zeros((0, self.num_joints), np.float32)
        }
        if people:
            fields = {
                name: np.stack([person[name] for person in people])
                for name in people[0] if name not in ('bbox', 'track_id')
            }
            fields['bboxes'] = np.stack([p['bbox'] for p in people])
            fields['track_ids'] = np.array([p['track_id'] for p in people])
            tracks = [track for track, _ in self.tracks_at(frame_id)]
            if any(track.height is not None for track in tracks):
                fields['heights'] = np.array([t.height for t in tracks], float)
                fields['height_stds'] = np.array(
                    [t.height_std for t in tracks], float)
        sample.pred_instances = InstanceData(**fields)
        return sample

    def _people(self, frame_id: int) -> Iterator[Dict[str, Any]]:
        for camera, row in self.tracks_at(frame_id):
            track = camera.part(row, row + 1).in_axes(self.options.axes)
            person: Dict[str, Any] = dict(
                track_id=track.track_id or 0,
                keypoints=track.keypoints_3d[0],
                keypoint_scores=track.scores[0])
            if track.std is not None:
                person['keypoint_std'] = track.std[0]
            if track.std_xyz is not None:
                person['keypoint_std_xyz'] = track.std_xyz[0]
            person.update(
                keypoints_2d=track.keypoints_2d[0],
                keypoint_scores_2d=track.scores_2d[0],
                bbox=_box(track.keypoints_2d[0], track.scores_2d[0]))
            if self.options.hypotheses and track.hypotheses is not None:
                person['hypotheses'] = track.hypotheses[0]
            if track.root_trajectory is not None:
                person['root'] = track.root_trajectory[0]
            yield person


def _box(keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Box around the joints seen; around all where none was."""
    points = keypoints[scores > 0] if (scores > 0).any() else keypoints
    return np.concatenate([points.min(0), points.max(0)])
