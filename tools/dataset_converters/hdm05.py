# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""HDM05 for mmdiffpose: 50 fps, four virtual cameras, simulated 2D.

Get the Acclaim files (``HDM_<actor>.asf`` and
``HDM_<actor>_<motion>_<take>_120.amc``) from
https://resources.mpi-inf.mpg.de/HDM05/ into one folder, subfolders allowed::

    python tools/dataset_converters/hdm05.py --data-root HDM05 \
        --out-dir data/hdm05

HDM05 is licensed CC BY-SA 3.0, and so is a converted copy: "The data used in
this project was obtained from HDM05" (Mueller et al., Documentation Mocap
Database HDM05, Universitaet Bonn, CG-2007-2).
"""

import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from open_mocap import MocapFile, convert, make_parser

from mmdiffpose.input_files import visible

MOTION_NAME = re.compile(
    r'HDM_(?P<actor>[a-z]+)_(?P<motion>[A-Za-z0-9]+)_(?P<take>\d+)_'
    r'(?P<fps>\d+)\.amc$')


def find_files(root: Path) -> List[MocapFile]:
    """All motions below a folder.

    Raises:
        FileNotFoundError: If there is none, or an actor's skeleton is
            missing.
    """
    skeletons = {path.name: path for path in visible(root.rglob('HDM_*.asf'))}
    files = []
    for path in visible(root.rglob('HDM_*.amc')):
        match = MOTION_NAME.match(path.name)
        if match is None:
            raise ValueError(
                f'{path} is not called HDM_<actor>_<motion>_<take>_<frame '
                'rate>.amc; which motion of whom it is cannot be told')
        skeleton = f'HDM_{match["actor"]}.asf'
        if skeleton not in skeletons:
            raise FileNotFoundError(
                f'{root / skeleton} does not exist, but {path.name} needs it')
        files.append(
            MocapFile(match['actor'], f'{match["motion"]}_{match["take"]}',
                      skeletons[skeleton], path, float(match['fps'])))
    if not files:
        raise FileNotFoundError(
            f'no HDM_*.amc below {root}; see --help for where to get them')
    return files


def main(argv: Optional[Sequence[str]] = None) -> Dict[str, Any]:
    """Run the converter; returns the report that it writes."""
    args = make_parser(__doc__, 'hdm05').parse_args(argv)
    return convert(args, 'hdm05', find_files(args.data_root))


if __name__ == '__main__':
    main()
