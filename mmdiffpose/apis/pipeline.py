# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The one way from an input to poses, pictures and files, step by step."""

import warnings
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import (Any, Callable, Iterator, List, Optional, Sequence, Tuple,
                    Union)

import numpy as np
from torch import nn

from mmdiffpose.detection.clothes import clothes_colors
from mmdiffpose.detection.frame_sources import (FrameInputs, FrameSource,
                                                images_at, open_frames)
from mmdiffpose.detection.person_tracker import PERSON_THR
from mmdiffpose.detection.pose2d import Pose2DStage
from mmdiffpose.detection.track_collector import TrackCollector, pick_tracks
from mmdiffpose.detection.trackers import BUILTIN, PeopleTracker, make_tracker
from mmdiffpose.files.keypoint_files import (is_keypoint_input,
                                             read_keypoint_file,
                                             read_keypoint_tracks)
from mmdiffpose.files.pose3d_result import Pose3DResult
from mmdiffpose.files.result_files import write_results
from mmdiffpose.files.result_names import ResultNames, source_name
from mmdiffpose.lifting.focal_length import known_focal_length
from mmdiffpose.lifting.lift import lift_tracks
from mmdiffpose.lifting.root_trajectory import place_in_scene
from mmdiffpose.lifting.window_inference import lifter_skeleton
from mmdiffpose.structures.keypoint_track import DEFAULT_FPS, KeypointTrack
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.visualization.clip_renderer import ClipRenderer
from mmdiffpose.visualization.live_renderer import LiveRenderer
from mmdiffpose.visualization.picture_sink import PictureSink, PngWriter
from .frame_results import FrameResults, Result
from .inference_options import InferenceOptions
from .lifted_clip import LiftedClip, times_of
from .overlap import decoded, drawn_ahead
from .progress import Stages
from .stream_inference import StreamRecord, lift_stream

DETECTOR_BATCH = 8
GIF_SECONDS = 20
"""Longer clips become MP4, unless a GIF is asked for."""


