# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The rows of the table: what was trained, and how it is sampled."""

from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from torch import Tensor

from mmdiffpose.diffusion.flow_samplers import FLOW_SAMPLERS
from mmdiffpose.diffusion.initial_distribution import (NoiseModel,
                                                       fit_pose_mixture,
                                                       initial_distribution,
                                                       joint_noise, pose_noise)
from mmdiffpose.diffusion.noise import GivenNoise, HypothesisNoise
from .methods import Known, Posteriors

CONTROL = 'Gaussian, predicted std x full correlation (control)'
EVALUATIONS = (1, 2, 3, 5, 8)
START_COMPONENTS = (1, 5, 9)
"""M of the mixtures that DiffPose's paper compares."""
START_SAMPLES = 128
"""Of H_K, that a mixture is fitted to."""

Sample = Callable[[Posteriors, Known, Tensor], Tuple[Tensor, Tensor]]


class Row(NamedTuple):
    """A way to draw hypotheses.

    Attributes:
        name: For the table.
        evaluations: Of the denoiser.
        sample: From what is known of B windows and standard normal noise
            (B, N, T or 1, J, 3) to hypotheses (B, N, T, J, 3) and the pose
            that is reported (B, T, J, 3), metres.
        share_frames: Whether a hypothesis has one draw for all frames.
        recentred: Whether hypotheses are moved onto the reported pose.
    """
    name: str
    evaluations: int
    sample: Sample
    share_frames: bool = True
    recentred: bool = True


def make_rows() -> List[Row]:
    """All rows, in the table's order."""
    rows = [
        Row('Gaussian, one covariance for all poses', 0, _one_covariance),
        Row('Gaussian, predicted std, independent', 0, _independent),
        Row(CONTROL, 0, _control),
        Row('NLL: mean and std by likelihood, independent', 0,
            _likelihood(False)),
        Row('NLL x full correlation', 0, _likelihood(True)),
    ]
    rows += [
        Row(
            _counted('residual diffusion, angle', number), number,
            _residual('residual', number)) for number in EVALUATIONS
    ]
    rows += [
        Row('the same, not recentred, 2 evaluations',
            2,
            _residual('residual', 2, recentre=False),
            recentred=False),
        Row('the same, second order (AB2), 3 evaluations', 3,
            _residual('residual', 3, 'angle_ab2')),
        Row('the same, a draw for each frame, 2 evaluations', 2,
            _residual('residual', 2), False),
        Row('residual diffusion, Heun in sigma, 3 evaluations', 3,
            _residual('residual', 3, 'heun')),
        Row('residual diffusion, DPM-Solver++ 2M, 3 evaluations', 3,
            _residual('residual', 3, 'dpmpp_2m')),
        Row('residual diffusion, DDIM, 3 evaluations', 3,
            _residual('residual', 3, 'euler')),
    ]
    rows += [
        Row(
            _counted('white noise, angle', number), number,
            _residual('white', number)) for number in (1, 2, 3)
    ]
    rows += [
        Row('white noise, Heun in sigma, 7 evaluations', 7,
            _residual('white', 7, 'heun')),
        Row('EDM of the pose itself, Heun, 7 evaluations',
            7,
            _absolute(7),
            recentred=False),
        Row('EDM of the pose itself, Heun, 19 evaluations',
            19,
            _absolute(19),
            recentred=False),
    ]
    rows += [
        Row(_counted("D3DP's setting, DDIM", number),
            number,
            _unit('d3dp', number),
            recentred=False) for number in (1, 2, 5, 10)
    ]
    rows += [
        Row(_counted('flow matching, unit noise', number),
            number,
            _unit('flow', number),
            recentred=False) for number in (1, 3, 5, 10)
    ]
    return rows + start_rows()


def start_rows() -> List[Row]:
    r"""DiffPose's ablations: where the reverse process starts.

    All sample the denoiser of white noise in two evaluations. "Stand-Diff"
    starts from N(0, 1), the others from :math:`H_K`: x and y around the
    refined pose, z from the histogram of the training poses or around the
    refined pose; either :math:`H_K` itself, or a mixture of M Gaussians that
    EM fits to it.
    """
    rows = [
        Row('start: N(0, 1) (Stand-Diff)', 2, _residual('white', 2)),
        Row('start: H_K around the pose, exact', 2, _started(None, False)),
        Row('start: H_K, depth histogram, exact', 2, _started(None, True)),
    ]
    return rows + [
        Row(f'start: H_K, depth histogram, M = {M} by EM', 2, _started(
            M, True)) for M in START_COMPONENTS
    ]


def _counted(name: str, number: int) -> str:
    return f'{name}, {number} evaluation{"s" if number > 1 else ""}'


