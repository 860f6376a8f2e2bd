# Copyright (c) mmdiffpose contributors. All rights reserved.
# As hdm05_cmu.py, single frames.
_base_ = ['hdm05_1.py']

_hdm05 = dict(
    _base_.train_dataloader.dataset, headings=(0., 30., 60.), stride=15)
_cmu = dict(
    _hdm05,
    data_root='data/cmu/',
    subjects=None,
    ann_file='annotation_body3d/fps50/cmu_train.npz')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[_hdm05, _cmu],
        # Equal, but a dict of arrays, which ConcatDataset cannot compare.
        ignore_keys=['stats_info']))
