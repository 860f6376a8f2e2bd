# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tell that somebody who comes is somebody who went.

A tracker that works frame by frame forgets people who are out of sight for
longer than a moment. With the whole clip at hand, who they were can be told
from both sides of the absence: where they went and where they come from, how
large they are, how they move, and what they wear.
"""

from dataclasses import dataclass
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from .clothes import color_distance

MAX_AWAY = 3.
"""Seconds after which nobody is taken for who they were."""
SIDE = 1.
"""Seconds on each side of an absence that size and clothes are told from."""
MOTION = 0.4
"""Seconds on each side that speed is told from."""
MAX_GROWTH = 1.15
"""Factor by which somebody's limbs may be longer or shorter afterwards."""
MIN_BONES = 3
"""Of fewer, nothing is said of somebody's size."""
WALKING = 0.3
"""Heights a second from which somebody has a direction."""
MAX_SPEED = 4.
"""Heights a second that nobody goes on at: a measured one is noise."""
SLACK, SLACK_RATE = 0.3, 0.15
"""Heights, and heights a second of absence, by which the place may be off
from where a speed between those of both sides leads."""
SAME_CLOTHES = 22.
"""Largest distance of one person's colours, see
:func:`~.clothes.color_distance`."""


@dataclass
class TrackPiece:
    """Somebody, from where a tracker found them to where it lost them.

    Attributes:
        number: The tracker's id.
        seconds: (F, ), increasing.
        keypoints: (F, K, 2) pixels.
        scores: (F, K), 0 for a joint that was not seen.
        bones: Pairs of joints whose distance does not change.
        colors: (F, 2, 3) of :func:`~.clothes.clothes_colors`; None: unknown.
    """
    number: int
    seconds: np.ndarray
    keypoints: np.ndarray
    scores: np.ndarray
    bones: Sequence[Tuple[int, int]]
    colors: Optional[np.ndarray] = None

    def __post_init__(self) -> None:
        seen = self.scores > 0
        points = np.where(seen[..., None], self.keypoints, np.nan)
        one, other = np.array(self.bones).T
        self.lengths = np.linalg.norm(
            points[:, one] - points[:, other], axis=-1)
        """(F, B) pixels, of the bones; NaN where one was not seen."""
        self.centers = np.nanmedian(points, axis=1)
        """(F, 2) pixels."""
        sides = np.nanmax(points, axis=1) - np.nanmin(points, axis=1)
        self.extents = sides.max(-1)
        """(F, ) pixels, the longer side of the joints' box: about somebody's
        height while they stand, or lie."""

    def side(self, end: bool, seconds: float) -> np.ndarray:
        """(F, ) bool, the frames near the end, or near the beginning."""
        if end:
            return self.seconds >= self.seconds[-1] - seconds
        return self.seconds <= self.seconds[0] + seconds

    def bone_lengths(self, end: bool) -> np.ndarray:
        """(B, ) pixels, as long as bones look when they lie in the picture's
        plane; NaN where a bone was not seen."""
        lengths = self.lengths[self.side(end, SIDE)]
        known = np.isfinite(lengths).any(0)
        longest = np.full(len(known), np.nan)
        longest[known] = np.nanquantile(lengths[:, known], 0.9, axis=0)
        return longest

    def height(self, end: bool) -> float:
        """Pixels. Whoever crouches for a moment is as tall as before."""
        return float(
            np.quantile(self.extents[self.side(end, SIDE)], 0.9).clip(1.))

    def velocity(self, end: bool) -> np.ndarray:
        """(2, ) pixels a second; 0 where there are too few frames."""
        rows = self.side(end, MOTION)
        times = self.seconds[rows]
        if rows.sum() < 3:
            return np.zeros(2)
        times = times - times.mean()
        return (times @ self.centers[rows]) / (times @ times)


def link_pieces(pieces: Sequence[TrackPiece]) -> Dict[int, int]:
    """Find out which pieces are of one person.

    A piece goes on with an earlier one if it begins at most :data:`MAX_AWAY`
    seconds after that one's end, and size, clothes, way and direction fit.
    Where it could as well go on with another one, or another one with what it
    would go on with, it goes on with nobody.

    Args:
        pieces (sequence[TrackPiece]): Of one clip.

    Returns:
        dict[int, int]: Number of each piece to the number of the first one of
        its person.
    """
    owner = {piece.number: piece.number for piece in pieces}
    ordered = sorted(pieces, key=lambda piece: float(piece.seconds[0]))
    # A piece goes on once.
    open_ends = list(ordered)
    for piece in ordered:
        before = [p for p in open_ends if _fits(p, piece)]
        if len(before) != 1:
            continue
        last, = before
        rivals = [
            p for p in ordered if p is not piece and p is not last
            and _fits(last, p) and p.seconds[0] <= piece.seconds[-1]
        ]
        if rivals:
            continue
        owner[piece.number] = owner[last.number]
        open_ends.remove(last)
    return owner


def _fits(before: TrackPiece, after: TrackPiece) -> bool:
    """Whether a piece may go on another one."""
    away = float(after.seconds[0] - before.seconds[-1])
    if not 0 < away <= MAX_AWAY:
        return False
    if not _same_size(before, after) or not _same_clothes(before, after):
        return False
    height = max(before.height(True), after.height(False))
    came, goes = (_limited(piece.velocity(end) / height)
                  for piece, end in ((before, True), (after, False)))
    if min(np.linalg.norm(came),
           np.linalg.norm(goes)) > WALKING and (came @ goes < 0):
        return False
    way = (after.centers[0] - before.centers[-1]) / height
    # The mean speed of the absence lies between those of its ends.
    mean = way / away
    share = 0.5
    if (goes != came).any():
        share = np.clip(
            (mean - came) @ (goes - came) / ((goes - came) @ (goes - came)), 0,
            1)
    expected = came + share * (goes - came)
    off = np.linalg.norm(mean - expected) * away
    return bool(off <= SLACK + SLACK_RATE * away)


def _same_size(before: TrackPiece, after: TrackPiece) -> bool:
    """Whether bones are about as long; not where too few are known."""
    lengths = before.bone_lengths(True), after.bone_lengths(False)
    both = np.isfinite(lengths[0]) & np.isfinite(lengths[1])
    if both.sum() < MIN_BONES:
        return False
    sizes = [float(one[both].sum()) for one in lengths]
    return max(sizes) <= MAX_GROWTH * min(sizes)


def _limited(velocity: np.ndarray) -> np.ndarray:
    speed = float(np.linalg.norm(velocity))
    return velocity * min(1., MAX_SPEED / max(speed, 1e-9))


def _same_clothes(before: TrackPiece, after: TrackPiece) -> bool:
    """Whether clothes are alike, or not known."""
    if before.colors is None or after.colors is None:
        return True
    apart = color_distance(before.colors[before.side(True, SIDE)],
                           after.colors[after.side(False, SIDE)])
    return not apart > SAME_CLOTHES
