# Copyright (c) mmdiffpose contributors. All rights reserved.
# HDM05's training actors and CMU's motion capture together, windows of 27
# frames: what the model zoo is trained on. The scene is also turned under the
# cameras. Validation and test are those of the benchmark hdm05-27. The files
# are those of tools/dataset_converters/hdm05.py and cmu.py.
_base_ = ['hdm05.py']

_hdm05 = dict(
    _base_.train_dataloader.dataset, headings=(0., 30., 60.), stride=27)
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
