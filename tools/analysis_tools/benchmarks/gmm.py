# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Batched EM against one scikit-learn fit after another.

Both fit M = 5 components to the same n = 1000 samples a problem for 20
iterations: scikit-learn from k-means++ starts, ours from its own. On one CPU
thread the processor's own seconds count, which others' load leaves alone.
``gmm-diag-51-roofline`` is ours against the two matrix products of each
iteration alone, which no EM of this kind can do without.
"""
import argparse
import time
import warnings
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import numpy as np
import torch
from torch import Tensor

from mmdiffpose.diffusion.gmm import fit_gmm

NUM_SAMPLES = 1000
NUM_COMPONENTS = 5
NUM_ITERATIONS = 20


class Case(NamedTuple):
    """One row.

    Attributes:
        name (str): Of the row.
        dims (int): D of a fit.
        covariance_type (str): Of both sides.
        fits (int): Fits that make one pose.
        poses (int): Poses in a batch of ours, on a CPU.
        reference_poses (int): Poses that scikit-learn fits in a run.
    """
    name: str
    dims: int
    covariance_type: str
    fits: int
    poses: int
    reference_poses: int


CASES = (
    Case('gmm-diag-51', 51, 'diag', 1, 384, 12),
    Case('gmm-full-51', 51, 'full', 1, 24, 3),
    Case('gmm-joint-3', 3, 'full', 17, 48, 1),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument(
        '--cases',
        nargs='+',
        choices=[case.name for case in CASES],
        default=[case.name for case in CASES])
    parser.add_argument(
        '--threads', type=int, default=2, help="PyTorch's, on a CPU")
    parser.add_argument(
        '--repeats', type=int, default=7, help='runs; the median counts')
    parser.add_argument(
        '--gpu-scale',
        type=int,
        default=64,
        help='how many times larger the batches are on a GPU')


def run(args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Measures; returns the rows."""
    before = torch.get_num_threads()
    torch.set_num_threads(args.threads)
    try:
        return [
            row for case in CASES if case.name in args.cases
            for row in measure(case, args)
        ]
    finally:
        torch.set_num_threads(before)


def measure(case: Case, args: argparse.Namespace) -> List[Dict[str, Any]]:
    """Rows of a case: poses a second of both sides, run in turns.

    The times come from all runs, the likelihoods from those of scikit-learn,
    each with poses of its own as long as the batch has more.
    """
    on_cpu = torch.device(args.device).type == 'cpu'
    poses = case.poses * (1 if on_cpu else args.gpu_scale)
    x = make_samples(poses * case.fits, case.dims)
    batch = x.to(args.device)
    fit_ours(batch, case.covariance_type)  # warm-up
    fit_ours(batch, case.covariance_type)
    size = case.reference_poses * case.fits
    own = on_cpu and args.threads == 1
    clock = time.process_time if own else time.perf_counter
    times: Dict[str, List[float]] = dict(ours=[], reference=[], products=[])
    pairs: Dict[int, Tuple[float, float]] = {}
    for repeat in range(args.repeats):
        seconds, likelihood = timed(
            lambda: fit_ours(batch, case.covariance_type), clock)
        times['ours'].append(seconds / poses)
        first = repeat * size % (len(x) - size + 1)
        part = x[first:first + size].double().numpy()
        seconds, expected = timed(
            lambda: fit_reference(part, case.covariance_type, first), clock)
        times['reference'].append(seconds / case.reference_poses)
        if case.covariance_type == 'diag':
            seconds, _ = timed(lambda: products_alone(batch), clock)
            times['products'].append(seconds / poses)
        pairs.update((first + i, (float(likelihood[first + i]), float(other)))
                     for i, other in enumerate(expected))
    ours, reference = (
        float(np.median(times[key])) for key in ('ours', 'reference'))
    where = (f'{args.threads} threads'
             if on_cpu else torch.cuda.get_device_name(args.device))
    kind = f'{case.covariance_type} covariance, D = {case.dims}'
    if case.fits > 1:
        kind = f'{case.fits} fits of {kind} a pose'
    rows = [
        dict(
            name=case.name,
            ours=1 / ours,
            reference=1 / reference,
            ratio=reference / ours,
            unit='poses/s',
            note=f'{kind}; n = {NUM_SAMPLES}, M = {NUM_COMPONENTS}, '
            f'{NUM_ITERATIONS} iterations (tol 0); ours float32, batch of '
            f'{poses} poses, {where}; scikit-learn float64, k-means++ start '
            'without Lloyd steps, one BLAS thread; '
            f'{quality(np.array(list(pairs.values())))}')
    ]
    if times['products']:
        least = float(np.median(times['products']))
        rows.append(
            dict(
                rows[0],
                name=f'{case.name}-roofline',
                reference=1 / least,
                ratio=least / ours,
                note=f'{where}; reference: the two matrix products of each '
                'iteration alone'))
    return rows


