# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Frame rate of motion capture clips from physics.

Seconds enter a clip of positions only through gravity. Two relations, with
all accelerations in metres per frame squared and dt = 1 / fps:

* While one foot carries the body, the ground's force acts on the foot and,
  but for changes of angular momentum, points to the centre of mass (COM):
  ``a_xy = (g dt^2 + a_z) (com - foot)_xy / (com - foot)_z``. Regressing one
  side on the other over many steps gives ``dt^2``. Noise in the regressor
  (the pressure point wanders under the foot) makes the slope too small and
  the inverse regression makes it too large, so the two bracket the rate.
* Nobody falls faster than free fall: ``a_z >= -g dt^2`` bounds the rate from
  above.
"""

from dataclasses import dataclass
from typing import Dict, List

import numpy as np
from scipy.signal import savgol_filter

GRAVITY = 9.81  # m / s^2
STANDARD_RATES = (24, 25, 30, 50, 60, 90, 100, 120, 150, 180, 200, 240)
SMOOTHING = 31  # frames of the Savitzky-Golay window
STILL, MOVING = 5e-4, 2e-3  # metres per frame
HAND_CLEARANCE = 0.55  # metres that free hands are above the standing foot

# Mass fractions and centres of mass of body segments (Winter, Biomechanics
# and Motor Control of Human Movement, 4th ed., Table 4.1): proximal joint,
# distal joint, share of the body's mass, position from the proximal joint.
_SEGMENTS = (('Hips', 'Neck', .497, .5), ('Head', 'Head', .081, 0.),
             ('LeftArm', 'LeftForeArm', .028,
              .436), ('RightArm', 'RightForeArm', .028,
                      .436), ('LeftForeArm', 'LeftHand', .022,
                              .682), ('RightForeArm', 'RightHand', .022, .682),
             ('LeftUpLeg', 'LeftLeg', .1,
              .433), ('RightUpLeg', 'RightLeg', .1,
                      .433), ('LeftLeg', 'LeftFoot', .0465,
                              .433), ('RightLeg', 'RightFoot', .0465, .433),
             ('LeftFoot', 'LeftToeBase', .0145,
              .5), ('RightFoot', 'RightToeBase', .0145, .5))


@dataclass(frozen=True)
class FrameRateEstimate:
    """What physics says about the frame rate of some clips.

    Attributes:
        high: Rate by regression of acceleration on lean, in fps (noise in
            the lean makes it too high).
        low: Rate by the inverse regression, in fps (too low).
        upper_bound: Largest rate at which no fall is faster than free fall.
        frames: Number of single-support frames used.
        standard: Standard rate closest to the middle of the bracket.
    """
    high: float
    low: float
    upper_bound: float
    frames: int
    standard: int


def center_of_mass(positions: np.ndarray, index: Dict[str, int]) -> np.ndarray:
    """COM (F, 3) of joint positions (F, J, 3) by segment masses."""
    total = sum(mass for *_, mass, _ in _SEGMENTS)
    return sum(mass / total * ((1 - share) * positions[:, index[proximal]] +
                               share * positions[:, index[distal]])
               for proximal, distal, mass, share in _SEGMENTS)


def _smooth(signal: np.ndarray, derivative: int) -> np.ndarray:
    return savgol_filter(signal, SMOOTHING, 3, deriv=derivative, axis=0)


def estimate_frame_rate(clips: List[np.ndarray],
                        index: Dict[str, int]) -> FrameRateEstimate:
    """Estimates the common frame rate of clips, z up, metres.

    Args:
        clips: Joint positions (F, J, 3) of each clip.
        index: Joint name to index.

    Returns:
        The estimate; its fields say how far to trust it.
    """
    leans: List[np.ndarray] = []
    pushes: List[np.ndarray] = []
    fall = 0.
    for clip in clips:
        com = center_of_mass(clip, index)
        acceleration = _smooth(com, 2)
        fall = max(fall, -acceleration[:, 2].min())
        speed = {
            name: np.linalg.norm(_smooth(clip[:, index[name]], 1), axis=1)
            for side in ('Left', 'Right')
            for name in (f'{side}Foot', f'{side}ToeBase', f'{side}Hand')
        }
        hands = [
            clip[:, index[f'{side}Hand'], 2] for side in ('Left', 'Right')
        ]
        for stance, swing in (('Left', 'Right'), ('Right', 'Left')):
            ankle, toe = (
                clip[:, index[f'{stance}{part}']]
                for part in ('Foot', 'ToeBase'))
            single_support = (
                (speed[f'{stance}Foot'] < STILL) &
                (speed[f'{stance}ToeBase'] < STILL) &
                (speed[f'{swing}Foot'] > MOVING) &
                (speed[f'{swing}ToeBase'] > MOVING) &
                (np.min(hands, axis=0) > ankle[:, 2] + HAND_CLEARANCE) &
                (speed['LeftHand'] > MOVING / 2) &
                (speed['RightHand'] > MOVING / 2))
            lever = com - (ankle + toe) / 2
            height = com[:, 2:] - toe[:, 2:]
            lean = lever[:, :2] / height
            push = acceleration[:, :2] - acceleration[:, 2:] * lean
            leans.append(lean[single_support].ravel())
            pushes.append(push[single_support].ravel())
    lean, push = np.concatenate(leans), np.concatenate(pushes)
    cross = (lean * push).sum()
    high = np.sqrt(GRAVITY * (lean**2).sum() / cross)
    low = np.sqrt(GRAVITY * cross / (push**2).sum())
    middle = np.sqrt(high * low)
    return FrameRateEstimate(
        high=float(high),
        low=float(low),
        upper_bound=float(np.sqrt(GRAVITY / fall)) if fall > 0 else np.inf,
        frames=len(lean) // 2,
        standard=min(STANDARD_RATES, key=lambda rate: abs(rate - middle)))
