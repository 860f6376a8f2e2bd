# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From videos, images, webcams or keypoint files to 3D poses of people."""

import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import torch
from mmengine.config import Config
from torch import nn

from mmdiffpose.checkpoints.config_names import find_config_and_weights
from mmdiffpose.checkpoints.model import init_model
from mmdiffpose.detection.frame_sources import (FrameInputs, FrameSource,
                                                is_keypoint_input, open_frames)
from mmdiffpose.detection.person_tracker import PersonTracker
from mmdiffpose.detection.pose2d import Pose2DModel, Pose2DStage
from mmdiffpose.detection.pose2d_factory import make_pose2d
from mmdiffpose.detection.track_collector import TrackCollector, pick_tracks
from mmdiffpose.files.keypoint_files import read_keypoint_tracks
from mmdiffpose.lifting.lift import LiftedTrack, lift_tracks
from mmdiffpose.structures.keypoint_track import KeypointTrack
from .frame_results import FrameResults
from .inference_options import InferenceOptions
from .inference_outputs import (DEFAULT_FPS, Result, frame_result, images_at,
                                picture_sink, write_poses)
from .progress import Stages
from .scene_placer import ScenePlacer
from .stream_inference import stream

PERSON_THR = 0.15
DETECTOR_BATCH = 8
LOST_SECONDS = 0.5
"""How long a person may be out of sight and keep their id."""


