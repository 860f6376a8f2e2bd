# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The people of one input, for notebooks and programs."""

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np

from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.people import as_list, by_person, person_numbers
from mmdiffpose.visualization.scene_page import page_text
from .optional_packages import needed
from .result_csv import COLUMNS, ROOT_COLUMNS
from .result_files import write_results
from .result_plots import plot_angles, plot_confidence
from .result_reading import read_results


@dataclass
class Pose3DResult:
    """What an input was lifted to.

    Attributes:
        tracks: The people's tracks; several with one ``track_id`` are pieces
            of one person's.
        frame_ids: The input's frames, also those without people.
        name: The input's, for files.
    """
    tracks: List[LiftedTrack]
    frame_ids: Sequence[int]
    name: str

    @classmethod
    def read(cls, path: Union[str, Path]) -> 'Pose3DResult':
        """What was written as JSON or npz.

        Args:
            path (str | Path): Of
                :func:`~mmdiffpose.files.result_reading.read_results`, which
                says what may be raised.
        """
        tracks = read_results(path)
        frames = sorted({i for t in tracks for i in t.frame_ids.tolist()})
        return cls(tracks, frames, Path(path).stem)

    def __len__(self) -> int:
        return len(self.frame_ids)

    @property
    def fps(self) -> Optional[float]:
        """Frames a second; None where it is not known, or nobody is there."""
        return self.tracks[0].fps if self.tracks else None

    @property
    def people(self) -> Dict[int, List[LiftedTrack]]:
        """Each person's pieces in order of time, by number."""
        return by_person(self.tracks)

    def to_dataframe(self, axes: str = 'camera') -> Any:
        """A tidy table: a row is one joint of one person in one frame.

        Args:
            axes (str): One of
                :data:`~mmdiffpose.structures.axes.AXES_NAMES`. Defaults to
                camera.

        Returns:
            pandas.DataFrame: The columns of
            :func:`~mmdiffpose.files.result_csv.write_csv`, unrounded, with
            NaN where that is empty.

        Raises:
            ImportError: If pandas is not installed.
        """
        pandas = needed('dataframe')
        rooted = any(t.root_trajectory is not None for t in self.tracks)
        columns = COLUMNS + (ROOT_COLUMNS if rooted else ())
        parts = [
            _columns(track.in_axes(axes), number, rooted)
            for number, track in zip(person_numbers(self.tracks), self.tracks)
        ]
        return pandas.DataFrame({
            name:
            np.concatenate([part[name] for part in parts]) if parts else []
            for name in columns
        })

    def to_xarray(self, axes: str = 'camera') -> Any:
        """Arrays with names, of all people and all frames.

        Args:
            axes (str): As for :meth:`to_dataframe`.

        Returns:
            xarray.Dataset: ``position`` (track, frame, joint, axis) metres
            relative to the root joint, ``score`` and, where models give it,
            ``position_std`` (track, frame, joint), ``pixel`` (track, frame,
            joint, uv), where it was solved ``root`` (track, frame, axis); NaN
            where a person is not there, and pixels of joints not seen.
            Frames are ``frame_ids``; ``time`` is a coordinate of theirs
            where it is known.

        Raises:
            ImportError: If xarray is not installed.
            ValueError: If there is nobody.
        """
        xarray = needed('xarray')
        tracks = [track.in_axes(axes) for track in as_list(self.tracks)]
        numbers = person_numbers(tracks)
        labels = sorted(set(numbers))
        frames = np.asarray(
            sorted({
                *self.frame_ids, *np.concatenate([t.frame_ids for t in tracks])
            }))
        joints = list(tracks[0].skeleton.joints)
        shape = len(labels), len(frames)
        arrays = dict(
            position=np.full((*shape, len(joints), 3), np.nan),
            score=np.full((*shape, len(joints)), np.nan),
            position_std=np.full((*shape, len(joints)), np.nan),
            pixel=np.full((*shape, len(joints), 2), np.nan),
            root=np.full((*shape, 3), np.nan))
        times = np.full(len(frames), np.nan)
        for number, track in zip(numbers, tracks):
            rows = np.searchsorted(frames, track.frame_ids)
            place = labels.index(number), rows
            arrays['position'][place] = track.keypoints_3d
            arrays['score'][place] = track.scores
            arrays['pixel'][place] = _seen_pixels(track)
            if track.std is not None:
                arrays['position_std'][place] = track.std
            if track.root_trajectory is not None:
                arrays['root'][place] = track.root_trajectory
            if track.seconds is not None:
                times[rows] = track.seconds
        dims = dict(
            position=('track', 'frame', 'joint', 'axis'),
            score=('track', 'frame', 'joint'),
            position_std=('track', 'frame', 'joint'),
            pixel=('track', 'frame', 'joint', 'uv'),
            root=('track', 'frame', 'axis'))
        known = {
            name: (dims[name], values)
            for name, values in arrays.items() if np.isfinite(values).any()
        }
        coordinates: Dict[str, Any] = dict(
            track=labels,
            frame=frames,
            joint=joints,
            axis=list('xyz'),
            uv=list('uv'))
        if np.isfinite(times).any():
            coordinates['time'] = ('frame', times)
        return xarray.Dataset(known, coordinates,
                              dict(axes=axes, unit='metre'))

    def plot_angles(self,
                    names: Optional[Sequence[str]] = None,
                    person: Optional[int] = None) -> Any:
        """Joint angles over time, with a band of two std of the hypotheses.

        Args:
            names (sequence[str], optional): Of
                :data:`~mmdiffpose.skeletons.joint_angles.JOINT_ANGLES`.
                Defaults to both knees and elbows.
            person (int, optional): Defaults to the one who is there longest.

        Returns:
            matplotlib.figure.Figure: Notebooks show it. Nothing is drawn
            where a joint was not seen, or the person was away.

        Raises:
            ValueError: If there is nobody, no such person or angle.
        """
        return plot_angles(self._person(person), names)

    def plot_confidence(self, person: Optional[int] = None) -> Any:
        """Score of each joint over time, as a picture: joints by frames.

        Args:
            person (int, optional): Defaults to the one who is there longest.

        Returns:
            matplotlib.figure.Figure: Notebooks show it.

        Raises:
            ValueError: If there is nobody, or no such person.
        """
        return plot_confidence(self._person(person))

    def _person(self, person: Optional[int]) -> List[LiftedTrack]:
        people = self.people
        if not people:
            raise ValueError(f'{self.name}: expected somebody, found nobody')
        if person is None:
            person = max(people, key=lambda n: sum(map(len, people[n])))
        if person not in people:
            raise ValueError(f'{self.name}: expected a person of '
                             f'{list(people)}, found {person}')
        return people[person]

    def show(self, height: int = 640) -> 'PageFrame':
        """The page of :func:`~mmdiffpose.visualization.scene_page.write_html`
        within a notebook, which can be turned and played there.

        Args:
            height (int): Pixels. Defaults to 640.

        Returns:
            PageFrame: What a notebook shows.

        Raises:
            ValueError: If there is nobody.
        """
        return PageFrame(page_text(self.tracks), height)

    def write(self,
              stem: Union[str, Path],
              formats: Sequence[str] = ('json', 'npz'),
              **options: Any) -> List[Path]:
        """Write files, see
        :func:`~mmdiffpose.files.result_files.write_results`.

        Args:
            stem (str | Path): Path of the files without their suffix.
            formats (sequence[str]): What to write.
            **options: The function's others.

        Returns:
            list[Path]: The files.
        """
        return write_results(self.tracks, stem, formats, **options)


