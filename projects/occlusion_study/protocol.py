# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE's robustness protocol: who is trained and tested on what."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from mmengine.config import Config

from ..common.cells import StudyCell
from ..common.speed import sampler_tests

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'

PATTERNS = {
    'none': 'no occlusion',
    'random': 'random',
    'leg_arm': 'random leg and arm',
    'consecutive_leg': 'consecutive leg',
    'consecutive_frames': 'consecutive frames',
}
"""Pattern to what the paper calls it."""

METHODS = {
    'mixste': 'MixSTE',
    'diffhpe-2d': 'DiffHPE-2D',
    'diffhpe-2d-control': 'control of DiffHPE-2D',
    'wrapper': 'DiffHPE-Wrapper',
    'wrapper-vanilla': 'DiffHPE-Wrapper, vanilla conditioning',
    'wrapper-control': 'control of DiffHPE-Wrapper',
}
"""Method to its name. ``wrapper`` is conditioned on the MixSTE that was
trained with the same pattern, ``wrapper-vanilla`` on the one trained without
occlusions. A control is the same network on the same condition, trained as
long, as a single-pass regressor; the paper has none."""

CONFIG_STEMS = {
    'mixste': 'mixste',
    'diffhpe-2d': 'diffhpe-2d',
    'diffhpe-2d-control': 'diffhpe-2d-control',
    'wrapper': 'diffhpe-wrapper_mixste',
    'wrapper-vanilla': 'diffhpe-wrapper_mixste',
    'wrapper-control': 'diffhpe-wrapper-control_mixste',
}
"""Method to what its configs' names begin with."""

SINGLE_PASS = ('mixste', 'diffhpe-2d-control', 'wrapper-control')
"""Methods without a sampler."""

UNOCCLUDED = ('diffhpe-2d', 'diffhpe-2d-control', 'wrapper-control')
"""Methods of Table 2 only."""

SAMPLERS = sampler_tests((10, 5))
"""Name to changes at test: all 50 steps, as published, against few."""


@dataclass(frozen=True)
class Study:
    """Configs of one data set.

    Attributes:
        name: What configs are called after the data.
        average: Suffix of the metrics that tables show: ``''`` averages over
            frames, ``'/action_mean'`` over actions, as papers on Human3.6M
            do.
    """
    name: str
    average: str = ''

    def config(self, method: str) -> Path:
        """The config of a method."""
        return CONFIGS / f'{CONFIG_STEMS[method]}_{self.name}-27.py'


STUDIES = {
    'mini': Study('mini'),
    'hdm05': Study('hdm05'),
    'h36m': Study('h36m', '/action_mean'),
}


@dataclass(frozen=True)
class Cell(StudyCell):
    """A method trained with one pattern and one seed.

    Attributes:
        study: Name of the study.
        method: A key of :data:`METHODS`.
        pattern: A key of :data:`PATTERNS`, of training and of the validation
            that chooses the checkpoint.
        seed: Of training.
        root: Folder of the study.
        tested: Patterns that it is tested with.
        ddim_steps: Sample with DDIM and so many steps instead of the
            config's sampler.
        samplers: Whether it is tested with each of :data:`SAMPLERS`, too.
    """
    study: str
    method: str
    pattern: str
    seed: int
    root: Path
    tested: Tuple[str, ...] = ()
    ddim_steps: Optional[int] = None
    samplers: bool = False

    @property
    def title(self) -> str:
        """Study, method, pattern and seed."""
        return (f'{self.study}, {METHODS[self.method]}, '
                f'{PATTERNS[self.pattern]}, seed {self.seed}')

    @property
    def folder(self) -> Path:
        """Where the cell's runs are."""
        return (self.root / self.study / f'{self.method}_{self.pattern}' /
                f'seed{self.seed}')

    @property
    def tests(self) -> Mapping[str, Mapping[str, Any]]:
        """One variant per test pattern, then one per sampler."""
        tests: Dict[str, Dict[str, Any]] = {
            pattern: {
                'test_dataloader.dataset.occlusion.pattern': pattern
            }
            for pattern in self.tested
        }
        if self.samplers:
            tests.update(SAMPLERS)
        return tests

    @property
    def encoder(self) -> Optional['Cell']:
        """The MixSTE that a wrapper is conditioned on."""
        if not self.method.startswith('wrapper'):
            return None
        pattern = self.pattern if self.method == 'wrapper' else 'none'
        return Cell(self.study, 'mixste', pattern, self.seed, self.root)

    def config(self) -> Config:
        """The method's config, with the pattern in training and validation.

        Raises:
            FileNotFoundError: Where there is no such config.
        """
        cfg = Config.fromfile(STUDIES[self.study].config(self.method))
        cfg.merge_from_dict({
            f'{split}_dataloader.dataset.occlusion.pattern':
            self.pattern
            for split in ('train', 'val')
        })
        if self.ddim_steps is not None and self.method not in SINGLE_PASS:
            cfg.merge_from_dict({
                'model.test_cfg.sampler':
                'ddim',
                'model.test_cfg.num_sampling_steps':
                self.ddim_steps
            })
        return cfg


def cells_of(study: str,
             seeds: Sequence[int],
             root: Path,
             methods: Sequence[str] = tuple(METHODS),
             patterns: Sequence[str] = tuple(PATTERNS),
             ddim_steps: Optional[int] = None,
             samplers: bool = False) -> List[Cell]:
    """The protocol's cells.

    MixSTE and the occlusion-trained wrapper are trained with each pattern
    and tested with all (Figs. 3 to 5); the wrapper on a vanilla MixSTE is
    tested with its own pattern (Table 4), and DiffHPE-2D and the controls
    know no occlusion (Table 2). Encoders that a wrapper needs are there
    whatever ``methods`` says. Samplers are compared with the first seed's
    models that know no occlusion.
    """
    tested = {
        (method, pattern): tuple(patterns)
        for method in ('mixste', 'wrapper') if method in methods
        for pattern in patterns
    }
    if 'wrapper-vanilla' in methods:
        for pattern in patterns:
            if pattern != 'none':  # that is the wrapper itself
                tested['wrapper-vanilla', pattern] = (pattern, )
    for method in UNOCCLUDED:
        if method in methods:
            tested[method, 'none'] = ('none', )
    cells: Dict[Tuple[str, str, int], Cell] = {}
    for (method, pattern), test_patterns in tested.items():
        for seed in seeds:
            compared = (
                samplers and seed == seeds[0] and pattern == 'none'
                and method not in SINGLE_PASS)
            cell = Cell(study, method, pattern, seed, root, test_patterns,
                        ddim_steps, compared)
            if cell.encoder is not None:
                key = (cell.encoder.method, cell.encoder.pattern, seed)
                cells.setdefault(key, cell.encoder)
            cells[method, pattern, seed] = cell
    return list(cells.values())
