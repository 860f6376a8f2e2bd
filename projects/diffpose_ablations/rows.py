# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What is trained and tested: one row per method, as changes of a config."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

from mmengine.config import Config

from ..common.speed import sampler_tests

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'

SHARED_HEAD_KEYS = ('in_channels', 'denoiser', 'condition_on_start', 'xy',
                    'pose_scale', 'std_scale', 'decoder')
"""What a control takes over from DiffPose's head."""
HYPOTHESES = (1, 2, 3, 5, 10, 20)


@dataclass(frozen=True)
class Setup:
    """Data and sizes that all rows of a table share.

    Attributes:
        encoder: Config of the context encoder's stage.
        diffpose: Config of DiffPose on that encoder.
    """
    encoder: str
    diffpose: str


SETUPS: Dict[str, Setup] = {
    'hdm05-27': Setup('mixste_hdm05-27.py', 'diffpose_mixste_hdm05-27.py'),
    'hdm05-1': Setup('graformer_hdm05-1.py', 'diffpose_graformer_hdm05-1.py'),
    'hdm05-27-pstmo': Setup('pstmo_hdm05-27.py', 'diffpose_pstmo_hdm05-27.py'),
    'mini-27': Setup('mixste_mini-27.py', 'diffpose_mixste_mini-27.py'),
}


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes:
        label: As tables show it.
        options: Changes of DiffPose's config, keys with dots.
        change: A change that options cannot say.
        encoder: Whether this is the context encoder itself.
        tests: Variant name to changes at test only; ``''`` is the row's own.
        every_seed: Whether the row is run with all seeds, else the first.
    """
    label: str
    options: Dict[str, Any] = field(default_factory=dict)
    change: Optional[Callable[[Config], None]] = None
    encoder: bool = False
    tests: Dict[str, Dict[str, Any]] = field(default_factory=lambda: {'': {}})
    every_seed: bool = False


def _control(**options: Any) -> Callable[[Config], None]:
    """Turn DiffPose's config into that of a single-pass head."""

    def change(cfg: Config) -> None:
        head = cfg.model.head
        cfg.model.head = dict(
            type='mmdiffpose.SinglePassHead',
            **{key: head[key]
               for key in SHARED_HEAD_KEYS if key in head},
            **options)
        flip = cfg.model.test_cfg.get('flip_test', False)
        cfg.model.test_cfg = dict(flip_test=flip)
        # There is no spread to calibrate: the std is the encoder's.
        cfg.custom_hooks = [
            hook for hook in cfg.custom_hooks
            if hook['type'] != 'mmdiffpose.StdCalibrationHook'
        ]

    return change


def _samplers() -> Dict[str, Dict[str, Any]]:
    """Table 7: DDIM with a few steps against all steps of DDPM, N = 5.

    On evenly spaced clips of the test split, the same for each sampler: all
    steps on all clips would take an hour.
    """
    return {
        name: {
            'model.test_cfg.num_hypotheses': 5,
            **changes
        }
        for name, changes in sampler_tests((1, 2, 5, 10, 50)).items()
    }


FLIP = {'flip': {'model.test_cfg': dict(flip_test=True)}}

TABLE: Dict[str, Row] = {
    'encoder':
    Row('context encoder',
        encoder=True,
        tests={
            '': {},
            **FLIP
        },
        every_seed=True),
    'baseline-a-residual':
    Row('Baseline A, residual (control)', change=_control(residual=True)),
    'baseline-a-absolute':
    Row('Baseline A, absolute', change=_control(residual=False)),
    'baseline-b':
    Row('Baseline B, 5 networks', change=_control(num_stacks=5)),
    'stand-diff':
    Row('Stand-Diff', {'model.head.start': 'standard'}),
    'm1':
    Row('DiffPose, M = 1', {'model.head.num_components': 1}),
    'm5':
    Row('DiffPose, M = 5', tests={
        '': {},
        **FLIP
    }, every_seed=True),
}
"""The main table: DiffPose against its encoder and the controls."""

ABLATIONS: Dict[str, Row] = {
    **TABLE,
    'm5':
    Row('DiffPose, M = 5',
        tests={
            **TABLE['m5'].tests, 'n': {
                'model.test_cfg.num_hypotheses': max(HYPOTHESES)
            },
            **_samplers()
        },
        every_seed=True),
    'm9':
    Row('DiffPose, M = 9', {'model.head.num_components': 9}),
    'k10':
    Row('DiffPose, K = 10', {'model.head.num_steps': 10}),
    'k25':
    Row('DiffPose, K = 25', {'model.head.num_steps': 25}),
    'k100':
    Row('DiffPose, K = 100', {'model.head.num_steps': 100}),
    # What the presets change of the paper's training, undone.
    'previous':
    Row(
        'DiffPose, evenly drawn steps, predicts the previous step', {
            'model.head.step_exponent': 1.,
            'model.head.target': 'previous',
            'model.head.loss.type': 'mmdiffpose.SquaredErrorLoss',
            'model.test_cfg.num_sampling_steps': 5,
            'model.test_cfg.clip': 1.1
        }),
}
"""Tables 4, 5 and 7 and Fig. 4 of the paper, small."""

ENCODERS: Dict[str, Row] = {
    'encoder': TABLE['encoder'],
    'm5': TABLE['m5'],
}
"""Table 6: DiffPose on another context encoder."""

STUDIES: Dict[str, Tuple[Tuple[str, Dict[str, Row]], ...]] = {
    'table': (('hdm05-27', TABLE), ('hdm05-1', TABLE)),
    'ablations': (('hdm05-1', ABLATIONS), ('hdm05-27', ENCODERS),
                  ('hdm05-27-pstmo', ENCODERS)),
    'mini': (('mini-27', ABLATIONS), ),
}
"""Study to pairs of a setup's name and its rows."""


def make_config(setup: Setup, row: Row) -> Config:
    """The config of a row, complete.

    Raises:
        FileNotFoundError: Where the setup's config is missing.
    """
    name = setup.encoder if row.encoder else setup.diffpose
    cfg = Config.fromfile(CONFIGS / name)
    cfg.merge_from_dict(row.options)
    if row.change is not None:
        row.change(cfg)
    for evaluator in cfg.test_evaluator:
        if evaluator['type'] == 'mmdiffpose.MultiHypothesisMetric':
            evaluator['numbers'] = HYPOTHESES
    return cfg
