# Copyright (c) mmdiffpose contributors. All rights reserved.
# Cascaded Pyramid Network (CVPR 2018) on COCO, ResNet-50, 256x192: the 2D
# detector of the lifting papers. Data, pipelines, evaluation and runtime are
# MMPose's; its README says where COCO goes (data/coco).
_base_ = ('mmpose::body_2d_keypoint/topdown_heatmap/coco/'
          'td-hm_res50_8xb64-210e_coco-256x192.py')

custom_imports = dict(imports=['mmdiffpose'], allow_failed_imports=False)

model = dict(
    backbone=dict(out_indices=(0, 1, 2, 3)),
    head=dict(
        _delete_=True,
        type='mmdiffpose.CPNHead',
        in_channels=(256, 512, 1024, 2048),
        out_channels=17,
        global_loss=dict(type='KeypointMSELoss', use_target_weight=True),
        refine_loss=dict(
            type='KeypointOHKMMSELoss', use_target_weight=True, topk=8),
        decoder=_base_.codec))