class DiffusionPose3DInferencer:
    """Lifts people in videos to 3D, in the style of MMPose's inferencers.

    Example::

        inferencer = DiffusionPose3DInferencer('diffpose')
        for result in inferencer('video.mp4', vis_out_dir='out'):
            for person in result['predictions'][0]:
                person['track_id'], person['keypoints']  # (17, 3) metres

    Offline, the default, a first pass over the input finds 2D joints and
    tracks everybody; each track is then lifted with its full past and future;
    a second pass draws. An iterator can't be read twice: its poses are drawn
    without the picture. Streaming (``causal=True``, webcams' default) does
    all in one pass with a fixed number of frames in memory. Either way no
    more is kept of a video than its tracks.

    Args:
        pose3d (str | Path | Config): The lifter's config, or its name, or a
            name or an alias of the model zoo.
        pose3d_weights (str | Path, optional): Its checkpoint. Defaults to the
            model zoo's for its names, else to random weights, with a warning.
        pose2d (str | Path | callable, optional): What finds 2D joints: the
            config or alias of an MMPose model; a
            :class:`~mmdiffpose.detection.pose2d.Pose2DModel` of one's own; or
            ``'FILE.py:NAME'``, such a class in a Python file, made with
            ``pose2d_weights``. Built when it is first needed. Defaults to
            MMPose's ``'human'``, whose weights are downloaded.
        pose2d_weights (str | Path, optional): Its checkpoint.
        det_model (str, optional): Config or alias of an MMDetection model
            that finds people, or ``'whole_image'``. Defaults to MMPose's
            choice for a model of MMPose, to none for one's own.
        det_weights (str, optional): Its checkpoint.
        det_cat_ids (int | sequence[int], optional): Its categories of people.
        device (str, optional): Defaults to a GPU where there is one.
        bbox_thr (float): Least score of a person's box. Defaults to 0.3.
        nms_thr (float): Overlap from which boxes count once. Defaults to 0.3.
        person_thr (float): Least mean score of a person's joints. Defaults to
            0.15.
        cfg_options (dict, optional): Overrides of the lifter's config.
        show_progress (bool): Whether bars and frames a second are printed.
            Defaults to False.

    Raises:
        FileNotFoundError: If a config or checkpoint is missing.
        ValueError: If they do not fit.
    """

    def __init__(self,
                 pose3d: Union[str, Path, Config],
                 pose3d_weights: Union[str, Path, None] = None,
                 pose2d: Union[str, Path, Pose2DModel, None] = None,
                 pose2d_weights: Union[str, Path, None] = None,
                 det_model: Optional[str] = None,
                 det_weights: Optional[str] = None,
                 det_cat_ids: Union[int, Sequence[int], None] = None,
                 device: Optional[str] = None,
                 bbox_thr: float = 0.3,
                 nms_thr: float = 0.3,
                 person_thr: float = PERSON_THR,
                 cfg_options: Optional[Dict[str, Any]] = None,
                 show_progress: bool = False) -> None:
        if device is None:
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        pose3d, pose3d_weights = find_config_and_weights(
            pose3d, pose3d_weights)
        if pose3d_weights is None:
            warnings.warn('no pose3d_weights: the lifter has random weights, '
                          'its poses mean nothing')
        self._assemble(
            init_model(pose3d, pose3d_weights, device, cfg_options), None,
            person_thr, show_progress)
        self._pose2d_arguments = dict(
            pose2d=pose2d,
            weights=pose2d_weights,
            device=device,
            det_model=det_model,
            det_weights=det_weights,
            det_cat_ids=det_cat_ids,
            bbox_thr=bbox_thr,
            nms_thr=nms_thr)

    def _assemble(self, model: nn.Module, pose2d: Optional[Pose2DStage],
                  person_thr: float, show_progress: bool) -> None:
        self.model, self._pose2d = model, pose2d
        self.person_thr = person_thr
        self.stages = Stages(show_progress)

    @classmethod
    def from_parts(cls,
                   model: nn.Module,
                   pose2d: Pose2DStage,
                   person_thr: float = PERSON_THR,
                   show_progress: bool = False) -> 'DiffusionPose3DInferencer':
        """An inferencer of models that are there already.

        Args:
            model (nn.Module): From
                :func:`~mmdiffpose.checkpoints.model.init_model`.
            pose2d (Pose2DStage): What finds 2D joints.
            person_thr (float): As for the class.
            show_progress (bool): As for the class.
        """
        inferencer = cls.__new__(cls)
        inferencer._assemble(model, pose2d, person_thr, show_progress)
        return inferencer

    @property
    def pose2d(self) -> Pose2DStage:
        """The 2D stage."""
        if self._pose2d is None:
            self._pose2d = make_pose2d(**self._pose2d_arguments)
        return self._pose2d

    def __call__(self, inputs: FrameInputs,
                 **options: Any) -> Iterator[Result]:
        """Lift everybody in an input.

        Args:
            inputs: What
                :func:`~mmdiffpose.detection.frame_sources.open_frames`
                takes, or the path of a keypoint file of
                :func:`~mmdiffpose.files.keypoint_files.read_keypoint_tracks`.
            **options: See
                :class:`~mmdiffpose.apis.inference_options.InferenceOptions`.

        Yields:
            dict: One result per frame, in order, also for frames without
            people: ``predictions``, a list that holds one list of people
            (see :meth:`~mmdiffpose.apis.frame_results.FrameResults.people`)
            or one ``PoseDataSample``; ``visualization``, a list that holds
            the picture (h, w, 3), RGB, where ``return_vis`` asks for it;
            ``frame_id``.

        Raises:
            FileNotFoundError: If the input does not exist.
            ValueError: If it can't be read, is empty, or an option is wrong.
        """
        chosen = InferenceOptions.from_call(options)
        if chosen.keypoint_format or is_keypoint_input(inputs):
            yield from self._from_keypoint_file(inputs, chosen)
            return
        source = open_frames(inputs, chosen.max_frames)
        causal = source.live if chosen.causal is None else chosen.causal
        if causal:
            yield from stream(self, source, chosen)
            return
        lifted, num_frames = self._lift_frames(source, chosen)
        if not source.rereadable and chosen.pictures:
            warnings.warn(f'{source.name} can be read once only: the poses '
                          'are drawn without the pictures')
        pictures = source if source.rereadable else None
        yield from self._results(lifted, range(num_frames), source.stem,
                                 chosen, pictures)

    def lift_clip(self, inputs: FrameInputs,
                  **options: Any) -> List[LiftedTrack]:
        """Lift everybody in an input offline, person by person.

        Args:
            inputs: As for :meth:`__call__`.
            **options: The same; what concerns results per frame, pictures
                and files has no effect.

        Returns:
            list[LiftedTrack]: Arrays over each person's frames; several of
            one ``track_id`` where the person was out of sight for long.
        """
        chosen = InferenceOptions.from_call(options)
        if chosen.keypoint_format or is_keypoint_input(inputs):
            return self.lift(self.read_tracks(inputs, chosen), chosen)
        source = open_frames(inputs, chosen.max_frames)
        return self._lift_frames(source, chosen)[0]

    def _lift_frames(
            self, source: FrameSource,
            options: InferenceOptions) -> Tuple[List[LiftedTrack], int]:
        """Lift frames offline; also says how many there are."""
        if source.live and options.max_frames is None:
            raise ValueError(f'{source.name} has no end: expected causal=True '
                             'or max_frames')
        tracks, num_frames = self.detect(source, options)
        return self.lift(tracks, options, source), num_frames

    def _from_keypoint_file(self, path: Union[str, Path],
                            options: InferenceOptions) -> Iterator[Result]:
        if options.causal:
            raise ValueError(f'{path}: keypoint files are lifted offline, '
                             'with causal=False')
        lifted = self.lift(self.read_tracks(path, options), options)
        frame_ids = sorted({i for t in lifted for i in t.frame_ids.tolist()})
        video = None if options.video is None else open_frames(options.video)
        yield from self._results(lifted, frame_ids,
                                 Path(path).stem, options, video)

    # ---------------------------------------------------------------- stages

    def detect(
        self,
        source: FrameSource,
        options: InferenceOptions = InferenceOptions()
    ) -> Tuple[List[KeypointTrack], int]:
        """Find and track everybody in 2D, in one pass over the frames.

        Args:
            source (FrameSource): From
                :func:`~mmdiffpose.detection.frame_sources.open_frames`.
            options (InferenceOptions): Of the call.

        Returns:
            tuple[list[KeypointTrack], int]: A track per person, and the
            number of frames.
        """
        tracker, collector = self.new_tracker(source, options), \
            TrackCollector()
        size = None
        with self.stages.frames('detected', source.length) as bar:
            for frame, found in self.pose2d.run(
                    source, options.batch_size or DETECTOR_BATCH):
                size = frame.shape[1::-1]
                del frame
                ids = tracker.update(found.keypoints, found.scores)
                collector.add(ids, found)
                bar.advance()
        fps = options.fps or source.fps
        tracks = collector.tracks(size, self.pose2d.skeleton, fps, source.name)
        return pick_tracks(tracks, options.track_ids,
                           source.name), collector.num_frames

    def read_tracks(
        self,
        path: Union[str, Path],
        options: InferenceOptions = InferenceOptions()
    ) -> List[KeypointTrack]:
        """Everybody in a keypoint file of another tool."""
        tracks = read_keypoint_tracks(path, options.image_size,
                                      options.skeleton,
                                      options.keypoint_format)
        for track in tracks:
            track.fps = options.fps or track.fps
        return pick_tracks(tracks, options.track_ids, str(path))

    def lift(self,
             tracks: Sequence[KeypointTrack],
             options: InferenceOptions = InferenceOptions(),
             source: Optional[FrameSource] = None) -> List[LiftedTrack]:
        """Lift tracks offline, and place them in one scene if asked to.

        Args:
            tracks (sequence[KeypointTrack]): Of one clip.
            options (InferenceOptions): Of the call.
            source (FrameSource, optional): Whose EXIF may tell the focal
                length.

        Returns:
            list[LiftedTrack]: One or several per track: long gaps split it.
        """
        lifted: List[LiftedTrack] = []
        placer = ScenePlacer(options, source)
        if tracks:
            with self.stages.windows('lifted', sum(map(len,
                                                       tracks))) as progress:
                lifted = lift_tracks(
                    self.model,
                    tracks,
                    overlap=options.overlap,
                    batch_size=options.batch_size,
                    fit=options.fit,
                    progress=progress,
                    focal_length=placer.focal(tracks[0].image_size))
        return placer.clip(lifted)

    def new_tracker(self, source: FrameSource,
                    options: InferenceOptions) -> PersonTracker:
        """A tracker for a clip."""
        fps = options.fps or source.fps or DEFAULT_FPS
        return PersonTracker(round(LOST_SECONDS * fps), self.person_thr)

    # --------------------------------------------------------------- results

    def _results(self, lifted: List[LiftedTrack], frame_ids: Sequence[int],
                 stem: str, options: InferenceOptions,
                 pictures: Optional[FrameSource]) -> Iterator[Result]:
        """Write the poses, then draw and hand over frame by frame."""
        if not lifted:
            warnings.warn(f'{stem}: nobody was found in {len(frame_ids)} '
                          'frames')
        if options.pred_out_dir and lifted:
            write_poses(lifted, Path(options.pred_out_dir) / stem, options)
        results = FrameResults(lifted, options.axes, options.hypotheses)
        if not (options.pictures and lifted):
            for frame_id in frame_ids:
                yield frame_result(results, frame_id, options)
            return
        from mmdiffpose.visualization.scene_renderer import SceneRenderer
        renderer = SceneRenderer(lifted, options.panel_size)
        images = images_at(pictures, frame_ids)
        with picture_sink(stem,
                          len(frame_ids) == 1, lifted[0].fps, options) as sink:
            for number, image in enumerate(images):
                frame_id = frame_ids[number]
                picture = renderer.render(frame_id, image)
                del image
                going_on = sink.put(picture)
                if number == len(frame_ids) - 1:
                    # Who takes one result only still finds the file.
                    sink.close()
                yield frame_result(results, frame_id, options, picture)
                if not going_on:
                    return
