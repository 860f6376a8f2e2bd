# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Packages that only some formats need, and what those formats cannot do."""

from typing import Any, Dict, Iterable, Sequence

from mmdiffpose.optional_imports import C3D, Requirement, import_for
from mmdiffpose.structures.lifted_track import LiftedTrack

REQUIREMENTS: Dict[str, Requirement] = dict(
    c3d=C3D,
    bvh=Requirement('pybvh', 'pybvh', 'bvh'),
    glb=Requirement('pygltflib', 'pygltflib', 'glb'),
    rrd=Requirement('rerun-sdk', 'rerun', 'rerun'),
    dataframe=Requirement('pandas', 'pandas', 'tables'),
    xarray=Requirement('xarray', 'xarray', 'tables'))
"""Formats of results that need another package; the last two are those of
:class:`~mmdiffpose.files.pose3d_result.Pose3DResult`."""


def needed(name: str) -> Any:
    """Import what a format needs.

    Args:
        name (str): One of :data:`REQUIREMENTS`.

    Returns:
        module: The module.

    Raises:
        ImportError: If it is not there; says how to install it.
    """
    return import_for(f'the format {name}', REQUIREMENTS[name])


def check_packages(formats: Iterable[str]) -> None:
    """See that the packages of some formats are there.

    Raises:
        ImportError: If one is not; says how to install it.
    """
    for name in formats:
        if name in REQUIREMENTS:
            needed(name)


def needs_fps(tracks: Sequence[LiftedTrack], name: str) -> float:
    """The frame rate of a video, for a format without times.

    Args:
        tracks (sequence[LiftedTrack]): Of one video.
        name (str): Of the format.

    Raises:
        ValueError: If it is not known.
    """
    fps = tracks[0].fps
    if fps is None:
        raise ValueError(
            f'{name}: expected a known frame rate, found none: its frames '
            'have no times of their own; give fps= (--fps)')
    return fps
