# Copyright (c) mmdiffpose contributors. All rights reserved.
# Cascaded Pyramid Network fine-tuned on Human3.6M, 256x256. Start from the
# weights of cpn_res50_coco-256x192.py:
#   python tools/train.py configs/cpn_res50_h36m-256x256.py \
#       --cfg-options load_from=CHECKPOINT
# The annotation files are those of MMPose's converter: COCO's format with
# Human3.6M's 17 joints. The schedule is our own choice.
_base_ = 'cpn_res50_coco-256x192.py'

codec = dict(
    type='MSRAHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=2)
model = dict(head=dict(decoder=codec))

dataset_type = 'BaseCocoStyleDataset'
data_root = 'data/h36m/'
metainfo = dict(from_file='configs/_base_/datasets/h36m.py')

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs')
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs')
]

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        data_mode='topdown',
        metainfo=metainfo,
        ann_file='annotation_body2d/h36m_coco_train.json',
        data_prefix=dict(img='images/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        data_mode='topdown',
        metainfo=metainfo,
        ann_file='annotation_body2d/h36m_coco_test.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=val_pipeline))
test_dataloader = val_dataloader

# EPE is the mean 2D error in pixels, what a lifter's input is judged by.
val_evaluator = [dict(type='PCKAccuracy', thr=0.05), dict(type='EPE')]
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=20, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [
    dict(
        type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(type='MultiStepLR', milestones=[14, 18], gamma=0.1, by_epoch=True)
]
default_hooks = dict(checkpoint=dict(interval=2, save_best='EPE', rule='less'))
