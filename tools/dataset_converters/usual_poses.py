# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write how people usually stand, for joints that no detector saw.

    python tools/dataset_converters/usual_poses.py

From all frames of mocap-mini, as they are and mirrored, and for cameras that
look at them levelly from any side, all alike:

* ``height``: mean height of each joint above the root, metres;
* ``across`` and ``up``: covariances of the joints' places in the picture,
  horizontally and vertically, relative to the root, square metres. From all
  sides the mean of the former is 0, and it does not correlate with the
  latter.

``mmdiffpose.lifting.usual_poses`` reads the file.
"""

import argparse
import json
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini
from mmdiffpose.lifting.usual_poses import PATH
from mmdiffpose.skeletons import H36M_17

DIGITS = 5


def usual_poses() -> Dict[str, List]:
    """What the file holds."""
    clips, _ = load_mocap_mini()
    poses = np.concatenate([clip.positions for clip in clips]).astype(float)
    poses -= poses[:, :1]
    mirrored = poses[:, list(H36M_17.flip_indices)] * [-1, 1, 1]
    poses = np.concatenate([poses, mirrored])
    count = len(poses)
    # Seen from all sides x is X cos a + Z sin a; over a, E x x' is
    # (X X' + Z Z') / 2.
    level = poses[..., ::2]
    across = np.einsum('fid,fjd->ij', level, level) / (2 * count)
    height = poses[..., 1].mean(0)
    rest = poses[..., 1] - height
    statistics = dict(height=height, across=across, up=rest.T @ rest / count)
    return {
        'joints': list(H36M_17.joints),
        **{
            name: np.round(values, DIGITS).tolist()
            for name, values in statistics.items()
        }
    }


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=PATH)
    path = parser.parse_args(argv).out
    lines = (f'"{name}": {json.dumps(values)}'
             for name, values in usual_poses().items())
    path.write_text('{' + ',\n'.join(lines) + '}\n', encoding='utf-8')
    print(f'written: {path}')


if __name__ == '__main__':
    main()
