# Copyright (c) mmdiffpose contributors. All rights reserved.
# The control of diffhpe-wrapper_mixste_hdm05-27.py: the same network on the
# same condition, trained as long, as a single-pass regressor.
_base_ = [
    'diffhpe-wrapper_mixste_hdm05-27.py', '_base_/models/diffhpe_control.py'
]

# The loss stays; target and step_exponent are the diffusion's alone.
_diffusion = _base_.model.head
model = dict(
    head=dict(
        **_base_.control_model.head,
        _delete_=True,
        denoiser=_diffusion.denoiser,
        loss=_diffusion.loss,
        decoder=_diffusion.decoder),
    test_cfg=_base_.control_model.test_cfg)
custom_hooks = _base_.control_hooks
