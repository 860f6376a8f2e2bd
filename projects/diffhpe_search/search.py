# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Random search that goes on where it stopped."""

import threading
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from ..common.cells import in_threads

Ranges = Dict[str, Tuple[float, float]]
FOLDER = 'folder'
"""The trial's attribute that names its folder."""


def open_study(path: Path, name: str, seed: int) -> optuna.Study:
    """Open a search, or begin it.

    Args:
        path: SQLite file of the search.
        name: Of the study in it.
        seed: Of the draws. A search that goes on draws new values: the seed
            advances with the trials that there are.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f'sqlite:///{path}'
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction='minimize',
        load_if_exists=True)
    study.sampler = optuna.samplers.RandomSampler(seed=1000 * seed +
                                                  len(study.trials))
    return study


def revive_interrupted(study: optuna.Study) -> int:
    """Queue trials again that were running when the search was ended.

    They keep their values and their folder, in which training goes on.

    Returns:
        How many.
    """
    running = study.get_trials(states=(TrialState.RUNNING, ))
    for trial in running:
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(
            trial.params,
            user_attrs={
                FOLDER: folder_of(trial),
                'interrupted': trial.number
            })
    return len(running)


def folder_of(trial: FrozenTrial) -> str:
    """Name of a trial's folder."""
    return trial.user_attrs.get(FOLDER, f'trial{trial.number:03d}')


def finished(study: optuna.Study) -> List[FrozenTrial]:
    """Complete trials, the best first, then those that failed."""
    taken_up = {
        trial.user_attrs['interrupted']
        for trial in study.trials if 'interrupted' in trial.user_attrs
    }
    done = [
        trial for trial in study.trials
        if trial.state.is_finished() and trial.number not in taken_up
    ]
    complete = [t for t in done if t.state == TrialState.COMPLETE]
    return (sorted(complete, key=lambda trial: trial.value) +
            [t for t in done if t.state != TrialState.COMPLETE])


def search(study: optuna.Study, number: int, jobs: int, ranges: Ranges,
           objective: Callable[[str, Dict[str, float]], float]) -> None:
    """Run trials until there are as many as wanted.

    A training that fails, for example because its loss was no longer
    finite, is a failed trial, and the search goes on.

    Args:
        study: The search.
        number: Trials in all, with those of earlier runs.
        jobs: Trials at the same time.
        ranges: ``lr``, drawn log-uniformly, and ``dropout``, uniformly.
        objective: Folder's name and parameters to the error, may raise
            RuntimeError.

    Raises:
        RuntimeError: When each of this run's trials failed.
    """
    # Queued trials are drawn as well, with their values.
    missing = number - len(finished(study))
    lock = threading.Lock()
    failures: List[RuntimeError] = []

    def run(_: int) -> None:
        with lock:
            trial = study.ask()
            parameters = suggest(trial, ranges)
            folder = folder_of(trial)
        try:
            value = objective(folder, parameters)
        except RuntimeError as error:
            failures.append(error)
            with lock:
                study.tell(trial, state=TrialState.FAIL)
            print(f'{folder} failed: {error}', flush=True)
            return
        with lock:
            study.tell(trial, value)

    in_threads(run, range(missing), jobs)
    if failures and len(failures) == missing:
        raise RuntimeError(
            f'all {missing} trials failed, the last one: {failures[-1]}')


def suggest(trial: Trial, ranges: Ranges) -> Dict[str, float]:
    """Draw a trial's parameters."""
    return dict(
        lr=trial.suggest_float('lr', *ranges['lr'], log=True),
        dropout=trial.suggest_float('dropout', *ranges['dropout']))
