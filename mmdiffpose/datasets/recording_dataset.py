# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Own recordings, without a class of one's own."""

from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from mmdiffpose.registry import DATASETS
from .recordings.recording_file import (read_recording, read_skeleton,
                                        recording_metainfo)
from .windows.lifting_dataset import LiftingDataset, check_names
from .windows.sequence import PoseSequence

Files = Union[str, Sequence[str]]


@DATASETS.register_module()
class RecordingDataset(LiftingDataset):
    """Windows of recording files.

    A file is what
    :mod:`~mmdiffpose.datasets.recordings.recording_file` describes; names of
    joints, bones, root and left and right are the file's. Splits are by
    person: ``subjects=['Ann', 'Bo']`` for training, others for validation.

    Args:
        ann_file: A recording file, or several of the same joints.
        actions: Only these actions, by exact name. Defaults to all.
        cameras: Only these cameras, by exact name. Defaults to all.
        data_root: Folder that relative names of files start at.
        **kwargs: Arguments of
            :class:`~mmdiffpose.datasets.windows.lifting_dataset.LiftingDataset`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file is broken, or files differ in their joints.
    """

    def __init__(self,
                 ann_file: Files,
                 *args: Any,
                 actions: Optional[Sequence[str]] = None,
                 cameras: Optional[Sequence[str]] = None,
                 data_root: Optional[str] = None,
                 **kwargs: Any) -> None:
        self._filters = {
            name: None if names is None else check_names(f'{name}s', names)
            for name, names in dict(action=actions, camera=cameras).items()
        }
        self._files = _paths(ann_file, data_root)
        kwargs['metainfo'] = {
            **_metainfo(self._files),
            **(kwargs.get('metainfo') or {})
        }
        super().__init__(*args, **kwargs)

    @classmethod
    def metainfo_of(cls, dataset: Mapping[str, Any]) -> Dict[str, Any]:
        """What a config of this data set says of its joints."""
        files = _paths(dataset['ann_file'], dataset.get('data_root'))
        return {**_metainfo(files), **(dataset.get('metainfo') or {})}

    def load_sequences(self) -> List[PoseSequence]:
        """Read the files; one sequence a clip and camera."""
        sequences: List[PoseSequence] = []
        for path in self._files:
            sequences += read_recording(path).sequences
        for name, wanted in self._filters.items():
            if wanted is None:
                continue
            known = {getattr(sequence, name) for sequence in sequences}
            unknown = sorted(set(wanted) - known)
            if unknown:
                raise ValueError(f'{self._files[0]} has no {name} {unknown}; '
                                 f'it has {sorted(known)}')
            sequences = [s for s in sequences if getattr(s, name) in wanted]
        return sequences


def _paths(ann_file: Files, data_root: Optional[str]) -> List[Path]:
    files = [ann_file] if isinstance(ann_file, str) else list(ann_file)
    if not files:
        raise ValueError('ann_file: expected a recording file, found none')
    return [Path(data_root or '') / file for file in files]


def _metainfo(files: Sequence[Path]) -> Dict[str, Any]:
    """Parsed METAINFO of the files, which share their joints."""
    (first, fps), *others = [read_skeleton(path) for path in files]
    for path, (skeleton, other_fps) in zip(files[1:], others):
        if not skeleton.same_joints(first) or other_fps != fps:
            raise ValueError(
                f'{path} has the joints {list(skeleton.joints)} at '
                f'{other_fps:g} frames a second, {files[0]} has '
                f'{list(first.joints)} at {fps:g} (or another root, other '
                'bones, left and right)')
    return recording_metainfo(files[0])
