# Copyright (c) mmdiffpose contributors. All rights reserved.
"""2D detectors that a word stands for."""

from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple, Union

from .pose2d import Pose2DModel


class DetectorArguments(NamedTuple):
    """What a detector is told.

    Attributes:
        weights: Its file; None: its default.
        variant: Which of its defaults; None: the usual one.
        device: Of torch; None: its default.
        people_weights: File of its own person detector; None: its default.
        bbox_thr: Least score of a person.
        nms_thr: Overlap from which two people are one.
    """
    weights: Union[str, Path, None] = None
    variant: Optional[str] = None
    device: Optional[str] = None
    people_weights: Union[str, Path, None] = None
    bbox_thr: float = 0.3
    nms_thr: float = 0.3


class NamedDetector(NamedTuple):
    """A detector that a word stands for.

    Attributes:
        make: Builds it.
        variants: Examples of what may stand behind a colon; empty: nothing
            may.
        licence: Of its code and its weights.
        has_people_weights: Whether it takes a file of a person detector.
    """
    make: Callable[[DetectorArguments], Pose2DModel]
    variants: Tuple[str, ...]
    licence: str
    has_people_weights: bool = False


def _named(**values: Any) -> Dict[str, Any]:
    """Arguments that are given; the class knows the others."""
    return {name: value for name, value in values.items() if value is not None}


def _rtmlib(told: DetectorArguments) -> Pose2DModel:
    from .pose2d_rtmlib import RtmlibPose2D
    return RtmlibPose2D(**_named(
        weights=told.weights,
        mode=told.variant,
        people_weights=told.people_weights,
        device=told.device,
        bbox_thr=told.bbox_thr,
        nms_thr=told.nms_thr))


def _mediapipe(told: DetectorArguments) -> Pose2DModel:
    from .pose2d_mediapipe import MediaPipePose2D
    return MediaPipePose2D(
        **_named(weights=told.weights, variant=told.variant))


def _ultralytics(told: DetectorArguments) -> Pose2DModel:
    from .pose2d_ultralytics import UltralyticsPose2D
    return UltralyticsPose2D(**_named(
        weights=told.weights,
        model=told.variant,
        device=told.device,
        bbox_thr=told.bbox_thr))


def _movenet(told: DetectorArguments) -> Pose2DModel:
    from .pose2d_movenet import MoveNet
    if told.weights is None:
        raise ValueError('movenet: expected an ONNX file of MoveNet '
                         'SinglePose as weights (--pose2d-weights): none is '
                         'published as one')
    return MoveNet(told.weights)


NAMED_DETECTORS: Dict[str, NamedDetector] = dict(
    rtmlib=NamedDetector(_rtmlib, ('lightweight', 'balanced', 'performance'),
                         'Apache-2.0', True),
    mediapipe=NamedDetector(_mediapipe, ('lite', 'full', 'heavy'),
                            'Apache-2.0'),
    ultralytics=NamedDetector(_ultralytics, ('yolo11n-pose', 'yolo26n-pose'),
                              'AGPL-3.0'),
    movenet=NamedDetector(_movenet, (), 'Apache-2.0'))
"""Word to detector; a new one is a function and an entry here."""


def find_detector(name: str) -> Optional[Tuple[str, Optional[str]]]:
    """The detector and the variant that ``NAME`` or ``NAME:VARIANT`` mean.

    Args:
        name (str): In any case.

    Returns:
        tuple[str, str | None] | None: A key of :data:`NAMED_DETECTORS`, and
        what stands behind a colon; None for other names.
    """
    word, colon, variant = str(name).partition(':')
    if word.lower() not in NAMED_DETECTORS:
        return None
    return word.lower(), variant if colon else None


def make_named_detector(name: str, told: DetectorArguments,
                        boxes: bool) -> Pose2DModel:
    """Build a detector that a word stands for.

    Args:
        name (str): Of :func:`find_detector`.
        told (DetectorArguments): What it is told; the name's variant counts.
        boxes (bool): Whether somebody else finds people for it.

    Raises:
        ImportError: If its package is not installed.
        FileNotFoundError: If a file is missing.
        ValueError: If it is told what it does not know, or finds people
            itself although somebody else does.
    """
    found = find_detector(name)
    assert found is not None, name
    word, variant = found
    detector = NAMED_DETECTORS[word]
    if variant is not None and not detector.variants:
        raise ValueError(f'{word}: expected the word alone, found {name}')
    if variant is not None and told.weights is not None:
        raise ValueError(f'{name}: expected a variant or weights, found '
                         f'both ({told.weights})')
    if told.people_weights is not None and not boxes and (
            not detector.has_people_weights):
        raise ValueError(f'{word}: expected no weights of a person detector '
                         f'(det_weights), found {told.people_weights}')
    model = detector.make(told._replace(variant=variant))
    if boxes and getattr(model, 'finds_people', False):
        raise ValueError(f'{word} finds people itself: expected no person '
                         'detector (--det-model), found one')
    return model
