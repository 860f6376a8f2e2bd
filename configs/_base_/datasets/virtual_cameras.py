# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Four virtual cameras and a simulated detector for motion capture.

Fixed before any training and never tuned on a test error. Another camera or
another noise is another benchmark: give it another name.
"""

# Pixels, and metres in a right-handed world with y up. Like Human3.6M's: some
# 5 m away, 1.6 m high, pitched down by 5 to 6 degrees, one in each quadrant.
virtual_cameras = [
    dict(
        name='v0',
        width=1000,
        height=1000,
        focal=(1145.0, 1144.0),
        center=(512.0, 515.0),
        position=(3.263, 1.58, 4.1765),
        target=(0., 1.1, 0.)),
    dict(
        name='v1',
        width=1000,
        height=1000,
        focal=(1149.0, 1148.0),
        center=(509.0, 508.0),
        position=(4.3925, 1.65, -3.31),
        target=(0., 1.1, 0.)),
    dict(
        name='v2',
        width=1000,
        height=1000,
        focal=(1146.0, 1145.0),
        center=(491.0, 502.0),
        position=(-3.2725, 1.6, -4.0412),
        target=(0., 1.1, 0.)),
    dict(
        name='v3',
        width=1000,
        height=1000,
        focal=(1145.0, 1143.0),
        center=(515.0, 497.0),
        position=(-4.2553, 1.55, 3.3246),
        target=(0., 1.1, 0.)),
]

# Arguments of mmdiffpose.datasets.simulation.detector_noise.DetectorNoise.
detector_noise = dict()
detector_seed = 0

# Arguments of mmdiffpose.datasets.simulation.self_occlusion.SelfOcclusion, or
# None: joints that the own body hides are no worse than others.
self_occlusion = None