@dataclass(frozen=True)
class PageFrame:
    """A page within a page.

    Attributes:
        page: HTML.
        height: Pixels.
    """
    page: str
    height: int

    def _repr_html_(self) -> str:
        """What notebooks ask for."""
        # Apart from the notebook: it can read and change nothing there.
        return (f'<iframe sandbox="allow-scripts allow-downloads" '
                f'srcdoc="{html.escape(self.page)}" style="width: 100%; '
                f'height: {self.height}px; border: 0"></iframe>')


def _seen_pixels(track: LiftedTrack) -> np.ndarray:
    """(F, J, 2), NaN for joints that were not seen."""
    seen = track.scores_2d[..., None] > 0
    return np.where(seen, track.keypoints_2d, np.nan)


def _columns(track: LiftedTrack, number: int,
             rooted: bool) -> Dict[str, np.ndarray]:
    """Columns of F * J rows by name."""
    F, J = track.scores.shape

    def each(values: Optional[np.ndarray]) -> np.ndarray:
        """A number a frame, for each of its joints."""
        return np.repeat(np.full(F, np.nan) if values is None else values, J)

    x, y, z = track.keypoints_3d.reshape(-1, 3).T
    u, v = _seen_pixels(track).reshape(-1, 2).T
    columns = dict(
        frame=each(track.frame_ids),
        time=each(track.seconds),
        track=np.full(F * J, number),
        joint=np.tile(np.array(track.skeleton.joints, object), F),
        x=x,
        y=y,
        z=z,
        std=np.full(F * J, np.nan) if track.std is None else track.std.ravel(),
        score=track.scores.ravel(),
        u=u,
        v=v)
    if rooted:
        root = track.root_trajectory
        for axis, name in enumerate(ROOT_COLUMNS):
            columns[name] = each(None if root is None else root[:, axis])
    return columns
