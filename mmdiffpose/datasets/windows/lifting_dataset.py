# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Windows of 2D tracks with 3D targets, each array held once."""

import copy
from typing import (Any, Callable, Dict, List, Mapping, Optional, Sequence,
                    Union)

import numpy as np
from mmengine.dataset import BaseDataset
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from mmdiffpose.datasets.annotation_files.image_names import Track, image_names
from mmdiffpose.datasets.transforms.occlusion import occlusion_step
from mmdiffpose.registry import DATASETS, TRANSFORMS, quick_step
from mmdiffpose.skeletons import Skeleton, skeleton_from_metainfo
from .clip_windows import clip_windows
from .h36m_metainfo import H36M_METAINFO
from .pipeline_joints import fill_pipeline, fill_step
from .projection_check import check_projections
from .sequence import PoseSequence
from .stated_metainfo import read_metainfo

__all__ = ['LiftingDataset', 'PoseSequence']

_SAMPLE_METAINFO = ('dataset_name', 'dataset_keypoint_weights', 'flip_indices',
                    'flip_pairs', 'num_keypoints', 'skeleton_links',
                    'stats_info', 'upper_body_ids', 'lower_body_ids')


def check_names(argument: str, names: Sequence[str]) -> List[str]:
    """Names of a filter as a list.

    Raises:
        ValueError: If there is none, or a single string, which would be taken
            for a list of letters.
    """
    if isinstance(names, str) or not names:
        raise ValueError(f'{argument} must be a list of names, got {names!r}')
    return list(names)


