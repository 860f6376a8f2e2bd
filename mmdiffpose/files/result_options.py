# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the writers of result files can be told."""

from dataclasses import dataclass
from typing import Callable, Optional

from mmdiffpose.skeletons.marker_sets import check_markers
from mmdiffpose.structures.axes import check_axes

UNITS = {'mm': 1000., 'm': 1.}
"""Units of marker files, and how many of them a metre is."""
UNSEEN = {'nan': 'NaN', 'blank': '', 'estimate': ''}
"""What stands for a joint that was not seen, by name; it is not needed for an
estimate, which is where the joint was taken to be."""


def check_unseen(unseen: str) -> None:
    """Check what stands for joints that were not seen.

    Raises:
        ValueError: If it is none of :data:`UNSEEN`.
    """
    if unseen not in UNSEEN:
        raise ValueError(f'unseen: expected one of {sorted(UNSEEN)}, found '
                         f'{unseen!r}')


def say_nothing(message: str) -> None:
    """Takes a message that nobody wants to hear."""


@dataclass(frozen=True)
class ResultOptions:
    """Options of the formats that results are written in.

    Attributes:
        axes: Of json, npz and csv, one of
            :data:`~mmdiffpose.structures.axes.AXES_NAMES`; the other formats
            have axes of their own.
        hypotheses: Whether json and npz hold the hypotheses.
        unit: Of trc and c3d, one of :data:`UNITS`; None: millimetres, or
            metres where the marker set's tool reads nothing else.
        markers: Of trc and c3d, one of
            :data:`~mmdiffpose.skeletons.marker_sets.MARKER_SETS`.
        symmetric_bones: Whether left and right bones get the mean of both
            lengths, in bvh, glb, opensim and Pose2Sim's trc.
        say: Told what a person at the command line wants to know.
        trc_unseen: What trc holds for joints that were not seen, one of
            :data:`UNSEEN`.

    Raises:
        ValueError: If there are no such axes, unit or markers, or they do
            not go together.
    """
    axes: str = 'camera'
    hypotheses: bool = False
    unit: Optional[str] = None
    markers: str = 'h36m'
    symmetric_bones: bool = False
    say: Callable[[str], None] = say_nothing
    trc_unseen: str = 'nan'

    def __post_init__(self) -> None:
        check_axes(self.axes)
        check_markers(self.markers)
        check_unseen(self.trc_unseen)
        if self.unit is not None and self.unit not in UNITS:
            raise ValueError(f'unit: expected one of {sorted(UNITS)}, found '
                             f'{self.unit!r}')
        if self.markers == 'pose2sim' and self.unit == 'mm':
            raise ValueError('unit: expected m for the markers of Pose2Sim, '
                             'which reads every number as metres, found mm')

    @property
    def marker_unit(self) -> str:
        """The unit of trc and c3d, one of :data:`UNITS`."""
        if self.unit is not None:
            return self.unit
        return 'm' if self.markers == 'pose2sim' else 'mm'