class LiftingPipeline:
    """Detect, or read 2D tracks; lift; place; draw; write.

    What is lifted how, and what is written where, is decided here and
    nowhere else: the inferencers, MMPose's included, and the command line
    are ways to call :meth:`run`.

    Args:
        model (nn.Module): From
            :func:`~mmdiffpose.checkpoints.model.init_model`.
        pose2d (Pose2DStage | callable): What finds 2D joints, or what makes
            it, which is called when it is first needed.
        person_thr (float): Least mean score of a person's joints. Defaults to
            0.15.
        show_progress (bool): Whether bars and frames a second are printed.
            Defaults to False.
    """

    def __init__(self,
                 model: nn.Module,
                 pose2d: Union[Pose2DStage, Callable[[], Pose2DStage]],
                 person_thr: float = PERSON_THR,
                 show_progress: bool = False) -> None:
        self.model, self._pose2d = model, pose2d
        self.num_joints = lifter_skeleton(model).num_joints
        self.person_thr = person_thr
        self._names = ResultNames()
        self.stages = Stages(show_progress)

    @property
    def pose2d(self) -> Pose2DStage:
        """The 2D stage."""
        if not isinstance(self._pose2d, Pose2DStage):
            self._pose2d = self._pose2d()
        return self._pose2d

    def __call__(self, inputs: FrameInputs,
                 **options: Any) -> Iterator[Result]:
        """Lift everybody in an input.

        Args:
            inputs: As for :meth:`run`.
            **options: See
                :class:`~mmdiffpose.apis.inference_options.InferenceOptions`.

        Yields:
            dict: As :meth:`run` does.
        """
        yield from self.run(inputs, InferenceOptions.from_call(options))

    def run(self,
            inputs: FrameInputs,
            options: InferenceOptions = InferenceOptions(),
            files: Optional[List[Path]] = None) -> Iterator[Result]:
        """Lift everybody in an input.

        Args:
            inputs: What
                :func:`~mmdiffpose.detection.frame_sources.open_frames`
                takes, or the path of a keypoint file of
                :func:`~mmdiffpose.files.keypoint_files.read_keypoint_tracks`.
            options (InferenceOptions): Of the call.
            files (list[Path], optional): Takes in the paths of the files
                that are written.

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
        files = [] if files is None else files
        if options.keypoint_format or is_keypoint_input(inputs):
            clip = self._clip_of_file(inputs, options)
        else:
            source = open_frames(inputs, options.max_frames)
            causal = source.live if options.causal is None else options.causal
            if causal:
                source.stem = self._free_stem(source.stem, inputs, options)
                yield from self._run_stream(source, options, files)
                return
            clip = self._clip_of_frames(source, options)
        clip = self._named(clip, inputs, options)
        if not clip.lifted:
            warnings.warn(f'{clip.stem}: nobody was found in '
                          f'{len(clip.frame_ids)} frames')
        files += self.write(clip.lifted, clip.stem, options)
        results = FrameResults(clip.lifted, options, self.num_joints)
        if options.pictures and clip.lifted:
            for frame_id, picture in self.draw(clip, options, files):
                yield results.result(frame_id, picture)
            return
        if options.still and options.vis_out_dir and clip.lifted:
            files.append(self._draw_still(clip, options))
        for frame_id in clip.frame_ids:
            yield results.result(frame_id)

    def lift_clip(self, inputs: FrameInputs, **options: Any) -> Pose3DResult:
        """Lift everybody in an input that ends; write and draw nothing.

        Args:
            inputs: As for :meth:`run`, which may raise the same.
            **options: As when called; none of files and pictures.

        Returns:
            Pose3DResult: The people, also as tables.
        """
        told = InferenceOptions.from_call(options)
        if told.causal:
            raise ValueError('lift_clip lifts offline: expected no causal=')
        if told.keypoint_format or is_keypoint_input(inputs):
            clip = self._clip_of_file(inputs, told)
        else:
            clip = self._clip_of_frames(
                open_frames(inputs, told.max_frames), told)
        return Pose3DResult(clip.lifted, clip.frame_ids, clip.stem)

    def _named(self, clip: LiftedClip, inputs: Any,
               options: InferenceOptions) -> LiftedClip:
        """The clip with results of a name that no other input's have."""
        source = source_name(inputs)
        return clip._replace(
            lifted=[replace(track, source=source) for track in clip.lifted],
            stem=self._free_stem(clip.stem, inputs, options))

    def _free_stem(self, stem: str, inputs: Any,
                   options: InferenceOptions) -> str:
        told = options.pred_out_dir and {'json', 'npz'} & set(options.formats)
        free = self._names.free(
            stem,
            options.suffix,
            source_name(inputs),
            options.pred_out_dir,
            options.vis_out_dir,
            note=not told)
        if free != stem:
            warnings.warn(f'there are results of another {stem}: these are '
                          f'called {free}{options.suffix}')
        return free

    def _clip_of_file(self, path: Any,
                      options: InferenceOptions) -> LiftedClip:
        """Everybody in a keypoint file, or the one wanted."""
        if options.causal:
            raise ValueError(f'{path}: keypoint files are lifted offline, '
                             'without --causal (causal=False)')
        if options.tracker != BUILTIN:
            raise ValueError(f'{path}: a keypoint file takes no tracker')
        pictures = None
        if options.video is not None:
            pictures = open_frames(options.video)
        tracks = self.read_tracks(path, options)
        lifted = self.place(self.lift(tracks, options), options)
        frame_ids = sorted({i for t in lifted for i in t.frame_ids.tolist()})
        return LiftedClip(lifted, frame_ids,
                          Path(path).stem, pictures, tracks[0].fps
                          or DEFAULT_FPS, times_of(lifted, frame_ids))

    def _clip_of_frames(self, source: FrameSource,
                        options: InferenceOptions) -> LiftedClip:
        """Everybody in a clip."""
        if source.live and options.max_frames is None:
            raise ValueError(f'{source.name} has no end: expected causal=True '
                             'or max_frames')
        tracks, num_frames = self.detect(source, options)
        lifted = self.place(self.lift(tracks, options, source), options)
        pictures = source if source.rereadable else None
        if pictures is None and options.pictures:
            warnings.warn(f'{source.name} can be read once only: the poses '
                          'are drawn without the pictures')
        times = source.uneven_times(options.fps)
        return LiftedClip(
            lifted, range(num_frames), source.stem, pictures,
            source.rate(options.fps) or DEFAULT_FPS,
            None if times is None else times[:num_frames].tolist())

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
        tracker = self._new_tracker(source, options)
        collector = TrackCollector()
        size = (0, 0)
        with self.stages.frames('detected', source.length) as bar:
            batch = options.batch_size or DETECTOR_BATCH
            for frame, found in self.pose2d.run(decoded(source, batch), batch):
                size = (frame.shape[1], frame.shape[0])
                colors = clothes_colors(frame, *found[:2],
                                        self.pose2d.skeleton)
                del frame
                ids = tracker.update(found.keypoints, found.scores)
                collector.add(ids, found, colors)
                bar.advance()
        tracks = collector.tracks(size, self.pose2d.skeleton,
                                  source.rate(options.fps), source.name,
                                  source.uneven_times(options.fps),
                                  options.tracker == BUILTIN)
        tracks = pick_tracks(tracks, options.track_ids, source.name)
        people = 'person' if len(tracks) == 1 else 'people'
        self.stages.say(f'{source.name}: {len(tracks)} {people} in '
                        f'{collector.num_frames} frames')
        return tracks, collector.num_frames

    def _new_tracker(self, source: FrameSource,
                     options: InferenceOptions) -> PeopleTracker:
        return make_tracker(options.tracker, options.fps or source.fps,
                            self.person_thr)

    def read_tracks(
        self,
        path: Union[str, Path],
        options: InferenceOptions = InferenceOptions()
    ) -> List[KeypointTrack]:
        """The people in a keypoint file of another tool.

        Args:
            path (str | Path): A file or folder of
                :func:`~mmdiffpose.files.keypoint_files.read_keypoint_tracks`.
            options (InferenceOptions): Of the call.
        """
        if options.largest:
            tracks = [
                read_keypoint_file(
                    path,
                    options.image_size,
                    options.skeleton,
                    file_format=options.keypoint_format)
            ]
        else:
            tracks = read_keypoint_tracks(path, options.image_size,
                                          options.skeleton,
                                          options.keypoint_format)
        tracks = pick_tracks(tracks, options.track_ids, str(path))
        for track in tracks:
            if options.fps:
                track.fps, track.times = options.fps, None
            person = f', person {track.track_id}' if len(tracks) > 1 else ''
            self.stages.say(
                f'{track.source}{person}: {len(track)} frames, skeleton '
                f'{track.skeleton.name}, {track.image_size[0]} x '
                f'{track.image_size[1]} pixels')
        return tracks

    def lift(self,
             tracks: Sequence[KeypointTrack],
             options: InferenceOptions = InferenceOptions(),
             source: Optional[FrameSource] = None) -> List[LiftedTrack]:
        """Lift tracks offline.

        Args:
            tracks (sequence[KeypointTrack]): Of one clip.
            options (InferenceOptions): Of the call.
            source (FrameSource, optional): Its EXIF may tell the focal length.

        Returns:
            list[LiftedTrack]: One or several per track: long gaps split it.
        """
        if not tracks:
            return []
        focal = known_focal_length(tracks[0].image_size, options.focal_length,
                                   None if source is None else source.image)
        with self.stages.windows('lifted', sum(map(len, tracks))) as progress:
            return lift_tracks(
                self.model,
                tracks,
                overlap=options.overlap,
                batch_size=options.batch_size,
                fit=options.fit,
                progress=progress,
                focal_length=focal,
                resample=options.resample,
                score_thr=options.score_thr,
                person_height=options.person_height,
                check_units=False)  # The detector or the file was checked.

    def place(
        self,
        lifted: List[LiftedTrack],
        options: InferenceOptions = InferenceOptions()
    ) -> List[LiftedTrack]:
        """Put everybody into one scene, where the options ask for it.

        Those that can't be placed are left out, with a warning; if nobody can
        be placed, all are returned unchanged.
        """
        if not options.root_trajectory or not lifted:
            return lifted
        placed = place_in_scene(lifted, options.focal_length)
        if not placed:
            warnings.warn('where people stand is not solvable for anybody; '
                          'their poses are relative to the pelvis only')
        return placed or lifted

    def write(self, lifted: Sequence[LiftedTrack], stem: str,
              options: InferenceOptions) -> List[Path]:
        """Write a clip's poses, where the options say where to.

        Returns:
            list[Path]: The files.
        """
        if not options.pred_out_dir or not lifted:
            return []
        stem = f'{Path(options.pred_out_dir) / stem}{options.suffix}'
        told = partial(write_results, lifted, stem, say=self.stages.say)
        return sum((told([name], **options.of_format(name))
                    for name in options.formats), [])

    def draw(
        self,
        clip: LiftedClip,
        options: InferenceOptions,
        files: Optional[List[Path]] = None
    ) -> Iterator[Tuple[int, Optional[np.ndarray]]]:
        """Draw a clip, and write and show what is drawn.

        Args:
            clip (LiftedClip): The clip.
            options (InferenceOptions): Of the call.
            files (list[Path], optional): Takes in the files written.

        Yields:
            tuple[int, np.ndarray | None]: Each frame and its picture (h, w,
            3), RGB; None where nobody wants it. Ends early where the window
            is closed by the escape key.
        """
        files = [] if files is None else files
        frame_ids = clip.frame_ids
        renderer = ClipRenderer(clip.lifted, frame_ids, options.panel_size)
        path = self._animation_path(clip, options)
        times: Sequence[Optional[float]] = (
            clip.times or [None] * len(frame_ids))
        done = False
        with self.stages.frames('drawn', None) as bar, PictureSink(
                path, clip.fps, options.show, clip.stem) as sink, closing(
                    drawn_ahead(
                        renderer, clip.pictures, frame_ids, lambda number:
                        options.return_vis or sink.wants(number))) as pictures:
            try:
                for number, frame_id in enumerate(frame_ids):
                    picture, going_on = next(pictures), True
                    if picture is not None:
                        going_on = sink.put(picture, number, times[number])
                        bar.advance()
                    done = number == len(frame_ids) - 1 or not going_on
                    if done:
                        pictures.close()
                        # Who takes one result only still finds the files.
                        sink.close()
                        files += [path] if path else []
                        if options.still and options.vis_out_dir:
                            files.append(
                                self._draw_still(clip, options, renderer))
                    yield frame_id, picture
                    if not going_on:
                        return
            except (GeneratorExit, KeyboardInterrupt):
                # What was drawn so far can be played.
                if not done:
                    sink.close()
                    files += [path] if path and path.is_file() else []
                raise

    def _animation_path(self, clip: LiftedClip,
                        options: InferenceOptions) -> Optional[Path]:
        """Where the animation goes; an image's is a PNG."""
        kind, count = options.animation, len(clip.frame_ids)
        if not options.animated or (count == 1 and options.still):
            return None
        if count == 1:
            kind = 'png'
        elif kind == 'auto':
            short = count <= GIF_SECONDS * clip.fps
            kind = 'gif' if short and clip.pictures is None else 'mp4'
        return Path(options.vis_out_dir, f'{clip.stem}{options.suffix}.{kind}')

    def _draw_still(self,
                    clip: LiftedClip,
                    options: InferenceOptions,
                    renderer: Optional[ClipRenderer] = None) -> Path:
        """A picture of some frames."""
        renderer = renderer or ClipRenderer(clip.lifted, clip.frame_ids,
                                            options.panel_size)
        path = Path(options.vis_out_dir) / f'{clip.stem}{options.suffix}.png'
        images = list(images_at(clip.pictures, renderer.still_frames))
        PngWriter(path).put(renderer.still(images))
        return path

    def _run_stream(self, source: FrameSource, options: InferenceOptions,
                    files: List[Path]) -> Iterator[Result]:
        """Results of a stream, each ``options.latency`` frames late.

        Files are finished when the stream ends or the caller stops taking
        results, which is how most webcams end.
        """
        results = FrameResults([], options, self.num_joints)
        record = StreamRecord()
        renderer = LiveRenderer(options.panel_size)
        path = None
        if options.animated:
            name = f'{source.stem}{options.suffix}.mp4'
            path = Path(options.vis_out_dir) / name
        fps = options.fps or source.fps
        sink = PictureSink(path, fps or DEFAULT_FPS, options.show, source.stem)
        late = f'{options.latency} frames'
        if fps is not None:
            late += f', {1000 * options.latency / fps:.0f} ms'
        self.stages.say(f'{source.name}: poses come {late} after their frame')
        frames = lift_stream(self.model, self.pose2d,
                             self._new_tracker(source, options), source,
                             options)
        with self.stages.frames('streamed', source.length) as bar:
            try:
                for frame in frames:
                    number = frame.frame_id
                    for part in frame.lifted:
                        results.add(part)
                        if options.pred_out_dir:
                            record.add(part)
                    picture, going_on = None, True
                    if frame.image is not None:
                        picture = renderer.render(frame.image[..., ::-1],
                                                  results.tracks_at(number))
                        going_on = sink.put(picture, number, frame.seconds)
                    result = results.result(number, picture)
                    results.drop(number)
                    del frame
                    bar.advance()
                    yield result
                    if not going_on:
                        return
            finally:
                sink.close()
                files += self.write(record.tracks(), source.stem, options)
                files += [path] if path else []
