# Copyright (c) mmdiffpose contributors. All rights reserved.
# CMU's motion capture as additional training data for HDM05's benchmark, with
# the same cameras and the same simulated detector. The files are those of
# tools/dataset_converters/cmu.py, which reads this config.
_base_ = ['virtual_cameras.py']

# All subjects that were downloaded.
splits = dict(train=None)