@DATASETS.register_module()
class LiftingDataset(BaseDataset):
    """Base of all lifting data sets: sequences in memory, windows on demand.

    A subclass overrides :meth:`load_sequences`. Joints that a sequence says
    are unknown (:class:`PoseSequence`) are neither trained on nor scored, and
    windows that have nothing else are left out. Arrays are held once and a
    sample copies its own window only, so memory grows with frames, whatever
    ``seq_len`` and ``stride`` are. Workers that are forked share the arrays;
    spawned workers each hold one copy.

    Args:
        seq_len: Frames T of a window.
        stride: Frames between the starts of consecutive windows. Defaults to
            ``seq_len`` in test mode and to 1 otherwise.
        clip_end: What the last window of a clip does where the clip's length
            doesn't fit. ``'overlap'``: it moves back and overlaps the one
            before; ``'pad'``: it keeps its place and repeats the last frame.
            Clips shorter than ``seq_len`` repeat it either way. Padded
            frames have ``valid_frames=False``.
        causal: Whether a frame may be predicted from its past only. Non-causal
            windows score every frame in the window that it is most central
            in. Causal windows end with the frames that they score, begin
            before the clip where necessary (repeating the first frame), and
            in test mode ``stride`` defaults to 1: each frame is the last of
            its own window. In training the flag changes nothing.
        random_phase: Whether training windows start anywhere within a stride
            of their place, drawn anew each time from NumPy's global
            generator (which MMEngine seeds per worker).
        max_sequences: Use only that many sequences, evenly spaced; for tests
            and trials.
        subjects: Use only these people, by exact name, for splits by person.
            Defaults to all.
        occlusion: 2D joints that go missing: a pattern's name, or a dict with
            ``pattern`` and further arguments of
            :class:`~mmdiffpose.datasets.transforms.Occlusion`; ``'noise'``
            for :class:`~mmdiffpose.datasets.transforms.KeypointNoise`. Comes
            right before the pipeline's ``TurnToPerson`` or, without one,
            ``GenerateTarget``. In test mode
            each window has its own mask, always the same (``seed=0``);
            otherwise another at each visit. None or ``'none'`` leaves the
            pipeline as it is.
        metainfo: Instead of the class's METAINFO: another one, or
            ``dict(from_file=...)``, as in MMPose; or overrides of what MMPose
            makes of the class's.
        indices: Use only these windows, or the first so many.
        pipeline: Transforms.
        test_mode: Every frame of every clip is valid in exactly one window.
        lazy_init: Whether to load on first use instead of at once.
        score_unseen: Whether frames in which no joint was seen in 2D are
            trained on and scored like all others. Defaults to False: they
            are context only. (A joint that was not seen in a frame where
            others were is scored either way: to guess it is a lifter's
            task.)
        max_refetch: Times that training draws another sample when the
            pipeline returns None.
        ann_file: Recorded for MMEngine; unused here.
        data_root: Recorded for MMEngine; unused here.

    Raises:
        ValueError: If an argument or an array is not what it should be.
        TypeError: If there is an unknown argument.
    """

    METAINFO: dict = H36M_METAINFO
    CHECK_PROJECTION: bool = True
    """Whether 2D keypoints are held against the projected 3D poses at loading;
    see :func:`~.projection_check.check_projections`."""

    _fully_initialized: bool

    def __init__(self,
                 seq_len: int,
                 stride: Optional[int] = None,
                 clip_end: str = 'overlap',
                 causal: bool = False,
                 random_phase: bool = False,
                 max_sequences: Optional[int] = None,
                 occlusion: Union[None, str, Mapping[str, Any]] = None,
                 metainfo: Optional[dict] = None,
                 indices: Optional[Union[int, Sequence[int]]] = None,
                 pipeline: Sequence[Union[dict, Callable]] = (),
                 test_mode: bool = False,
                 lazy_init: bool = False,
                 subjects: Optional[Sequence[str]] = None,
                 score_unseen: bool = False,
                 max_refetch: int = 1000,
                 ann_file: str = '',
                 data_root: str = '') -> None:
        if random_phase and test_mode:
            raise ValueError('random_phase is for training: with it a test '
                             'would miss frames')
        for name, value in (('seq_len', seq_len), ('stride', stride),
                            ('max_sequences', max_sequences)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f'{name}: expected a positive int, found '
                                 f'{value!r}')
        if stride is None:
            stride = 1 if causal or not test_mode else seq_len
        if test_mode and stride > seq_len:
            raise ValueError(
                f'stride {stride} is larger than seq_len {seq_len}: a test '
                'would miss frames')
        self.seq_len = seq_len
        self.stride = stride
        self.score_unseen = score_unseen
        self._subjects = None if subjects is None else check_names(
            'subjects', subjects)
        self.clip_end = clip_end
        self.causal = causal
        self.random_phase = random_phase
        self.max_sequences = max_sequences
        self.sequences: List[PoseSequence] = []
        # One row per window: sequence, first frame, first and one past the
        # last frame that counts. An array, because a list of objects would
        # outweigh the data where windows are many.
        self.windows = np.zeros((0, 4), np.int32)
        parsed = self._load_metainfo(metainfo)
        pipeline, root = fill_pipeline(pipeline, parsed, type(self).__name__)
        if root is not None:
            parsed['root_index'] = root
            metainfo = {**(metainfo or {}), 'root_index': root}
        super().__init__(
            ann_file=ann_file,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix={},
            indices=indices,
            serialize_data=False,
            pipeline=self._build_pipeline(pipeline, occlusion, test_mode,
                                          parsed),
            test_mode=test_mode,
            lazy_init=lazy_init,
            max_refetch=max_refetch)

    @staticmethod
    def _build_pipeline(pipeline: Sequence[Union[dict, Callable]],
                        occlusion: Union[None, str,
                                         Mapping[str, Any]], test_mode: bool,
                        metainfo: Mapping[str, Any]) -> List[Callable]:
        # In our registry, so that our names are found even where no default
        # scope is set.
        steps = [
            TRANSFORMS.build(quick_step(step))
            if isinstance(step, dict) else step for step in pipeline
        ]
        extra = occlusion_step(occlusion, seed=0 if test_mode else None)
        if extra is not None:
            fill_step(extra, metainfo)
            # What is missing must not show in how the person is turned.
            last = ('TurnToPerson', 'GenerateTarget')
            place = next((i for i, step in enumerate(steps)
                          if type(step).__name__ in last), len(steps))
            steps.insert(place, TRANSFORMS.build(extra))
        return steps

    def load_sequences(self) -> List[PoseSequence]:
        """Loads the sequences; subclasses override this."""
        raise NotImplementedError(
            f'{type(self).__name__} must override load_sequences()')

    @classmethod
    def _load_metainfo(cls, metainfo: Optional[dict] = None) -> dict:
        """Joint set and its statistics as MMPose parses them."""
        given = dict(metainfo or {})
        own = read_metainfo(cls.METAINFO)
        if 'from_file' in given or 'keypoint_info' in given:
            own, given = read_metainfo(given), {}
        parsed = parse_pose_metainfo(copy.deepcopy(own))
        parsed['num_keypoints'] = len(parsed['keypoint_id2name'])
        # MMPose's parser drops them.
        parsed.update({k: own[k] for k in ('root_joint', 'fps') if k in own})
        parsed.update(given)
        return parsed

    @classmethod
    def metainfo_of(cls, config: Mapping[str, Any]) -> dict:
        """Metainfo of a data set with such a config, without building it.

        Args:
            config (Mapping): Arguments of the class, ``metainfo`` among them.
        """
        return cls._load_metainfo(copy.deepcopy(config.get('metainfo')))

    @property
    def skeleton(self) -> Skeleton:
        """The joints with their bones, root and mirror.

        Raises:
            ValueError: Where neither METAINFO, nor a codec, nor the joints'
                names say which is the root.
        """
        return skeleton_from_metainfo(self._metainfo)

    def full_init(self) -> None:
        """Loads and checks the sequences and lays out the windows."""
        if self._fully_initialized:
            return
        sequences = self.load_sequences()
        if not sequences:
            raise ValueError(f'{type(self).__name__} has no sequences')
        if self._subjects is not None:
            sequences = self._of_subjects(sequences, self._subjects)
        if self.max_sequences is not None:
            keep = np.linspace(0,
                               len(sequences) - 1,
                               min(self.max_sequences,
                                   len(sequences))).round().astype(int)
            sequences = [sequences[i] for i in keep]
        for sequence in sequences:
            sequence.validate(self._metainfo['num_keypoints'])
            if not self.score_unseen:
                sequence.forget_unseen_frames()
        self.sequences = sequences
        if self.CHECK_PROJECTION:
            check_projections(sequences, self._metainfo.get('flip_indices'))
        rows = [
            clip_windows(
                len(sequence),
                self.seq_len,
                self.stride,
                clip_end=self.clip_end,
                causal=self.causal and self.test_mode,
                once=self.test_mode) for sequence in sequences
        ]
        numbers = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
        self.windows = np.column_stack([numbers,
                                        np.concatenate(rows)]).astype(np.int32)
        self.windows = self.windows[self._any_known(self.windows)]
        if not len(self.windows):
            raise ValueError(
                f'{type(self).__name__}: no frame has a known 3D pose and a '
                'joint that was seen in 2D, so that there is nothing to '
                f'{"score" if self.test_mode else "train on"}')
        if self._indices is not None:
            self.windows = self._pick(self._indices)
        self._fully_initialized = True

    def _of_subjects(self, sequences: Sequence[PoseSequence],
                     subjects: Sequence[str]) -> List[PoseSequence]:
        known = {sequence.subject for sequence in sequences}
        unknown = sorted(set(subjects) - known)
        if unknown:
            raise ValueError(f'{type(self).__name__} has no subject {unknown}'
                             f'; it has {sorted(known)}')
        return [s for s in sequences if s.subject in subjects]

    def _any_known(self, windows: np.ndarray) -> np.ndarray:
        """Which windows (W, 4) have a frame that can be scored, or, in
        training, trained on."""
        keep = np.ones(len(windows), bool)
        for number, sequence in enumerate(self.sequences):
            if sequence.visible is None:
                continue
            rows = np.flatnonzero(windows[:, 0] == number)
            count = np.append(0, np.cumsum(sequence.visible.any(axis=1)))
            first, last = windows[rows, 2:].clip(0, len(sequence)).T
            keep[rows] = count[last] > count[first]
        return keep

    def __len__(self) -> int:
        """Number of windows."""
        self.full_init()
        return len(self.windows)

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """One window.

        Args:
            idx: Index of the window.

        Returns:
            The sample; its arrays are copies that a pipeline may change.
        """
        self.full_init()
        number, start, valid_from, valid_to = self.windows[idx].tolist()
        sequence = self.sequences[number]
        if self.random_phase and len(sequence) > self.seq_len:
            low = max(0, start - self.stride // 2)
            high = min(len(sequence) - self.seq_len, low + self.stride - 1)
            start = np.random.randint(min(low, high), high + 1)
            valid_from, valid_to = start, start + self.seq_len
        places = np.arange(start, start + self.seq_len)
        frames = places.clip(0, len(sequence) - 1)
        valid = (places >= valid_from) & (places < valid_to)
        if sequence.visible is None:
            visible = np.ones((self.seq_len, self._metainfo['num_keypoints']),
                              np.float32)
        else:
            visible = sequence.visible[frames]
            valid &= visible.any(axis=1)
        track = Track(sequence.subject, sequence.clip, sequence.camera)
        names = image_names(track, frames + 1)
        sample = dict(
            keypoints=sequence.keypoints_2d[frames],
            keypoints_visible=sequence.scores[frames],
            lifting_target=sequence.keypoints_3d[frames],
            lifting_target_visible=visible,
            valid_frames=valid,
            frame_ids=frames,
            camera_param=sequence.copy_camera_param(),
            subject=sequence.subject,
            action=sequence.action,
            camera=sequence.camera,
            clip=sequence.clip,
            target_img_path=names,
            img_paths=names,
            id=idx,
            category_id=1,
            sample_idx=idx)
        if sequence.mixtures is not None:
            sample['keypoint_mixtures'] = sequence.mixtures[frames]
        for key in _SAMPLE_METAINFO:
            if key in self._metainfo:  # its property copies it all, slowly
                sample[key] = copy.copy(self._metainfo[key])
        return sample

    def _pick(self, indices: Union[int, Sequence[int]]) -> np.ndarray:
        if isinstance(indices, int):
            return (self.windows[:indices]
                    if indices >= 0 else self.windows[indices:])
        return self.windows[list(indices)]

    def get_subset_(self, indices: Union[int, Sequence[int]]) -> None:
        """Keeps only these windows, or the first (last, if negative) n."""
        self.full_init()
        self.windows = self._pick(indices)

    def get_subset(self, indices: Union[int,
                                        Sequence[int]]) -> 'LiftingDataset':
        """A data set of these windows that shares this one's arrays."""
        self.full_init()
        subset = copy.copy(self)
        subset.get_subset_(indices)
        return subset
