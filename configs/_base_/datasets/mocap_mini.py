# Copyright (c) mmdiffpose contributors. All rights reserved.
# mocap-mini, the motion capture that comes with the package: real motion,
# four virtual cameras, simulated 2D detections. See
# mmdiffpose/data/mocap_mini_ATTRIBUTION.md.
_base_ = ['lifting.py']
seq_len = 27

# Fresh noise at every visit: on noise that it has seen before, an encoder is
# surer than it will be at test, and the head would learn to trust it.
train_pipeline = [
    dict(type='mmdiffpose.RedrawDetectorNoise'),
    *_base_.train_pipeline,
]

_dataset = dict(type='mmdiffpose.MocapMiniDataset', seq_len=seq_len)
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(
        **_dataset,
        split='train',
        # Turned copies of the clips: twelve viewing directions, not four.
        headings=(0., 30., 60.),
        stride=seq_len,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(**_dataset, split='val'))
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(**_dataset, split='test'))
