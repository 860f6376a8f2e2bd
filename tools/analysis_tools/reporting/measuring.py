# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Everything that is measured of the zoo."""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from mmengine.config import Config

from mmdiffpose.checkpoints import model_zoo
from mmdiffpose.checkpoints.model_zoo import ZooModel
from .costs import build, measure_costs, measure_speed
from .evaluation import Cell, evaluate, missing_data
from .test_sets import MINI, OCCLUDED, own_test_set

OCCLUSION_TRAINED = '_occluded'
"""Ending of the names of models that were trained with missing joints."""
FLIP_LIMIT = 1e7
"""Multiply-adds a frame up to which the mirrored window is tested, too."""


def chosen_models(names: Optional[Sequence[str]]) -> List[ZooModel]:
    """Models by name or alias, in the zoo's order.

    Raises:
        ValueError: If a name is unknown, or the zoo is empty.
    """
    models = model_zoo.list_models()
    known = [name for m in models for name in (m.name, *m.aliases)]
    unknown = sorted(set(names or ()) - set(known))
    if unknown or not models:
        raise ValueError(f'--models: expected some of {known}, found '
                         f'{unknown or "an empty zoo"}')
    if not names:
        return models
    return [m for m in models if {m.name, *m.aliases} & set(names)]


def measure(args: argparse.Namespace,
            work_dir: Path) -> Tuple[Dict[str, Any], List[str]]:
    """Costs and tests of the chosen models.

    Args:
        args (Namespace): Of the report's command line.
        work_dir (Path): For the tests.

    Returns:
        tuple[dict, list[str]]: Models' names to what was measured, and what
        failed. A model without weights is left out; weights that are not
        the published ones are a failure.
    """
    failures: List[str] = []
    found: Dict[str, Any] = {}
    weights: Dict[str, Path] = {}
    cells: List[Cell] = []
    paired = {
        name
        for model in model_zoo.list_models()
        if model.name.endswith(OCCLUSION_TRAINED)
        for name in (model.name, model.name[:-len(OCCLUSION_TRAINED)])
    }
    for model in chosen_models(args.models):
        try:
            weights[model.name] = model_zoo.verified_weights(model)
        except FileNotFoundError as error:
            print(f'{model.name} is left out: {error}')
            continue
        except ValueError as error:
            failures.append(str(error))
            continue
        network = build(model.config, weights[model.name])
        found[model.name] = dict(
            label=model.label,
            weights=model.weights.name,
            sha256=model.sha256,
            **measure_costs(network),
            test_sets={})
        cells += cells_of(model, found[model.name]['macs_per_frame'],
                          model.name in paired, args.test_sets)
    cells = [cell for cell in cells if has_data(cell)]
    failures += run_cells(cells, weights, found, work_dir, args)
    if args.speed:
        for model in chosen_models(args.models):
            if model.name in found:
                print(f'{model.name}: measuring its speed', flush=True)
                network = build(model.config, weights[model.name])
                found[model.name]['speed'] = measure_speed(network)
    return found, failures


def cells_of(model: ZooModel, macs: float, occluded: bool,
             test_sets: Optional[Sequence[str]]) -> List[Cell]:
    """The tests of a model.

    Args:
        model (ZooModel): The model.
        macs (float): Multiply-adds a frame.
        occluded (bool): Whether to test with missing joints, too.
        test_sets (list[str], optional): Only these.
    """
    cfg = Config.fromfile(str(model.config))
    own = own_test_set(cfg)
    names = list(dict.fromkeys([own, MINI]))
    if occluded and own != MINI:
        names.insert(1, own + OCCLUDED)
    cells = [Cell(model, name) for name in names]
    flips = (cfg.model.get('test_cfg') or {}).get('flip_test', False)
    if macs <= FLIP_LIMIT and not flips:
        cells.append(Cell(model, own, flip=True))
    return [c for c in cells if not test_sets or c.test_set in test_sets]


def has_data(cell: Cell) -> bool:
    """Whether a test's data are there; says so where they are not."""
    missing = missing_data(cell.config())
    if missing:
        print(f'{cell.title} is left out: there is no {missing[0]}')
    return not missing


def run_cells(cells: Sequence[Cell], weights: Dict[str, Path],
              found: Dict[str, Any], work_dir: Path,
              args: argparse.Namespace) -> List[str]:
    """Run the tests; a failure does not keep the others from running.

    Args:
        cells (list[Cell]): The tests.
        weights (dict[str, Path]): Of the models.
        found (dict): Gets the tests' figures.
        work_dir (Path): For the tests.
        args (Namespace): Of the report's command line.

    Returns:
        list[str]: What failed.
    """

    def run(cell: Cell) -> Any:
        try:
            # A check has an empty folder: what is there is its own.
            return evaluate(cell, weights[cell.model.name], work_dir,
                            args.fresh, args.max_sequences)
        except RuntimeError as error:
            return error

    failures = []
    with ThreadPoolExecutor(max(1, args.jobs)) as pool:
        for cell, figures in zip(cells, pool.map(run, cells)):
            if isinstance(figures, RuntimeError):
                failures.append(str(figures))
            else:
                found[cell.model.name]['test_sets'][cell.name] = figures
    return failures
