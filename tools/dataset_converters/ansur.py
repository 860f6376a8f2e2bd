# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Limb lengths of ANSUR II, for bodies that motions are given to.

Writes ``mmdiffpose/data/ansur_limbs.json``: mean and covariance of the
logarithms of ten lengths between joint centres, for women and for men, and
how much taller than from ankle to ear they are. Get
``ANSUR_II_FEMALE_Public.csv`` and ``ANSUR_II_MALE_Public.csv`` (the public
release of the US Army, 2017) into one folder::

    python tools/dataset_converters/ansur.py --data-root ansur

Gordon et al., 2012 Anthropometric Survey of U.S. Army Personnel: Methods and
Summary Statistics, NATICK/TR-15/007, defines what was measured: 4,082 men and
1,986 women, in millimetres (the weight in tenths of a kilogram). The files
are Latin-1.

A survey measures landmarks on the skin, a skeleton has joint centres. From
one to the other, heights being above the floor, of people who stand:

- **hip joint**: at the height of the trochanterion, the top of the greater
  trochanter, with which the centre of the femoral head is level in healthy
  hips; sideways 8 mm + 0.086 LL from the middle (Hara et al., Sci. Rep. 6,
  37707, 2016, from 157 CT scans), LL being the leg from the anterior spine of
  the pelvis to the malleolus. ANSUR II has no height of that spine; by the
  same paper the joint lies 9 mm + 0.078 LL below it, so
  LL = (trochanterion - malleolus + 9 mm) / (1 - 0.078).
- **knee**: at the height of the lateral epicondyle of the femur, through
  which its axis runs.
