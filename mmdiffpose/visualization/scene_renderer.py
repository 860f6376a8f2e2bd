# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of all people of a video: 2D beside one common 3D scene."""

from typing import Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.people import as_list, person_numbers
from .canvas import draw_polygon, draw_text, text_width
from .common_scene import CommonScene, ScenePerson
from .legend import draw_legend
from .palette import lighten, person_color
from .panel_row import HEADER, empty_row, label_row, panels_of
from .person_figure import draw_person
from .picture_panel import PicturePanel
from .view import SceneView

MAX_HYPOTHESES = 5
"""Per person: with several people, more would only blur."""
MAX_WIDTH = 1.8
"""Of the 3D panel, as a share of its height."""
_ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
CIRCLE = 0.2 * np.stack([np.cos(_ANGLES), 0 * _ANGLES, np.sin(_ANGLES)], -1)
"""The mark on the floor under a person, (P, 3), metres."""


class SceneRenderer:
    """Draws frames of all people; scale and layout hold for the clip.

    The picture with the 2D joints stands beside one 3D view of everybody:
    where their root trajectories say, otherwise side by side. A person's
    colour (of the trunk, the number and the mark on the floor) follows from
    the ``track_id`` alone; left and right limbs have the same colours for
    all. Hypotheses are faint skeletons; discs of two standard deviations show
    how unsure joints are, which after a calibration is more than hypotheses
    spread.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people; tracks of
            one ``track_id`` are pieces of one person's.
        size (int): Height of the panels, pixels. Defaults to 420.
        azimuth (float): Degrees that the 3D view is turned from the camera's
            towards the picture's left. Defaults to 20.
        elevation (float): Degrees from above. Defaults to 20.
    """

    def __init__(self,
                 lifted: Union[LiftedTrack, Sequence[LiftedTrack]],
                 size: int = 420,
                 azimuth: float = 20.,
                 elevation: float = 20.) -> None:
        tracks = as_list(lifted)
        self.size = size
        angle, tilt = np.deg2rad([azimuth, elevation])
        self.scene = CommonScene.fit(tracks, person_numbers(tracks), angle)
        self.picture = PicturePanel.whole(tracks[0].image_size, size)
        across, along = self.scene.reach(angle)
        shape = 2 * across / (
            self.scene.height * np.cos(tilt) + 2 * along * np.sin(tilt))
        width = int(round(size * np.clip(shape, 1, MAX_WIDTH)))
        self.view = SceneView(self.scene, (width, size), azimuth, elevation)
        self._rows: Dict[int, List[Tuple[ScenePerson, int]]] = {}
        for person in self.scene.people:
            for row, frame in enumerate(person.track.frame_ids.tolist()):
                self._rows.setdefault(frame, []).append((person, row))
        self._widths = [self.picture.width, self.view.width]
        self._frame = self._layout(tracks)

    @property
    def frame_ids(self) -> List[int]:
        """Frames with anybody in them, in order."""
        return sorted(self._rows)

    def render(self,
               frame_id: int,
               image: Optional[np.ndarray] = None) -> np.ndarray:
        """One frame of the animation.

        Args:
            frame_id (int): Number of the frame in the video; where nobody is
                in it, the scene is empty.
            image (np.ndarray, optional): The video's frame (H, W, 3), RGB.

        Returns:
            np.ndarray: (H, W, 3) uint8 RGB; H and W are even and the same for
            all frames.

        Raises:
            ValueError: If the image is of another shape than the picture that
                the 2D joints are in.
        """
        frame = self._frame.copy()
        self._draw(frame_id, image, *self._panels_of(frame))
        label_row(frame, self._label(frame_id))
        return frame

    def panels(
            self,
            frame_id: int,
            image: Optional[np.ndarray] = None
    ) -> Tuple[np.ndarray, np.ndarray]:
        """The 2D and the 3D panel of a frame; arguments as for ``render``."""
        picture, scene = self._panels_of(self._frame.copy())
        self._draw(frame_id, image, picture, scene)
        return picture, scene

    def _panels_of(self, frame: np.ndarray) -> List[np.ndarray]:
        return panels_of(frame, self.size, self._widths)

    def _draw(self, frame_id: int, image: Optional[np.ndarray],
              picture: np.ndarray, scene: np.ndarray) -> None:
        """Draw on the panels of a frame that shows nobody yet."""
        self.picture.backdrop(image, out=picture)
        # The nearest person last.
        people = sorted(
            self._rows.get(frame_id, []),
            key=lambda pair: self.view.project(pair[0].offsets[pair[1]])[2])
        for person, row in people:
            self._draw_shadow(scene, person, row)
        for person, row in people:
            self._draw_2d(picture, person, row)
            self._draw_3d(scene, person, row)

    def _draw_2d(self, panel: np.ndarray, person: ScenePerson,
                 row: int) -> None:
        track, color = person.track, person_color(person.number)
        scores = track.scores_2d[row]
        self.picture.draw_person(panel, track.keypoints_2d[row], scores,
                                 track.skeleton, color)
        if (scores > 0).any():
            points = self.picture.place(track.keypoints_2d[row][scores > 0])
            self._draw_number(panel, points, person.number)

    def _draw_3d(self, panel: np.ndarray, person: ScenePerson,
                 row: int) -> None:
        track, color = person.track, person_color(person.number)
        pose, cloud = person.pose(row), person.cloud(row, MAX_HYPOTHESES)
        std = None if track.std is None else track.std[row]
        thickness = int(np.clip(0.045 * self.view.scale, 2, self.size // 90))
        draw_person(panel, self.view, pose, cloud, track.skeleton, thickness,
                    track.scores_2d[row] > 0, std, color)
        self._draw_number(panel, self.view.project(pose), person.number)

    def _draw_shadow(self, panel: np.ndarray, person: ScenePerson,
                     row: int) -> None:
        mark = person.offsets[row] * [1, 0, 1] + CIRCLE
        color = lighten(person_color(person.number), 0.7)
        draw_polygon(panel, self.view.project(mark)[:, :2], color)

    def _draw_number(self, panel: np.ndarray, points: np.ndarray,
                     number: int) -> None:
        """The person's number over the highest of their points."""
        if len({person.number for person in self.scene.people}) == 1:
            return
        x, y = points[points[:, 1].argmin(), :2]
        text = str(number)
        position = (int(x) - text_width(text) // 2, max(14, int(y) - 9))
        draw_text(panel, text, position, color=person_color(number), rim=True)

    def _label(self, frame_id: int) -> str:
        people = self._rows.get(frame_id, [])
        label = f'frame {frame_id}'
        stds = [
            person.track.std[row] for person, row in people
            if person.track.std is not None
        ]
        if stds:
            label += f'   mean std {1000 * np.mean(stds):.0f} mm'
        return label

    def _layout(self, tracks: Sequence[LiftedTrack]) -> np.ndarray:
        """What all frames share: titles, legend and the floor."""
        title = '3D: in one scene' if self.scene.rooted else '3D'
        frame = empty_row(self.size, self._widths, ['2D: input', title])
        clouds = any(track.hypotheses is not None for track in tracks)
        spread = any(track.std is not None for track in tracks)
        draw_legend(
            frame,
            HEADER + self.size + 25,
            spread,
            clouds,
            self.view.cell,
            middle=False)
        self._panels_of(frame)[1][:] = self.view.background
        return frame
