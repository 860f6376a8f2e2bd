# Copyright (c) mmdiffpose contributors. All rights reserved.
# diffhpe-wrapper_mixste_hdm05-cmu-27.py and its frozen MixSTE, both trained
# with joints that go missing in all four patterns.
_base_ = ['diffhpe-wrapper_mixste_hdm05-cmu-27.py']

max_epochs = 3
train_dataloader = dict(
    dataset=dict(datasets=[
        dict(part, occlusion=dict(pattern='mixture'))
        for part in _base_.train_dataloader.dataset.datasets
    ]))

param_scheduler = [
    dict(_base_.warmup, end=100),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=max_epochs,
    context_config='{{ fileDirname }}/mixste_hdm05-cmu-27_occluded.py')
