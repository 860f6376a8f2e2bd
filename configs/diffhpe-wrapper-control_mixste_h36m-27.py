# Copyright (c) mmdiffpose contributors. All rights reserved.
# The control of diffhpe-wrapper_mixste_h36m-27.py: the same network on the
# same condition, trained as long, as a single-pass regressor.
_base_ = [
    'diffhpe-wrapper_mixste_h36m-27.py', '_base_/models/diffhpe_control.py'
]

model = _base_.control_model
custom_hooks = _base_.control_hooks
