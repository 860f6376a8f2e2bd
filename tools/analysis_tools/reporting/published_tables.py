# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The tables of what the papers report."""

from typing import List, Optional, Sequence

from .markdown import markdown_table
from .published import (DIFFHPE, HUMAN36M, MPI_INF_3DHP, OCCLUSIONS,
                        OCCLUSIONS_COMMAND, PublishedFigure)
from .rows import number

INTRODUCTION = (
    '### What the papers report\n\nReported by the papers, **not reproduced '
    'here**: neither Human3.6M nor MPI-INF-3DHP was at hand. Beside each '
    'figure is the command that would, with [the data](data.md) in place. '
    'MPJPE, P-MPJPE, symmetry gap and segment std in mm, on Human3.6M means '
    'over its 15 actions. Real cameras, real people, real detections: not '
    'comparable with the tables above.')
COMMAND_HEADER = 'not reproduced here; the command that would'


def papers_tables() -> str:
    """All of it, with a heading."""
    human36m = _table(
        ('Human3.6M', 'MPJPE', 'P-MPJPE', 'symmetry gap', 'segment std'),
        HUMAN36M, ('mpjpe', 'p_mpjpe', 'symmetry', 'segment_std'))
    inf_3dhp = _table(('MPI-INF-3DHP', 'PCK', 'AUC', 'MPJPE'), MPI_INF_3DHP,
                      ('pck', 'auc', 'mpjpe'))
    occlusions = markdown_table(
        ('Human3.6M, MPJPE', 'MixSTE', 'DiffHPE-Wrapper on a MixSTE trained '
         'without occlusions', 'on one trained with them'),
        [[name, *(number(value, 1) for value in values)]
         for name, *values in OCCLUSIONS])
    return '\n\n'.join([
        INTRODUCTION, human36m, inf_3dhp,
        'With 2D joints missing in training and test alike (reported by '
        f'{DIFFHPE}, Table 4, not reproduced here; '
        f'`{OCCLUSIONS_COMMAND}` would):', occlusions
    ])


def _table(header: Sequence[str], figures: List[PublishedFigure],
           fields: Sequence[str]) -> str:
    return markdown_table(
        (header[0], '2D', 'frames', *header[1:], 'reported by',
         COMMAND_HEADER), [[
             figure.method, figure.keypoints,
             _frames(figure.frames), *(number(getattr(figure, field), 1)
                                       for field in fields), figure.source,
             f'`{figure.command}`'
         ] for figure in figures])


def _frames(frames: Optional[int]) -> str:
    return 'not stated' if frames is None else str(frames)
