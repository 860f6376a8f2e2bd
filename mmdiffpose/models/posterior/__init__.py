# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A pose's distribution given the context: mean, std, and the rest."""
from .regressors import RefiningRegressor, ResidualStdRegressor
from .residual_diffusion import ResidualDiffusion

__all__ = ['RefiningRegressor', 'ResidualDiffusion', 'ResidualStdRegressor']
