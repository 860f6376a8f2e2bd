# Copyright (c) mmdiffpose contributors. All rights reserved.
# mixste_hdm05-cmu-27.py, trained with joints that go missing in all four
# patterns. It goes on from that model:
#   python tools/train.py configs/mixste_hdm05-cmu-27_occluded.py \
#       --cfg-options load_from=mmdiffpose/zoo/mixste_hdm05-cmu-27.safetensors
_base_ = ['mixste_hdm05-cmu-27.py']

max_epochs = 3
train_dataloader = dict(
    dataset=dict(datasets=[
        dict(part, occlusion=dict(pattern='mixture'))
        for part in _base_.train_dataloader.dataset.datasets
    ]))

optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(_base_.warmup, end=50),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
