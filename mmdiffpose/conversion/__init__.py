# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Published weights of other code, as checkpoints of this package's models.

One file per method says where each of its tensors goes; ``official_files``
reads what the published code saved, ``weight_table`` keeps count,
``pipeline`` writes the checkpoint and the config that goes with it.
"""

from .official_files import OfficialFile, read_official
from .pipeline import CONVERTERS, KEYPOINTS, Report, convert_official
from .weight_table import Conversion, WeightTable, identify

__all__ = [
    'CONVERTERS', 'Conversion', 'KEYPOINTS', 'OfficialFile', 'Report',
    'WeightTable', 'convert_official', 'identify', 'read_official'
]