- **ankle** (Human3.6M's foot): at the height of the lateral malleolus.
- **shoulder joint**: 10.4 % of the distance from acromion to radiale below
  the acromion, **elbow**: 4.3 % of it above the radiale (de Leva, J. Biomech.
  29, 1231-1233, 1996); sideways 8 mm medial of the acromion, which overhangs
  the head of the humerus (acromion index of healthy shoulders: Nyffeler et
  al., J. Bone Joint Surg. Am. 88, 800-805, 2006).
- **wrist**: at the stylion.
- **spine**: at the height of the tenth rib; **thorax**: in the middle of the
  shoulders; **head**: at the height of the tragion, the ear. Human3.6M's
  neck base has no landmark here; it is put at 55 % of the way from thorax to
  head, between Human3.6M's 50 % and the 59 % of Acclaim skeletons.

Forward and sideways parts of the spine's and the legs' bones are left out;
they are some 2 cm, below one percent of the length.

``--compare`` prints where the actors of motion capture data sets lie among
these people: the basis of ``PLACEMENT`` in
``mmdiffpose/skeletons/limb_lengths.py``.
"""

import argparse
import csv
import io
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from mmdiffpose.datasets.mocap.asf_amc import read_motion
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                    map_joints)
from mmdiffpose.datasets.simulation.bodies import measure_lengths
from mmdiffpose.input_files import read_text
from mmdiffpose.skeletons.limb_lengths import (CHAIN, LENGTHS, TABLE,
                                               load_limb_table)

FILES = dict(
    women='ANSUR_II_FEMALE_Public.csv', men='ANSUR_II_MALE_Public.csv')
COLUMNS = ('stature', 'tragiontopofhead', 'acromialheight',
           'biacromialbreadth', 'acromionradialelength',
           'radialestylionlength', 'tenthribheight', 'trochanterionheight',
           'lateralfemoralepicondyleheight', 'lateralmalleolusheight')
NECK_SHARE = 0.55


def read_columns(path: Path) -> Dict[str, np.ndarray]:
    """The measurements that are needed, in millimetres.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a column is missing, or a value is no number from 20
            to 2500 mm.
    """
    text = read_text(path, "ANSUR's table (--help says where to get it)")
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline='')))
    except csv.Error as error:
        raise ValueError(
            f'{path} cannot be read as a table: {error}') from error
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise ValueError(f'{path} lacks the columns {missing}')
    columns = {}
    for name in COLUMNS:
        try:
            values = np.array([row[name] for row in rows], np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f'{path}, column {name}: {error}') from error
        if not ((values > 20) & (values < 2500)).all():
            raise ValueError(
                f'{path}, column {name}: expected millimetres from 20 to '
                f'2500, found {values.min()} to {values.max()}')
        columns[name] = values
    return columns


def joint_lengths(columns: Dict[str, np.ndarray]) -> np.ndarray:
    """Lengths between joint centres, as this module's docstring has them.

    Args:
        columns: Millimetres, P people each, by the names of ANSUR II.

    Returns:
        (P, 10) in metres, in the order of ``LENGTHS``.
    """
    hip = columns['trochanterionheight']
    knee = columns['lateralfemoralepicondyleheight']
    ankle = columns['lateralmalleolusheight']
    leg = (hip - ankle + 9) / (1 - 0.078)
    arm = columns['acromionradialelength']
    shoulder = columns['acromialheight'] - 0.104 * arm
    rib = columns['tenthribheight']
    head = columns['stature'] - columns['tragiontopofhead']
    lengths = dict(
        hip=8 + 0.086 * leg,
        thigh=hip - knee,
        shin=knee - ankle,
        lower_spine=rib - hip,
        upper_spine=shoulder - rib,
        neck=NECK_SHARE * (head - shoulder),
        head=(1 - NECK_SHARE) * (head - shoulder),
        shoulder=columns['biacromialbreadth'] / 2 - 8,
        upper_arm=(1 - 0.104 - 0.043) * arm,
        forearm=columns['radialestylionlength'] + 0.043 * arm)
    return np.stack([lengths[name] for name in LENGTHS], axis=1) / 1000


def make_table(data_root: Path) -> Dict[str, Any]:
    """The content of the table, from the two CSV files."""
    table: Dict[str, Any] = dict(
        source='ANSUR II, public release of the US Army (2017): Gordon et '
        'al., NATICK/TR-15/007. Made by tools/dataset_converters/ansur.py.',
        content='mean and covariance of log(length in metres); mean and '
        'standard deviation of log(stature / (ankle to ear))',
        lengths=list(LENGTHS))
    for sex, name in FILES.items():
        columns = read_columns(data_root / name)
        lengths = joint_lengths(columns)
        logs = np.log(lengths)
        chain = lengths[:, [list(LENGTHS).index(part) for part in CHAIN]]
        ratio = np.log(columns['stature'] / 1000 / chain.sum(axis=1))
        table[sex] = dict(
            people=len(logs),
            log_stature_over_chain=[
                round(float(ratio.mean()), 6),
                round(float(ratio.std(ddof=1)), 6)
            ],
            mean=logs.mean(axis=0).round(6).tolist(),
            covariance=np.cov(logs.T).round(8).tolist())
    return table


def actor_lengths(root: Path) -> Dict[str, np.ndarray]:
    """Lengths of each actor of an Acclaim data set, from one motion each.

    Returns:
        (10,) by the name of the skeleton file.

    Raises:
        FileNotFoundError: If a skeleton has no motion, or there is none.
    """
    actors = {}
    for skeleton in sorted(root.rglob('*.asf')):
        motions = sorted(skeleton.parent.glob(f'{skeleton.stem}_*.amc'))
        if not motions:
            raise FileNotFoundError(f'{skeleton} has no motion beside it')
        source, motion = read_motion(skeleton, motions[0])
        pose = map_joints(motion, source.joints, H36M_FROM_ACCLAIM)
        actors[skeleton.stem] = measure_lengths(pose)
    if not actors:
        raise FileNotFoundError(f'no *.asf below {root}')
    return actors


def compare(roots: Sequence[Path], leave_out: Sequence[str]) -> str:
    """Actors' lengths against ANSUR's men, as a table."""
    actors: Dict[str, np.ndarray] = {}
    for root in roots:
        actors.update(actor_lengths(root))
    for name in leave_out:
        if name not in actors:
            raise ValueError(f'no actor {name}, found {sorted(actors)}')
        del actors[name]
    table = load_limb_table()['men']
    spread = np.linalg.norm(table.factor, axis=1)
    ratios = np.log(np.array(list(actors.values()))) - table.mean
    between = np.var(ratios, axis=0, ddof=1) - spread**2
    rows = dict(zip(actors, ratios / spread))
    rows['mean log'] = ratios.mean(axis=0)
    rows['std log'] = np.sqrt(np.maximum(between, 0))
    lines = [
        'standard deviations of ANSUR\'s men; below, the actors\' mean '
        'and extra standard deviation in log units',
        ' ' * 10 + ''.join(f'{name:>12}' for name in LENGTHS)
    ]
    for name, values in rows.items():
        lines.append(f'{name:<10}' + ''.join(f'{v:12.2f}' for v in values))
    return '\n'.join(lines)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Write the table, or compare actors with it."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--data-root', type=Path, help='folder of the two CSV files')
    parser.add_argument('--out', type=Path, default=TABLE)
    parser.add_argument(
        '--compare',
        type=Path,
        nargs='+',
        metavar='FOLDER',
        help='print where the actors of Acclaim data sets lie, write nothing')
    parser.add_argument(
        '--leave-out',
        nargs='+',
        default=(),
        metavar='SKELETON',
        help='actors to leave out of --compare, for example HDM_mm HDM_tr')
    args = parser.parse_args(argv)
    if args.compare:
        print(compare(args.compare, args.leave_out))
        return
    if args.data_root is None:
        parser.error('--data-root is needed')
    text = dump(make_table(args.data_root))
    args.out.write_text(text, encoding='utf-8')
    print(f'{args.out}: {len(text)} bytes')


def dump(table: Dict[str, Any]) -> str:
    """JSON with one row of a matrix a line."""
    lines: List[str] = []
    for key, value in table.items():
        if not isinstance(value, dict):
            lines.append(f'"{key}": {json.dumps(value)}')
            continue
        rows = ',\n   '.join(json.dumps(row) for row in value['covariance'])
        stature = json.dumps(value['log_stature_over_chain'])
        lines.append(f'"{key}": {{\n  "people": {value["people"]},\n'
                     f'  "log_stature_over_chain": {stature},\n'
                     f'  "mean": {json.dumps(value["mean"])},\n'
                     f'  "covariance": [\n   {rows}]}}')
    return '{\n' + ',\n'.join(lines) + '\n}\n'


if __name__ == '__main__':
    main()
