# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""CMU's motion capture for mmdiffpose: 50 fps, virtual cameras, simulated 2D.

Get ``allasfamc.zip`` (or single subjects) from http://mocap.cs.cmu.edu; it
unpacks to ``subjects/NN/NN.asf`` and ``subjects/NN/NN_MM.amc``::

    python tools/dataset_converters/cmu.py --data-root allasfamc/subjects \
        --out-dir data/cmu

The data is free for all uses, but not to be resold, even converted: "The
data used in this project was obtained from mocap.cs.cmu.edu. The database was
created with funding from NSF EIA-0196217."
"""

import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from open_mocap import MocapFile, convert, parse_args

MOTION_NAME = re.compile(r'(?P<subject>\d+)_(?P<motion>\d+)\.amc$')
FPS = 120.
"""Frames a second of the AMC files."""


def find_files(root: Path) -> List[MocapFile]:
    """All motions below a folder.

    Raises:
        FileNotFoundError: If there is none, or a subject's skeleton is
            missing.
    """
    files = []
    for path in sorted(root.rglob('*.amc')):
        match = MOTION_NAME.match(path.name)
        if match is None:
            raise ValueError(
                f'{path} is not called <subject>_<motion>.amc; whose motion '
                'it is cannot be told')
        skeleton = path.with_name(f'{match["subject"]}.asf')
        if not skeleton.is_file():
            raise FileNotFoundError(
                f'{skeleton} does not exist, but {path.name} needs it')
        files.append(
            MocapFile(match['subject'], f'motion_{match["motion"]}', skeleton,
                      path, FPS))
    if not files:
        raise FileNotFoundError(
            f'no *.amc below {root}; see --help for where to get them')
    return files


def main(argv: Optional[Sequence[str]] = None) -> Dict[str, Any]:
    """Run the converter; returns the report that it writes."""
    args = parse_args(__doc__, 'cmu', argv)
    return convert(args, 'cmu', find_files(args.data_root))


if __name__ == '__main__':
    main()
