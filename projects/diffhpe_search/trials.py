# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One training per trial, scored on the validation subject."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from mmengine.config import Config

from ..common.cells import StudyCell

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'

METHODS = {
    '2d': 'diffhpe-2d_{study}-27.py',
    'wrapper': 'diffhpe-wrapper_mixste_{study}-27.py',
}
"""Method to its config."""
ENCODER = 'mixste_{study}-27.py'
STUDIES = ('mini', 'hdm05', 'h36m')

KEYS = dict(
    lr='optim_wrapper.optimizer.lr', dropout='model.head.denoiser.dropout')
"""What is searched, and where configs have it."""

SCORE = 'MPJPE_mm'


@dataclass(frozen=True)
class EncoderCell(StudyCell):
    """The MixSTE that all trials of the wrapper share.

    Attributes:
        study: Name of the study.
        root: Folder of the search.
        seed: Of training.
    """
    study: str
    root: Path
    seed: int = 0

    @property
    def title(self) -> str:
        """What it is."""
        return f'{self.study}, context encoder'

    @property
    def folder(self) -> Path:
        """Where its training is."""
        return self.root / 'encoder'

    @property
    def tests(self) -> Mapping[str, Mapping[str, Any]]:
        """None: it was validated in training."""
        return {}

    def config(self) -> Config:
        """Its config."""
        return Config.fromfile(CONFIGS / ENCODER.format(study=self.study))


@dataclass(frozen=True)
class TrialCell(StudyCell):
    """One training with its own learning rate and dropout.

    Attributes:
        study: Name of the study.
        method: A key of :data:`METHODS`.
        name: Of the trial's folder.
        parameters: Value of each of :data:`KEYS`.
        root: Folder of the search.
        context: Checkpoint of the wrapper's encoder; without one it is
            trained, once for all trials.
        seed: Of training.
    """
    study: str
    method: str
    name: str
    parameters: Mapping[str, float]
    root: Path
    context: Optional[Path] = None
    seed: int = 0

    @property
    def title(self) -> str:
        """Study, trial and parameters."""
        values = ', '.join(f'{key} {value:.3g}'
                           for key, value in self.parameters.items())
        return f'{self.study}, {self.name}: {values}'

    @property
    def folder(self) -> Path:
        """Where the trial's runs are."""
        return self.root / self.name

    @property
    def tests(self) -> Mapping[str, Mapping[str, Any]]:
        """None: the test split has no part in a search."""
        return {}

    @property
    def encoder(self) -> Optional[EncoderCell]:
        """The wrapper's encoder, where none is given."""
        if self.method != 'wrapper' or self.context is not None:
            return None
        return EncoderCell(self.study, self.root, self.seed)

    def config(self) -> Config:
        """The method's config with the trial's parameters."""
        name = METHODS[self.method].format(study=self.study)
        cfg = Config.fromfile(CONFIGS / name)
        cfg.merge_from_dict(self.options())
        if self.context is not None:
            cfg.model.context_checkpoint = str(self.context.resolve())
        return cfg

    def options(self) -> Dict[str, float]:
        """The parameters as changes of the config."""
        return {KEYS[key]: value for key, value in self.parameters.items()}

    def score(self) -> float:
        """MPJPE of the best validation, mm.

        Read from the logs, those of an interrupted training included: the
        validation that chose the checkpoint has measured it.

        Raises:
            RuntimeError: Where the training produced no number.
        """
        errors = [
            entry[SCORE]
            for path in self.folder.glob('*/vis_data/scalars.json')
            for entry in map(json.loads,
                             path.read_text().splitlines())
            if SCORE in entry and math.isfinite(entry[SCORE])
        ]
        if not errors:
            raise RuntimeError(f'the logs in {self.folder} have no {SCORE}')
        return min(errors)
