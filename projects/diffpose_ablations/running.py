# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The ablations' cells: a row of a setup with one seed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from mmengine.config import Config

# rows.py has made the projects' shared modules importable.
from ..common.cells import StudyCell
from .rows import SETUPS, Row, make_config


@dataclass(frozen=True)
class Cell(StudyCell):
    """A row of a setup with one seed.

    Attributes:
        setup: Name of the setup.
        name: Name of the row.
        row: The row.
        seed: Of training.
        root: Folder of the study.
    """
    setup: str
    name: str
    row: Row
    seed: int
    root: Path

    @property
    def title(self) -> str:
        """Setup, row and seed."""
        return f'{self.setup} {self.name} seed {self.seed}'

    @property
    def folder(self) -> Path:
        """Where the cell's runs are."""
        return self.root / self.setup / self.name / f'seed{self.seed}'

    @property
    def tests(self) -> Mapping[str, Mapping[str, Any]]:
        """The row's."""
        return self.row.tests

    @property
    def encoder(self) -> Optional['Cell']:
        """The setup's encoder with the same seed."""
        if self.row.encoder:
            return None
        return Cell(self.setup, 'encoder', Row('', encoder=True), self.seed,
                    self.root)

    def config(self) -> Config:
        """The row's config."""
        return make_config(SETUPS[self.setup], self.row)


def cells_of(setup: str, rows: Dict[str, Row], seeds: Sequence[int],
             root: Path) -> List[Cell]:
    """All cells of a setup, the encoders first."""
    return [
        Cell(setup, name, row, seed, root) for name, row in sorted(
            rows.items(), key=lambda item: not item[1].encoder)
        for seed in (seeds if row.every_seed else seeds[:1])
    ]
