# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""CMU's motion capture for mmdiffpose: 50 fps, virtual cameras, simulated 2D.

Get ``allasfamc.zip`` (or single subjects) from http://mocap.cs.cmu.edu; it
unpacks to ``subjects/NN/NN.asf`` and ``subjects/NN/NN_MM.amc``::

    python tools/dataset_converters/cmu.py --data-root allasfamc/subjects \
        --out-dir data/cmu

The files do not say their frame rate. Most trials have 120 frames a second,
some 500 have 60: each subject's page of the site lists them ("Framerate"),
though not always rightly. Those of most trials are known
(``mmdiffpose/data/cmu_frame_rates.csv`` says from where); give others in a
table, a line of ``<subject, or subject_motion, or subject_first-last>,<rate>``
each, and the rate of all the rest where you know it::

    python tools/dataset_converters/cmu.py --rates rates.csv --fps 120 ...

The data is free for all uses, but not to be resold, even converted: "The
data used in this project was obtained from mocap.cs.cmu.edu. The database was
created with funding from NSF EIA-0196217."
"""

import re
import warnings
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from open_mocap import MocapFile, convert, make_parser

import mmdiffpose
from mmdiffpose.input_files import MAX_UNFOLDED, printable, read_text, visible

MOTION_NAME = re.compile(r'(?P<subject>\d+)_(?P<motion>\d+)\.amc$')
FPS = 120.
"""Frames a second of most AMC files."""
KNOWN = Path(mmdiffpose.__file__).parent / 'data' / 'cmu_frame_rates.csv'
"""Rates that are known."""

Rates = Mapping[str, float]
"""Frames a second by subject (``'89'``) or trial (``'89_01'``)."""

_RATE = (r'([0-9]{1,6})(?:_([0-9]{1,4})(?:-([0-9]{1,4}))?)?'
         r'\s*[,;\s]\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)')
"""A line of a table of rates: subject, first and last motion, rate."""


def read_rates(path: Path) -> Rates:
    """A table of frame rates.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not ``<subject or trials>,<rate>``, or there
            is none.
    """
    rates: Dict[str, float] = {}
    header = True
    for number, line in enumerate(
            read_text(path, 'a table of frame rates').splitlines(), 1):
        line = line.split('#')[0].strip()
        if not line or (header and not line[0].isdecimal()):
            header = header and not line
            continue
        header = False
        match = re.fullmatch(_RATE, line)
        if (match is None or not float(match[4]) > 0
                or int(match[3] or match[2] or 0) < int(match[2] or 0)):
            raise ValueError(f'{printable(path)}, line {number}: expected '
                             '<subject or subject_motion>,<frames a second>, '
                             f'found {line!r:.80}')
        subject, first, last, rate = match.groups()
        names = [subject]
        if first is not None:
            names = [
                f'{subject}_{motion:0{len(first)}d}'
                for motion in range(int(first),
                                    int(last or first) + 1)
            ]
        rates.update(dict.fromkeys(names, float(rate)))
        if len(rates) > MAX_UNFOLDED:
            raise ValueError(f'{printable(path)}, line {number}: expected at '
                             f'most {MAX_UNFOLDED} motions, found more')
    if not rates:
        raise ValueError(f'{printable(path)}: expected lines <subject or '
                         'subject_motion>,<frames a second>, found none')
    return rates


def find_files(root: Path,
               rates: Optional[Rates] = None,
               fps: Optional[float] = None) -> List[MocapFile]:
    """All motions below a folder.

    Args:
        root: The folder.
        rates: Frames a second of some; they come before those of
            :data:`KNOWN`.
        fps: Frames a second of the others; without it 120 is taken, with a
            warning.

    Raises:
        FileNotFoundError: If there is none, or a subject's skeleton is
            missing.
        ValueError: If there is no file of a subject or trial in ``rates``.
    """
    rates = rates or {}
    known = read_rates(KNOWN)
    if fps is not None and not fps > 0:
        raise ValueError(f'fps should be above 0, got {fps}')
    files = []
    used, assumed = set(), []
    for path in visible(root.rglob('*.amc')):
        match = MOTION_NAME.match(path.name)
        if match is None:
            raise ValueError(
                f'{path} is not called <subject>_<motion>.amc; whose motion '
                'it is cannot be told')
        skeleton = path.with_name(f'{match["subject"]}.asf')
        if not skeleton.is_file():
            raise FileNotFoundError(
                f'{skeleton} does not exist, but {path.name} needs it')
        names = (path.stem, match['subject'])
        used.update(names)
        rate = next((table[name] for table in (rates, known)
                     for name in names if name in table), fps)
        if rate is None:
            assumed.append(path.stem)
        files.append(
            MocapFile(match['subject'], f'motion_{match["motion"]}', skeleton,
                      path, rate or FPS))
    if not files:
        raise FileNotFoundError(
            f'no *.amc below {root}; see --help for where to get them')
    strange = sorted(set(rates) - used)
    if strange:
        raise ValueError(f'there are rates of {strange[:9]}, but no files of '
                         f'them below {root}')
    if assumed:
        warnings.warn(note_of(assumed))
    return files


def note_of(assumed: Sequence[str]) -> str:
    """What to say of trials whose frame rate nobody gave."""
    return (
        f'{len(assumed)} trials are taken as of {FPS:g} frames a second, '
        f'which their files do not say ({assumed[0]} to {assumed[-1]}); '
        'some 500 of CMU have 60: give those with --rates, and the rate of '
        'all others with --fps')


def main(argv: Optional[Sequence[str]] = None) -> Dict[str, Any]:
    """Run the converter; returns the report that it writes."""
    parser = make_parser(__doc__, 'cmu')
    parser.add_argument(
        '--rates',
        type=Path,
        help='table of frames a second by subject or trial')
    parser.add_argument(
        '--fps',
        type=float,
        help='frames a second of those that are neither in the table nor '
        'known (default: 120, with a warning)')
    args = parser.parse_args(argv)
    rates = {} if args.rates is None else read_rates(args.rates)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        files = find_files(args.data_root, rates, args.fps)
    return convert(args, 'cmu', files, [str(w.message) for w in said])


if __name__ == '__main__':
    main()
