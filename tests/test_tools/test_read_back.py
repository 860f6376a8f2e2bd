# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The table of what other tools read back."""

import numpy as np
import pytest
from stiff_people import as_lifted, stiff_points

from mmdiffpose.files.result_files import write_results

TOOL = 'analysis_tools/read_back'


@pytest.fixture
def rows(load_tool, tmp_path, capsys):
    """Rows of the table for two people, one of whom comes back."""
    pytest.importorskip('c3d')
    pytest.importorskip('pybvh')
    points = stiff_points(frames=12)
    wrist = 13
    stretched = points.copy()
    stretched[3, wrist] += 0.1 * (points[3, wrist] - points[3, wrist - 1])
    one = as_lifted(stretched, frame_ids=np.array([*range(5), *range(20, 27)]))
    one.scores[2, 16] = one.scores_2d[2, 16] = 0
    two = as_lifted(points + [1, 0, 0], track_id=2)
    write_results([one, two], tmp_path / 'a',
                  ('npz', 'json', 'csv', 'trc', 'c3d', 'bvh'))
    load_tool(TOOL).main([str(tmp_path / 'a')])
    lines = capsys.readouterr().out.splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip('|').split('|')]
             for line in lines]
    forearm = np.linalg.norm(points[3, wrist] - points[3, wrist - 1])
    return {(row[0], row[1]): row[2:] for row in cells}, forearm * 100


def test_each_file_and_reader_has_a_row(rows):
    table, stretch = rows
    for (name, reader), (frames, written, lifted) in table.items():
        assert float(written) < 0.2, name
        stiff = name == 'a_person1_frame0.bvh'
        expected = stretch if stiff else 0
        assert float(lifted) == pytest.approx(expected, abs=0.2), name
    frames = {name: row[0] for (name, _), row in table.items()}
    assert frames['a_person1_frame0.bvh'] == '5'
    assert frames['a_person1_frame20.bvh'] == '7'
    assert frames['a_person1.c3d'] == frames['a_person2.trc'] == '12'
    assert frames['a.json, person 1'] == '12'


def test_zeros_and_missing_joints_are_found(load_tool):
    tool = load_tool(TOOL)
    truth = np.ones((3, 1, 3))
    seen = np.ones((3, 1), bool)
    with pytest.raises(ValueError, match='expected 3 frames, found 2'):
        tool.largest({'a': np.ones((2, 3))}, truth, ['a'], seen)
    zero = np.ones((3, 3))
    zero[1] = 0
    with pytest.raises(ValueError, match='0 0 0'):
        tool.largest({'a': zero}, truth, ['a'], seen)
    zero[1] = np.nan
    with pytest.raises(ValueError, match='missing in the file'):
        tool.largest({'a': zero}, truth, ['a'], seen)
    seen[1] = False
    assert tool.largest({'a': zero}, truth, ['a'], seen) == 0
