# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How good the samples of the zoo's models are on the validation actor.

    python tools/analysis_tools/preset_table.py
    python tools/analysis_tools/preset_table.py --out docs/samplers.md

What the presets of the models of drawn views are chosen by: network
evaluations and the factor on the samples' spread, on the fixed draw of the
config's validation split, never on a test person. Each model's preset stands
beside other evaluations and factors, and beside the control, a Gaussian with
the model's own mean, std and correlation of residuals: what its sampler gives
where the network answers zero. Ten hypotheses; energy score of the ten poses
in mm over 51 coordinates; the mean joint error of the best hypothesis, which
only an oracle knows; how many of the true coordinates the samples' central
90 % intervals hold. A quarter of an hour of one core.
"""

import argparse
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from reporting.documents import write_between
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmdiffpose.apis import init_model
from mmdiffpose.registry import DATASETS

MARKERS = ('<!-- preset_table.py: begin -->', '<!-- preset_table.py: end -->')
"""Lines of a page that the table stands between."""

MODELS = ('residual', 'diffpose', 'diffhpe-wrapper', 'diffhpe-2d',
          'diffpose-frame')

HEADER = ('| alias | evaluations | factor | energy | best of 10 (an oracle) | '
          '90 % intervals hold |\n|---|---|---:|---:|---:|---:|')


class SilentNetwork(nn.Module):
    """Answers zero: samples then are the Gaussian's.

    Args:
        temporal (bool): Whether it stands for one of whole windows.
    """

    def __init__(self, temporal: bool) -> None:
        super().__init__()
        self.temporal = temporal

    def bind(self, context: Tensor,
             angles: Sequence[float]) -> Callable[[Tensor, int], Tensor]:
        """Zero for all states and levels."""
        return lambda state, level: torch.zeros_like(state)


def settings_of(preset: Dict[str, Any]) -> List[Tuple[str, Dict[str, Any]]]:
    """The preset, and what it was chosen from."""
    evaluations, spread = preset['num_sampling_steps'], preset['spread']
    found = [(f'**{evaluations}**', {})]
    for number in (1, 2, 3):
        if number != evaluations:
            found.append((str(number), dict(num_sampling_steps=number)))
    for factor in (1., 1.1, 1.2):
        if factor != spread:
            found.append((str(evaluations), dict(spread=factor)))
    return [*found, ('control', dict(num_sampling_steps=1, spread=1.))]


def measure(model: nn.Module, windows: Sequence[Any], batch_size: int,
            options: Dict[str, Any]) -> Dict[str, float]:
    """Scores of one way to sample.

    Args:
        model (nn.Module): A lifter.
        windows (Dataset): Validation windows, packed.
        batch_size (int): Of them at once.
        options (dict): Over those of the model's ``test_cfg``.

    Returns:
        dict: Of the metrics of hypotheses and of their uncertainty.
    """
    evaluator = Evaluator([
        dict(type='mmdiffpose.UncertaintyMetric'),
        dict(type='mmdiffpose.MultiHypothesisMetric')
    ])
    loader = DataLoader(windows, batch_size, collate_fn=pseudo_collate)
    preset = model.test_cfg
    model.test_cfg = {**preset, **options}
    try:
        with torch.no_grad():
            for batch in loader:
                evaluator.process(model.test_step(batch), batch)
    finally:
        model.test_cfg = preset
    with redirect_stdout(StringIO()):  # a table for each
        return evaluator.evaluate(len(windows))


def rows_of(alias: str, told: Dict[str, Any]) -> List[str]:
    """Lines of the table for one model.

    Args:
        alias (str): Of the zoo.
        told (dict): Over the config's validation data set.

    Raises:
        ValueError: For a model that samples otherwise.
    """
    model = init_model(alias)
    if getattr(model.head, 'diffusion', None) is None:
        raise ValueError(f'{alias} diffuses no residuals: these models do: '
                         f'{", ".join(MODELS)}')
    loader = model.cfg.val_dataloader
    windows = DATASETS.build({**loader.dataset, **told})
    preset = {**model.head.test_defaults, **model.test_cfg}
    lines = []
    network = model.head.diffusion.denoiser
    for name, options in settings_of(preset):
        model.head.diffusion.denoiser = SilentNetwork(
            network.temporal) if name == 'control' else network
        used = {**preset, **options}
        scores = measure(model, windows, loader.batch_size, options)
        held = 100 * scores['uncertainty/spread_coverage@0.9']
        lines.append(f'| `{alias}` | {name} | {used["spread"]:g} | '
                     f'{scores["uncertainty/energy_score_pose_mm"]:.1f} | '
                     f'*{scores["oracle/P-Best_mm"]:.1f}* | {held:.0f} % |')
        print(lines[-1], flush=True)
    return lines


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--models', nargs='+', default=list(MODELS), help='aliases')
    for name, kind, what in (('--motions', str, 'file of the motions'),
                             ('--windows', int, 'how many are drawn')):
        parser.add_argument(
            name, type=kind, help=f"{what} (default: the config's)")
    parser.add_argument(
        '--subjects', nargs='+', help="who moves (default: the config's)")
    parser.add_argument(
        '--out', type=Path, help='page with the two markers to write into')
    arguments = parser.parse_args(argv)
    if arguments.windows is not None and arguments.windows < 1:
        parser.error(f'--windows {arguments.windows}: 1 or more expected')
    told = dict(
        ann_file=arguments.motions,
        windows=arguments.windows,
        subjects=arguments.subjects)
    told = {key: value for key, value in told.items() if value is not None}
    lines = [HEADER]
    print(HEADER)
    for alias in arguments.models:
        lines += rows_of(alias, told)
    if arguments.out is not None:
        write_between(arguments.out, MARKERS, '\n'.join(lines))


if __name__ == '__main__':
    main()
