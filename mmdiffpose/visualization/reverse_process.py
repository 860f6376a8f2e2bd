# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of the reverse process: samples closing in on the pose."""

from typing import List, Sequence

import numpy as np

from mmdiffpose.skeletons import H36M_17, Skeleton
from .canvas import blank, draw_line, draw_text, text_width
from .palette import CENTER, LEFT, RIGHT, UNSEEN, lighten
from .panel_row import FOOTER, GAP, HEADER, empty_row, fill_row
from .scene import Scene
from .stick_figure import FAINT, draw_figure, draw_hypotheses
from .view import SceneView


class ReverseProcessRenderer:
    r"""Draws :math:`\hat h_K` to :math:`\hat h_0` (DiffPose, Fig. 3).

    Args:
        states (np.ndarray): Samples at each step, (S, N, T, J, 3), metres,
            camera axes, relative to the root; from k = K to k = 0.
        steps (sequence[int]): The S values of k, decreasing to 0.
        target (np.ndarray): Ground truth, (T, J, 3), drawn in grey.
        size (int): Side of a panel, pixels. Defaults to 260.
        azimuth (float): Of the view, degrees. Depth is what is uncertain, so
            that from the side there is most to see. Defaults to 60.
        skeleton (Skeleton): J joints.

    Raises:
        ValueError: Where shapes do not fit together.
    """

    def __init__(self,
                 states: np.ndarray,
                 steps: Sequence[int],
                 target: np.ndarray,
                 size: int = 260,
                 azimuth: float = 60.,
                 skeleton: Skeleton = H36M_17) -> None:
        states, target = np.asarray(states), np.asarray(target)
        if (states.ndim != 5 or states.shape[2:] != target.shape
                or len(states) != len(steps)):
            raise ValueError(
                'expected states (S, N, T, J, 3), S steps and a target (T, J, '
                f'3), found {states.shape}, {len(steps)} steps and '
                f'{target.shape}')
        self.states, self.steps, self.target = states, list(steps), target
        self.size, self.skeleton = size, skeleton
        scene = Scene.fit(target, skeleton)
        # Room for what lies around the pose at the start, but for outliers.
        world = states[0] @ scene.rotation.T
        reach = np.linalg.norm(world[..., [0, 2]], axis=-1)
        radius = max(scene.radius, float(np.quantile(reach, 0.98)))
        self.scene = Scene(scene.rotation, radius, scene.height)
        self.view = SceneView(self.scene, size, azimuth)

    def errors_mm(self) -> np.ndarray:
        """Mean error of a single sample at each step, (S, ), mm."""
        distance = np.linalg.norm(self.states - self.target, axis=-1)
        return 1000 * distance.mean(axis=(1, 2, 3))

    def panel(self, step: int, frame: int) -> np.ndarray:
        """All samples of a frame at a step, (size, size, 3) RGB.

        Args:
            step (int): Index into ``steps``.
            frame (int): Frame of the sequence.
        """
        target, samples = self.scene.place(self.target[frame],
                                           self.states[step, :, frame])
        image = self.view.background.copy()
        draw_figure(
            image,
            self.view.project(target),
            self.skeleton,
            max(3, self.size // 80),
            seen=np.zeros(len(target), bool))
        draw_hypotheses(image, self.view.project(samples), self.skeleton)
        if self.steps[step] == 0:
            mean = self.view.project(samples.mean(axis=0))
            draw_figure(image, mean, self.skeleton, max(2, self.size // 120))
        return image

    def sheet(self, steps: Sequence[int], frames: Sequence[int]) -> np.ndarray:
        """A figure: a column per step, a row per frame, (H, W, 3) RGB."""
        columns = [self._column(step, frames) for step in steps]
        sheet = np.concatenate(columns, axis=1)
        footer = blank(FOOTER, sheet.shape[1])
        self._draw_legend(footer)
        return np.concatenate([sheet, footer])

    def animation(self,
                  frames: Sequence[int],
                  hold: int = 12) -> List[np.ndarray]:
        """Pictures of an animation from k = K to 0.

        Args:
            frames (sequence[int]): Frames of the sequence, side by side.
            hold (int): Pictures for which the end stands still.

        Returns:
            list[np.ndarray]: (H, W, 3) RGB, all of one size.
        """
        pictures = []
        for step in range(len(self.steps)):
            row = [self.panel(step, frame) for frame in frames]
            pictures.append(self._picture(step, row))
        return pictures + [pictures[-1]] * hold

    def _title(self, step: int) -> str:
        return f'k = {self.steps[step]}'

    def _column(self, step: int, frames: Sequence[int]) -> np.ndarray:
        head = blank(HEADER, self.size + GAP)
        draw_text(head, self._title(step), (8, 23))
        error = f'{self.errors_mm()[step]:.0f} mm'
        draw_text(head, error, (self.size - text_width(error), 23))
        parts = [head]
        for frame in frames:
            row = blank(self.size + GAP, self.size + GAP)
            row[:self.size, :self.size] = self.panel(step, frame)
            parts.append(row)
        return np.concatenate(parts)

    def _picture(self, step: int, panels: Sequence[np.ndarray]) -> np.ndarray:
        picture = empty_row(self.size, [self.size] * len(panels))
        draw_text(picture, self._title(step), (8, 23))
        error = f'mean error of a sample {self.errors_mm()[step]:.0f} mm'
        draw_text(picture, error, (90, 23))
        fill_row(picture, panels)
        self._draw_legend(picture[HEADER + self.size:])
        return picture

    def _draw_legend(self, image: np.ndarray) -> None:
        x, y = 12, 25
        entries = [('ground truth', UNSEEN, 4), ('left', LEFT, 3),
                   ('right', RIGHT, 3), ('mean, at k = 0', CENTER, 3)]
        for name, color, thickness in entries:
            draw_line(image, (x, y - 5), (x + 22, y - 5), color, thickness)
            draw_text(image, name, (x + 30, y))
            x += 48 + text_width(name)
        for shift in (-8, -5, -2):
            draw_line(image, (x, y + shift), (x + 22, y + shift),
                      lighten(CENTER, FAINT))
        draw_text(image, 'samples', (x + 30, y))
