# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Motions of the package's own mocap-mini, as a file of world motions."""

from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini
from mmdiffpose.datasets.world_motions import make_motions, write_motions


def write_mini_motions(path, number=1):
    """The first clips of mocap-mini, subjects ``mini/S1`` and so on."""
    write_motions(
        path,
        make_motions([
            dict(
                positions=clip.positions,
                fps=50.,
                subject=clip.subject,
                action=clip.action,
                clip=f'{clip.action}_{i}',
                source='mini')
            for i, clip in enumerate(load_mocap_mini()[0][:number])
        ]))
    return str(path)
