# Copyright (c) mmdiffpose contributors. All rights reserved.
# diffhpe-wrapper_mixste_hdm05-cmu-27.py and its frozen MixSTE, both trained
# with joints that go missing in all four patterns.
_base_ = ['diffhpe-wrapper_mixste_hdm05-cmu-27.py']

train_dataloader = dict(
    dataset=dict(datasets=[
        dict(part, occlusion=dict(pattern='mixture'))
        for part in _base_.train_dataloader.dataset.datasets
    ]))

train_cfg = dict(
    context_config='{{ fileDirname }}/mixste_hdm05-cmu-27_occluded.py')
