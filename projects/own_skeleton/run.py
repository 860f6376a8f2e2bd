# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Is a model of the zoo worth more than nothing as a start for other joints?

    python -m projects.own_skeleton.run

Trains MixSTE on one person's 14 joints from random weights and from the zoo's
MixSTE of 17 joints, with the same data, epochs and seeds, and tests what the
last epoch gave. Writes ``work_dirs/own_skeleton/table.md``. What was
interrupted goes on where it stopped.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from mmengine.config import Config

from ..common.arguments import add_study_arguments
from ..common.cells import StudyCell, run_all
from ..common.reports import mean_text, write_report

FOLDER = Path(__file__).resolve().parent
CONFIG = FOLDER / 'mixste_14-27.py'
STARTS: Dict[str, Optional[str]] = {
    'from scratch': None,
    'from the zoo': 'mixste-v1',
}
"""Where the weights of a training begin, and ``load_from`` for it."""
EPOCHS = (1, 3)
SAME_PERSON = 'same_person'
TESTS: Mapping[str, Mapping[str, Any]] = {
    '': {},
    SAME_PERSON: {
        'test_dataloader.dataset.split': 'val',
        'test_dataloader.dataset.subjects': '[S1]'
    },
}
"""The config's test, another person, and a clip of the one trained on."""


@dataclass(frozen=True)
class StartCell(StudyCell):
    """One training.

    Attributes:
        start: A key of :data:`STARTS`.
        epochs: Of training, with a schedule made for them.
        root: Folder of the study.
        seed: Of training.
    """
    start: str
    epochs: int
    root: Path
    seed: int

    @property
    def title(self) -> str:
        """Start, epochs and seed."""
        return f'{self.start}, {self.epochs} epochs, seed {self.seed}'

    @property
    def folder(self) -> Path:
        """Where its runs are."""
        name = self.start.replace(' ', '_')
        return self.root / f'{name}-{self.epochs}-{self.seed}'

    @property
    def tests(self) -> Mapping[str, Mapping[str, Any]]:
        """Of both people."""
        return TESTS

    def config(self) -> Config:
        """The config, for so many epochs."""
        cfg = Config.fromfile(CONFIG, import_custom_modules=False)
        cfg.merge_from_dict({
            'train_cfg.max_epochs': self.epochs,
            'train_cfg.val_interval': self.epochs,
            'param_scheduler.1.T_max': self.epochs,
            'load_from': STARTS[self.start],
        })
        return cfg

    def checkpoint(self) -> Path:
        """The last epoch's: nothing is chosen."""
        return self.folder / f'epoch_{self.epochs}.pth'


def make_cells(root: Path, epochs: Sequence[int],
               seeds: Sequence[int]) -> List[StartCell]:
    """All trainings, the shortest first."""
    return [
        StartCell(start, number, root, seed) for number in sorted(epochs)
        for seed in seeds for start in STARTS
    ]


def as_markdown(cells: Sequence[StartCell]) -> str:
    """MPJPE in mm, mean and standard deviation over seeds."""
    text = ('| epochs | start | another person (S2) | the person trained on, '
            'another clip (S1) |\n|---|---|---|---|\n')
    for number in sorted({cell.epochs for cell in cells}):
        for start in STARTS:
            row = [
                cell for cell in cells
                if (cell.epochs, cell.start) == (number, start)
            ]
            values = [
                mean_text([
                    metrics and metrics['MPJPE_mm']
                    for metrics in (cell.metrics(variant) for cell in row)
                ]) for variant in TESTS
            ]
            text += f'| {number} | {start} | {" | ".join(values)} |\n'
    return text


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--epochs', type=int, nargs='+', default=EPOCHS)
    parser.add_argument('--seeds', type=int, nargs='+', default=(0, 1, 2))
    add_study_arguments(parser, 'own_skeleton')
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Train, test, and write the table."""
    args = parse_args(argv)
    # The data set's module, for the tools' processes.
    os.environ['PYTHONPATH'] = os.pathsep.join(
        filter(None, (str(FOLDER), os.environ.get('PYTHONPATH'))))
    cells = make_cells(args.work_dir, args.epochs, args.seeds)
    if not args.report_only:
        run_all(cells, args.jobs, args.cfg_options)
    metrics = {
        cell.title: {
            name or 'test': cell.metrics(name)
            for name in TESTS
        }
        for cell in cells
    }
    write_report(args.work_dir / 'table', as_markdown(cells), metrics)


if __name__ == '__main__':
    main()