def recentred(poses: Tensor, mean: Tensor) -> Tensor:
    """Hypotheses (B, N, T, J, 3) with the mean (B, T, J, 3)."""
    return poses - poses.mean(dim=1, keepdim=True) + mean[:, None]


def _rooted(poses: Tensor) -> Tensor:
    return poses - poses[..., :1, :]


def _around(mean: Tensor, residual: Tensor) -> Tuple[Tensor, Tensor]:
    return _rooted(recentred(mean[:, None] + residual, mean)), mean


def _one_covariance(rows: Posteriors, known: Known,
                    noise: Tensor) -> Tuple[Tensor, Tensor]:
    return _around(rows.regress(known)[0], rows.full.colour(noise))


def _independent(rows: Posteriors, known: Known,
                 noise: Tensor) -> Tuple[Tensor, Tensor]:
    mean, std = rows.regress(known)
    return _around(mean, std[:, None] * noise)


def _control(rows: Posteriors, known: Known,
             noise: Tensor) -> Tuple[Tensor, Tensor]:
    mean, std = rows.regress(known)
    return _around(mean, std[:, None] * rows.residual.colour(noise))


def _likelihood(correlated: bool) -> Sample:

    def sample(rows: Posteriors, known: Known,
               noise: Tensor) -> Tuple[Tensor, Tensor]:
        mean, std = rows.regress_by_likelihood(known)
        if correlated:
            noise = rows.nll_scaled.colour(noise)
        return _around(mean, std[:, None] * noise)

    return sample


def _residual(name: str,
              evaluations: int,
              sampler: str = 'angle',
              recentre: bool = True) -> Sample:
    FLOW_SAMPLERS[sampler].steps(evaluations)

    def sample(rows: Posteriors, known: Known,
               noise: Tensor) -> Tuple[Tensor, Tensor]:
        mean, std = rows.regress(known)
        poses = getattr(rows, name).sample(
            known.features,
            mean,
            std,
            noise,
            known.seen,
            evaluations=evaluations,
            sampler=sampler,
            recentre=recentre)
        return _rooted(poses), mean if recentre else _rooted(poses.mean(1))

    return sample


def _absolute(evaluations: int) -> Sample:

    def sample(rows: Posteriors, known: Known,
               noise: Tensor) -> Tuple[Tensor, Tensor]:
        poses = _rooted(
            rows.absolute.sample(
                known.features,
                *rows.flat(known),
                noise,
                known.seen,
                evaluations=evaluations,
                sampler='heun',
                sigma_max=20.,
                exponent=1.))
        return poses, poses.mean(1)

    return sample


def _unit(name: str, evaluations: int) -> Sample:

    def sample(rows: Posteriors, known: Known,
               noise: Tensor) -> Tuple[Tensor, Tensor]:
        frames = known.features.shape[1]
        poses = _rooted(
            getattr(rows, name).sample(known,
                                       noise.expand(-1, -1, frames, -1, -1),
                                       evaluations))
        return poses, poses.mean(1)

    return sample


def _started(components: Optional[int], histogram: bool) -> Sample:
    """From H_K, exactly (None) or through a fitted mixture."""

    def sample(rows: Posteriors, known: Known,
               noise: Tensor) -> Tuple[Tensor, Tensor]:
        mean, std = rows.regress(known)
        joints = initial_distribution(
            mean, std, xy='encoder', depths=rows.depths if histogram else None)
        B, N = noise.shape[:2]
        draws = HypothesisNoise(list(range(B)), N, *mean.shape[1:3])
        if components is None:
            start: NoiseModel = joint_noise(joints, draws)
        else:
            base = HypothesisNoise([0], START_SAMPLES, 1, mean.shape[2])
            start = pose_noise(
                fit_pose_mixture(
                    joints, components,
                    GivenNoise(base.normal(),
                               base.uniform()[..., None], 1)), draws)
        # As the process' noise: one draw for all frames of a hypothesis.
        white = draws.normal()[:, :, :1].expand(-1, -1, mean.shape[1], -1, -1)
        poses = rows.white.sample(
            known.features,
            mean,
            std,
            noise,
            known.seen,
            start.center + start.colour(white),
            evaluations=2,
            recentre=True)
        return _rooted(poses), mean

    return sample


def points(rows: Posteriors, known: Known) -> Dict[str, Tensor]:
    """Single poses: what no draw is needed for."""
    return {
        'first regression (Baseline A)': known.coarse,
        'second regression (Baseline B)': rows.regress(known)[0],
        'second regression, by likelihood':
        rows.regress_by_likelihood(known)[0],
    }
