# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import numpy as np
import pytest

from mmdiffpose.datasets.simulation.bodies import BodySampler
from mmdiffpose.skeletons.limb_lengths import (LENGTHS, PLACEMENT, TABLE,
                                               load_limb_table)

# Millimetres of one person; the weight's column is not needed.
PERSON = dict(
    SubjectId=1, stature=1700, tragiontopofhead=130, acromialheight=1400,
    biacromialbreadth=400, acromionradialelength=300,
    radialestylionlength=260, tenthribheight=1100, trochanterionheight=900,
    lateralfemoralepicondyleheight=480, lateralmalleolusheight=70,
    weightkg=800, SubjectsBirthLocation='Cura\xe7ao')  # yapf: disable
# By hand: shoulder 1400 - 31.2 = 1368.8, head 1570, LL = 839 / .922.
LENGTHS_MM = [86.25813, 420, 410, 200, 268.8, 110.66, 90.54, 192, 255.9, 272.9]


@pytest.fixture()
def tool(load_tool):
    return load_tool('dataset_converters/ansur')


def _write(folder, women, men):
    for name, people in (('FEMALE', women), ('MALE', men)):
        rows = [','.join(PERSON)]
        rows += [
            ','.join(str(person[key]) for key in PERSON) for person in people
        ]
        path = folder / f'ANSUR_II_{name}_Public.csv'
        path.write_text('\n'.join(rows) + '\n', encoding='latin-1')


def _larger(factor):
    return {
        key: value * factor if isinstance(value, int) else value
        for key, value in PERSON.items()
    }


def test_lengths_by_hand(tool, tmp_path):
    _write(tmp_path, [PERSON], [PERSON])
    columns = tool.read_columns(tmp_path / 'ANSUR_II_MALE_Public.csv')
    np.testing.assert_allclose(
        tool.joint_lengths(columns) * 1000, [LENGTHS_MM], rtol=1e-6)


def test_writes_a_table_that_is_read(tool, tmp_path):
    people = [_larger(factor) for factor in (.9, 1, 1.1)]
    _write(tmp_path, people, [PERSON, _larger(1.2)])
    tool.main(['--data-root', str(tmp_path), '--out', str(tmp_path / 't')])
    content = json.loads((tmp_path / 't').read_text())
    assert content['lengths'] == list(LENGTHS)
    assert (content['women']['people'], content['men']['people']) == (3, 2)
    table = load_limb_table(tmp_path / 't')
    # Thighs of .42 m times .9, 1 and 1.1: mean and variance of the logs.
    logs = np.log([.9, 1, 1.1])
    assert table['women'].mean[1] == pytest.approx(
        np.log(.42) + logs.mean(), abs=1e-6)
    covariance = table['women'].factor @ table['women'].factor.T
    assert covariance[1, 2] == pytest.approx(logs.var(ddof=1), abs=1e-7)
    # Ear at 1570, ankle at 70 mm, whatever the size.
    assert content['women']['log_stature_over_chain'] == [
        pytest.approx(np.log(1700 / 1500), abs=1e-6),
        pytest.approx(0, abs=1e-6)
    ]


def test_refuses_other_files(tool, tmp_path):
    path = tmp_path / 'ANSUR_II_MALE_Public.csv'
    with pytest.raises(FileNotFoundError, match='where to get it'):
        tool.read_columns(path)
    path.write_text('stature,weightkg\n1700,800\n')
    with pytest.raises(
            ValueError, match="lacks the columns.*'acromialheight'"):
        tool.read_columns(path)
    _write(tmp_path, [], [_larger(.1), PERSON])
    with pytest.raises(ValueError, match='expected millimetres from 20 to'):
        tool.read_columns(path)


def test_a_table_of_other_lengths_is_refused(tmp_path):
    path = tmp_path / 'old.json'
    path.write_text(json.dumps(dict(lengths=['thigh'])))
    with pytest.raises(ValueError, match=r"lengths \['thigh'\], expected"):
        load_limb_table(path)


def test_shipped_table_is_reproduced(tool, shared_dir):
    root = shared_dir / 'data/ansur'
    if not root.is_dir():
        pytest.skip(f'{root} does not exist')
    assert tool.dump(tool.make_table(root)) == TABLE.read_text()


def test_people_bracket_the_actors(tool, shared_dir):
    """Every length of every actor is one that people are drawn with."""
    root = shared_dir / 'data/hdm05'
    if not root.is_dir():
        pytest.skip(f'{root} does not exist')
    actors = np.array(list(tool.actor_lengths(root).values()))
    assert len(actors) == 5
    people = BodySampler(
        children=0, scaled=0).draw(np.random.default_rng(0), 20000)
    low, high = np.percentile(people, [.5, 99.5], axis=0)
    assert ((actors > low) & (actors < high)).all()


def test_placement_is_what_the_comparison_prints(tool, shared_dir, capsys):
    """Of the actors that are not tested on."""
    roots = [shared_dir / 'data' / name for name in ('hdm05', 'cmu')]
    for root in roots:
        if not root.is_dir():
            pytest.skip(f'{root} does not exist')
    tool.main(
        ['--compare', *map(str, roots), '--leave-out', 'HDM_mm', 'HDM_tr'])
    rows = {
        line[:10].strip(): line[10:].split()
        for line in capsys.readouterr().out.splitlines()[1:]
    }
    assert set(rows) == {
        '', '01', '02', '03', 'HDM_bd', 'HDM_bk', 'HDM_dg', 'mean log',
        'std log'
    }
    printed = dict(
        zip(rows[''],
            zip(*(map(float, rows[name])
                  for name in ('mean log', 'std log')))))
    assert printed == PLACEMENT


def test_nobody_of_a_name_to_leave_out(tool, shared_dir):
    root = shared_dir / 'data/hdm05'
    if not root.is_dir():
        pytest.skip(f'{root} does not exist')
    with pytest.raises(ValueError, match='no actor HDM_xy, found'):
        tool.compare([root], ['HDM_xy'])
