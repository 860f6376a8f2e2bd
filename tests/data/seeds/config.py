# Copyright (c) mmdiffpose contributors. All rights reserved.
model = dict(type='PoseLifter')
