# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Choices among hypotheses that look at the ground truth.

They bound what an aggregation could reach and are no results: metrics report
them below ``oracle/``, and no head predicts with them.
"""

import torch
from torch import Tensor


def _window_errors(hypotheses: Tensor, target: Tensor) -> Tensor:
    """Mean joint error of each hypothesis over its window, (B, N)."""
    return (hypotheses - target[:, None]).norm(dim=-1).mean(dim=(2, 3))


def _take(hypotheses: Tensor, index: Tensor) -> Tensor:
    return hypotheses[torch.arange(len(index), device=index.device), index]


def oracle_best(hypotheses: Tensor, target: Tensor) -> Tensor:
    """The hypothesis of each window that is nearest to the ground truth.

    Args:
        hypotheses (Tensor): (B, N, T, J, 3), root-relative metres.
        target (Tensor): (B, T, J, 3), root-relative metres.

    Returns:
        Tensor: (B, T, J, 3), metres.
    """
    return _take(hypotheses, _window_errors(hypotheses, target).argmin(dim=1))


def oracle_worst(hypotheses: Tensor, target: Tensor) -> Tensor:
    """The hypothesis of each window that is farthest from the truth.

    Arguments and result as in :func:`oracle_best`.
    """
    return _take(hypotheses, _window_errors(hypotheses, target).argmax(dim=1))
