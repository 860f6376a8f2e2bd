# Copyright (c) mmdiffpose contributors. All rights reserved.
# What all configs share: scope, hooks, environment, logging.
default_scope = 'mmpose'
custom_imports = dict(imports=['mmdiffpose'], allow_failed_imports=False)

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=100, log_metric_by_epoch=True),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # Chosen on the validation split, never on the test split.
    checkpoint=dict(
        type='mmdiffpose.SafeCheckpointHook',
        interval=1,
        save_best='MPJPE_mm',
        rule='less',
        max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    seeded_draws=dict(type='mmdiffpose.SeededDrawsHook'),
    kept_memory=dict(type='mmdiffpose.KeptMemoryHook'))
custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ResumedScheduleHook'),
    dict(type='mmdiffpose.ProgressBarHook'),
]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))
randomness = dict(seed=0)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(
    type='mmdiffpose.Pose3dLifterVisualizer',
    vis_backends=vis_backends,
    name='visualizer')
log_processor = dict(by_epoch=True, num_digits=6, window_size=50)
log_level = 'INFO'
load_from = None
resume = False
