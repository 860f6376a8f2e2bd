# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Figures that the papers report; none of them was reproduced here."""

from dataclasses import dataclass
from typing import List, Optional, Tuple

DIFFPOSE = '[DiffPose](https://arxiv.org/abs/2211.16940)'
DIFFHPE = '[DiffHPE](https://arxiv.org/abs/2309.01575)'
CPN, EXACT = 'CPN', 'exact'


@dataclass(frozen=True)
class PublishedFigure:
    """One row of a paper's table.

    Attributes:
        method: As the paper calls it.
        keypoints: ``CPN`` detections or ``exact`` 2D keypoints.
        frames: Of a window; None where the paper does not say.
        config: Name of the config that would reproduce it.
        source: Paper and table.
        mpjpe: mm; on Human3.6M the mean over the 15 actions.
        p_mpjpe: mm.
        symmetry: Gap, mm.
        segment_std: mm.
        pck: Within 150 mm, percent.
        auc: Percent.
        test_options: Of the test alone.
    """
    method: str
    keypoints: str
    frames: Optional[int]
    config: str
    source: str
    mpjpe: float
    p_mpjpe: Optional[float] = None
    symmetry: Optional[float] = None
    segment_std: Optional[float] = None
    pck: Optional[float] = None
    auc: Optional[float] = None
    test_options: str = ''

    @property
    def command(self) -> str:
        """What would reproduce it, with the data in place."""
        config = f'configs/{self.config}.py'
        options = f' {self.test_options}' if self.test_options else ''
        return (f'python tools/train.py {config} && python tools/test.py '
                f'{config} work_dirs/{self.config}/best_*.pth{options}')


HUMAN36M: List[PublishedFigure] = [
    PublishedFigure('MixSTE', CPN, 243, 'mixste_h36m-243',
                    f'{DIFFPOSE}, Tables 1, 6', 40.9, 32.6),
    PublishedFigure('DiffPose', CPN, 243, 'diffpose_mixste_h36m-243',
                    f'{DIFFPOSE}, Tables 1, 4, 5 (Table 6: P-MPJPE 28.7)',
                    36.9, 28.6),
    PublishedFigure(
        'P-STMO',
        CPN,
        243,
        'pstmo_h36m-243',
        f'{DIFFPOSE}, Table 6',
        42.1,
        34.4,
        test_options='--cfg-options model.backbone.output=center '
        'test_dataloader.dataset.stride=1'),
    PublishedFigure('DiffPose on P-STMO', CPN, 243, 'diffpose_pstmo_h36m-243',
                    f'{DIFFPOSE}, Table 6', 39.3, 31.8),
    PublishedFigure('MixSTE', EXACT, 243, 'mixste_h36m-243_gt',
                    f'{DIFFPOSE}, Table 1', 21.6),
    PublishedFigure('DiffPose', EXACT, 243, 'diffpose_mixste_h36m-243_gt',
                    f'{DIFFPOSE}, Table 1', 18.9),
    PublishedFigure('GraFormer', CPN, 1, 'graformer_h36m-1',
                    f'{DIFFPOSE}, Table 3', 51.8),
    PublishedFigure('DiffPose', CPN, 1, 'diffpose_graformer_h36m-1',
                    f'{DIFFPOSE}, Table 3', 49.7),
    PublishedFigure('GraFormer', EXACT, 1, 'graformer_h36m-1_gt',
                    f'{DIFFPOSE}, Table 3', 35.2),
    PublishedFigure('DiffPose', EXACT, 1, 'diffpose_graformer_h36m-1_gt',
                    f'{DIFFPOSE}, Table 3', 31.6),
    PublishedFigure('MixSTE, as published', CPN, 27, 'mixste_h36m-27_w512',
                    f'{DIFFHPE}, Table 2', 51.8),
    PublishedFigure(
        'MixSTE, retrained by the authors of DiffHPE',
        CPN,
        27,
        'mixste_h36m-27',
        f'{DIFFHPE}, Table 2',
        54.8,
        symmetry=18.2,
        segment_std=5.2),
    PublishedFigure(
        'DiffHPE-2D, H = 5',
        CPN,
        27,
        'diffhpe-2d_h36m-27',
        f'{DIFFHPE}, Table 2',
        51.8,
        symmetry=7.0,
        segment_std=2.1),
    PublishedFigure(
        'DiffHPE-Wrapper, H = 5',
        CPN,
        27,
        'diffhpe-wrapper_mixste_h36m-27',
        f'{DIFFHPE}, Table 2',
        51.2,
        symmetry=12.4,
        segment_std=3.2),
]

MPI_INF_3DHP: List[PublishedFigure] = [
    PublishedFigure(
        'MixSTE',
        EXACT,
        None,
        'mixste_3dhp-81',
        f'{DIFFPOSE}, Table 2',
        54.9,
        pck=94.4,
        auc=66.5),
    PublishedFigure(
        'DiffPose',
        EXACT,
        None,
        'diffpose_mixste_3dhp-81',
        f'{DIFFPOSE}, Table 2',
        29.1,
        pck=98.0,
        auc=75.9),
]

OCCLUSIONS: List[Tuple[str, float, float, float]] = [
    ('no occlusion', 54.8, 51.2, 51.2),
    ('random', 54.5, 60.3, 53.2),
    ('random leg and arm', 54.4, 55.2, 53.0),
    ('consecutive leg', 55.1, 54.1, 52.6),
    ('consecutive frames', 55.8, 52.2, 53.5),
]
"""DiffHPE, Table 4, MPJPE in mm, trained and tested with the pattern: MixSTE,
DiffHPE-Wrapper on a MixSTE trained without and with it."""
OCCLUSIONS_COMMAND = 'python -m projects.occlusion_study.run --study h36m'
