# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Which 2D joints were seen at all, in which units places and scores are."""

import warnings
from typing import Optional, Sequence, Tuple

import numpy as np

SHARES_REACH = 2.
"""Coordinates are taken as shares of the picture, 0 to 1 or -1 to 1, if nine
in ten of them lie within this; joints outside of the picture may exceed it."""
PERCENT_REACH = 105.
"""The same for percents."""
PERCENT_SIZE = 300
"""Pictures whose shorter side has fewer pixels may hold somebody within
:data:`PERCENT_REACH` pixels."""
MIN_JOINTS = 4
"""With fewer joints the unit cannot be told."""
MARGIN = 0.1
"""Share of the picture's sides by which joints may lie outside of it."""
MIN_INSIDE = 0.5
"""Share of the joints that lie within; where fewer do, they are of another
picture, or places in space."""
UNSURE_SIGHTINGS = 25
"""Sightings in a row that look like percents of the picture, or lie outside of
it, before they are refused: a person may be in a corner for a while."""
SCORE_REACH = 1.5
"""Scores are taken as they are if nine in ten lie within this: peaks of SimCC
models go a little over 1. Within ten times this they are of 0 to 10, within a
hundred times percents."""


def mark_unseen(keypoints: np.ndarray,
                scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Mark joints that were not seen in one way: by a score of 0.

    Detectors mark them in many ways: a place at (0, 0), (-1, -1) or another
    negative whole number twice, NaN or infinity as place or score, a negative
    score. Where place and score
    contradict each other the joint counts as not seen.

    Args:
        keypoints (np.ndarray): (..., J, 2), pixels.
        scores (np.ndarray): (..., J).

    Returns:
        tuple[np.ndarray, np.ndarray]: The same, of the same types; joints
        not seen at (0, 0) with scores of 0.
    """
    with np.errstate(invalid='ignore'):
        unseen = ~(scores > 0) | ~np.isfinite(scores)
        unseen |= ~np.isfinite(keypoints).all(-1)
        first = keypoints[..., 0]
        mark = (first == keypoints[..., 1]) & (first == np.floor(first))
        unseen |= mark & (first <= 0)
    return (np.where(unseen[..., None], 0, keypoints).astype(keypoints.dtype),
            np.where(unseen, 0, scores).astype(scores.dtype))


def unit_of(keypoints: np.ndarray, scores: np.ndarray,
            image_size: Sequence[int]) -> str:
    """Tell the unit of joints' coordinates from their values.

    Most of the joints decide, so that one outside of the picture changes
    nothing.

    Args:
        keypoints (np.ndarray): (..., J, 2).
        scores (np.ndarray): (..., J), 0 for a joint that was not seen.
        image_size (sequence[int]): Width and height in pixels.

    Returns:
        str: ``'pixels'``, ``'shares'`` (of the picture) or ``'percents'``.
    """
    seen = np.abs(keypoints[scores > 0])
    if len(seen) < MIN_JOINTS or max(image_size) <= 2 * SHARES_REACH:
        return 'pixels'
    bulk = float(np.quantile(seen, .9))
    if bulk <= SHARES_REACH:
        return 'shares'
    if bulk <= PERCENT_REACH and min(image_size) >= PERCENT_SIZE:
        return 'percents'
    return 'pixels'


def check_pixels(keypoints: np.ndarray, scores: np.ndarray,
                 image_size: Sequence[int], source: str) -> None:
    """Refuse coordinates that are no pixels: they would lift to wrong poses.

    Args:
        keypoints (np.ndarray): (..., J, 2).
        scores (np.ndarray): (..., J), 0 for a joint that was not seen.
        image_size (sequence[int]): Width and height in pixels.
        source (str): Where they came from, for the message.

    Raises:
        ValueError: If nearly all are shares or percents of the picture, or
            most lie outside of it.
    """
    message = _misfit(keypoints, scores, image_size)
    if message is not None:
        raise ValueError(f'{source}: {message[1]}')


def _misfit(keypoints: np.ndarray, scores: np.ndarray,
            image_size: Sequence[int]) -> Optional[Tuple[str, str]]:
    """Why coordinates are no pixels: the unit, and what to say."""
    unit = unit_of(keypoints, scores, image_size)
    expected = ('expected keypoints in pixels of a picture of '
                f'{image_size[0]} x {image_size[1]}, found')
    seen = keypoints[scores > 0]
    if unit != 'pixels':
        low, high = np.quantile(seen, [.05, .95])
        return unit, (f'{expected} nearly all between {low:.3g} and '
                      f'{high:.3g}, as {unit} of the picture')
    if len(seen) < MIN_JOINTS:
        return None
    margin = MARGIN * np.array(image_size)
    inside = ((seen >= -margin) & (seen <= image_size + margin)).all(-1)
    if inside.mean() >= MIN_INSIDE:
        return None
    low, high = (np.quantile(seen, part, axis=0) for part in (.05, .95))
    return 'outside', (
        f'{expected} {100 - 100 * inside.mean():.0f} % of them outside of it, '
        f'nearly all between x {low[0]:.4g} and {high[0]:.4g}, y {low[1]:.4g} '
        f'and {high[1]:.4g}: of another picture, or places in space')


def drop_far_outside(keypoints: np.ndarray, scores: np.ndarray,
                     image_size: Sequence[int], source: str) -> np.ndarray:
    """Scores without those of joints more than a picture's side outside.

    Some tools write a place such as (-999, -999) or (9999, 9999) for a joint
    that they did not see.

    Args:
        keypoints (np.ndarray): (..., J, 2), pixels.
        scores (np.ndarray): (..., J), 0 for a joint that was not seen.
        image_size (sequence[int]): Width and height in pixels.
        source (str): Where they came from, for the warning.

    Returns:
        np.ndarray: (..., J), 0 there; the same array where there are none.
    """
    size = np.array(image_size)
    far = ((keypoints < -size) | (keypoints > 2 * size)).any(-1) & (scores > 0)
    if not far.any():
        return scores
    warnings.warn(f'{source}: {int(far.sum())} joints lie more than a side of '
                  'the picture outside of it, such as '
                  f'{keypoints[far][0].tolist()}: they count as not seen')
    return np.where(far, 0, scores).astype(scores.dtype)


class PixelCheck:
    """Refuses what is no pixels, sighting by sighting.

    Shares of the picture at once; percents, and what lies outside of the
    picture, after :data:`UNSURE_SIGHTINGS` sightings of nothing else.
    """

    def __init__(self) -> None:
        self._unsure = 0

    def __call__(self, keypoints: np.ndarray, scores: np.ndarray,
                 image_size: Sequence[int], source: str) -> None:
        """Take in a sighting; arguments and errors of :func:`check_pixels`."""
        misfit = _misfit(keypoints, scores, image_size)
        if misfit is None:
            self._unsure = 0
            return
        unit, message = misfit
        self._unsure += unit != 'shares'
        if unit == 'shares' or self._unsure >= UNSURE_SIGHTINGS:
            raise ValueError(f'{source}: {message}')


def score_scale(scores: np.ndarray, source: str) -> float:
    """What scores have to be divided by to lie between 0 and 1.

    Most of the scores decide, so that one that is too high changes nothing.

    Args:
        scores (np.ndarray): (...) of all people of a clip; 0 for joints that
            were not seen.
        source (str): Where they came from, for the message.

    Returns:
        float: 1; 10; 100 for percents; 2 for COCO's flags (1: hidden, 2:
        visible).

    Raises:
        ValueError: If they are on no known scale.
    """
    seen = scores[scores > 0]
    bulk = float(np.quantile(seen, .9)) if seen.size else 0.
    if bulk <= SCORE_REACH:
        return 1.
    if ((seen == 1) | (seen == 2)).all():
        return 2.
    for scale in (10., 100.):
        if bulk <= SCORE_REACH * scale:
            return scale
    raise ValueError(f'{source}: expected scores from 0 to 1, 0 to 10 or in '
                     f'percent, found most of them up to {bulk:.3g}')


def scores_to_one(scores: np.ndarray, source: str) -> np.ndarray:
    """Scores of a clip on the scale from 0 to 1, with a word where they were
    on another.

    Args:
        scores (np.ndarray): See :func:`score_scale`.
        source (str): Where they came from, for messages.

    Returns:
        np.ndarray: (...), of the same type.

    Raises:
        ValueError: If they are on no known scale.
    """
    return ScoreScale(source)(scores)


class ScoreScale:
    """Brings scores to the scale from 0 to 1, frame by frame.

    The first frames decide on the scale; later ones can only show that it is
    larger. Each change is warned of.

    Args:
        source (str): Where they come from, for messages.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._scale: Optional[float] = None

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Scores (...) of a frame's people, or of a clip's, on the scale."""
        if self._scale is None or (scores > SCORE_REACH * self._scale).any():
            self._find(scores)
        if self._scale in (None, 1.):
            return scores
        return (scores / self._scale).astype(scores.dtype)

    def _find(self, scores: np.ndarray) -> None:
        if not (scores > 0).any():
            return
        scale = score_scale(scores, self.source)
        if scale > (self._scale or 1.):
            what = {
                2.: "COCO's flags",
                10.: 'from 0 to 10'
            }.get(scale, 'percents')
            warnings.warn(f'{self.source}: scores are taken as {what} and '
                          f'divided by {scale:g}')
        self._scale = max(scale, self._scale or 1.)