def products_alone(x: Tensor, piece: int = 6) -> np.ndarray:
    """EM's products of all iterations for samples (P, n, D), on some
    problems at a time, whose features stay in a core's cache."""
    features = x.new_zeros(piece, 2 * x.shape[2] + 1, x.shape[1])
    mass = x.new_zeros(piece, NUM_COMPONENTS, x.shape[1])
    natural = x.new_zeros(piece, NUM_COMPONENTS, features.shape[1])
    for _ in range(NUM_ITERATIONS * -(-len(x) // piece)):
        torch.bmm(natural, features, out=mass)
        torch.bmm(mass, features.mT, out=natural)
    return natural.cpu().numpy()


def quality(likelihoods: np.ndarray) -> str:
    """Says how good both sides' fits are.

    The starts differ, so single fits end in different optima; only the mean
    over many says something.

    Args:
        likelihoods (np.ndarray): Mean log-likelihoods of the same samples
            by ours and by scikit-learn, (P, 2).
    """
    ours, reference = likelihoods.mean(0)
    difference = likelihoods[:, 0] - likelihoods[:, 1]
    error = difference.std() / len(difference)**0.5
    return (f'mean log-likelihood over {len(difference)} fits {ours:.2f} and '
            f'{reference:.2f}, difference {difference.mean():.2f} +- '
            f'{error:.2f} (standard error; the starts differ)')


def make_samples(problems: int, dims: int) -> Tensor:
    """Samples (P, n, D) of overlapping mixtures, about as wide as poses."""
    generator = torch.Generator().manual_seed(0)
    shape = (problems, NUM_COMPONENTS, dims)
    centres = 0.5 * torch.randn(shape, generator=generator)
    widths = 0.1 + 0.3 * torch.rand(shape, generator=generator)
    component = torch.randint(
        NUM_COMPONENTS, (problems, NUM_SAMPLES, 1), generator=generator)
    component = component.expand(-1, -1, dims)
    white = torch.randn(problems, NUM_SAMPLES, dims, generator=generator)
    return centres.gather(1, component) + white * widths.gather(1, component)


def fit_ours(x: Tensor, covariance_type: str) -> np.ndarray:
    """All problems at once; their mean log-likelihoods (P,)."""
    _, info = fit_gmm(
        x, NUM_COMPONENTS, covariance_type, max_iter=NUM_ITERATIONS, tol=0)
    return info.log_likelihood.cpu().numpy()  # waits for a GPU


def fit_reference(x: np.ndarray, covariance_type: str,
                  first_seed: int) -> np.ndarray:
    """The same with scikit-learn, one problem after another."""
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits
    likelihood = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that EM has not converged
        for seed, problem in enumerate(x, first_seed):
            mixture = GaussianMixture(
                NUM_COMPONENTS,
                covariance_type=covariance_type,
                init_params='k-means++',
                max_iter=NUM_ITERATIONS,
                tol=0,
                random_state=seed).fit(problem)
            likelihood.append(mixture.lower_bound_)
    return np.array(likelihood)


def timed(function: Callable[[], np.ndarray],
          clock: Callable[[], float]) -> Tuple[float, np.ndarray]:
    """Seconds that a call takes, and what it returns."""
    start = clock()
    value = function()
    return clock() - start, value
