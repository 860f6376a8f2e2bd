# Copyright (c) mmdiffpose contributors. All rights reserved.
from .lifting_losses import MixSTELoss, MPJPELoss, SquaredErrorLoss

__all__ = ['MixSTELoss', 'MPJPELoss', 'SquaredErrorLoss']
