# Copyright (c) mmdiffpose contributors. All rights reserved.
from pathlib import Path

import numpy as np
import pytest
from deepmimic_files import frame, write_character, write_motion

from mmdiffpose.datasets.world_motions import read_motions
from mmdiffpose.skeletons import H36M_17

J = H36M_17.index


@pytest.fixture()
def tool(load_tool, monkeypatch):
    monkeypatch.syspath_prepend(
        str(Path(__file__).parents[2] / 'tools/dataset_converters'))
    return load_tool('dataset_converters/world_motions')


@pytest.fixture()
def deepmimic(tmp_path):
    """The humanoid, who walks one metre and then kneels, and a dog."""
    root = tmp_path / 'data'
    (root / 'characters').mkdir(parents=True)
    (root / 'motions').mkdir()
    write_character(root / 'characters/humanoid3d.txt')
    write_motion(root / 'motions/humanoid3d_slow_walk.txt',
                 frame(.1, (0, .85, 0)), frame(0, (1, .85, 0)))
    bent = [-np.pi / 2]
    write_motion(
        root / 'motions/humanoid3d_kneel.txt',
        *[frame(.1, (0, .45, 0), right_knee=bent, left_knee=bent)] * 2)
    (root / 'motions/dog3d_pace.txt').write_text('{}')
    return root


def test_deepmimic_by_hand(tool, deepmimic, tmp_path):
    out = tmp_path / 'out.npz'
    tool.main(['--deepmimic', str(deepmimic), '--out', str(out)])
    motions = read_motions(out)
    assert motions.clips.tolist() == ['kneel', 'slow_walk']
    assert motions.actions.tolist() == ['kneel', 'slow_walk']
    assert set(motions.subjects) == {'humanoid3d'}
    assert set(motions.sources) == {'deepmimic'}
    assert motions.fps.tolist() == [120, 120]
    # A tenth of a second at 120 frames a second, both ends included.
    assert motions.starts.tolist() == [0, 13, 26]
    kneel, walk = motions.clip(0), motions.clip(1)
    assert kneel[0, J['left_foot']] == pytest.approx([-.4, .05, -.1])
    np.testing.assert_allclose(
        walk[:, J['head'], 0], np.linspace(0, 1, 13), atol=1e-6)


def test_both_kinds_of_sources_together(tool, deepmimic, shared_dir, tmp_path):
    hdm05 = shared_dir / 'data/hdm05'
    if not hdm05.is_dir():
        pytest.skip(f'{hdm05} does not exist')
    folder = tmp_path / 'hdm05'
    folder.mkdir()
    for name in ('HDM_dg.asf', 'HDM_dg_depositFloorR_013_120.amc'):
        found = next(hdm05.rglob(name))
        (folder / name).symlink_to(found)
    motions = tool.main([
        '--hdm05',
        str(folder), '--deepmimic',
        str(deepmimic), '--out',
        str(tmp_path / 'out.npz')
    ])
    assert motions.sources.tolist() == ['hdm05'] + ['deepmimic'] * 2
    assert motions.of_subjects(['dg']).actions.tolist() == ['depositFloorR']


def test_what_is_missing_is_said(tool, deepmimic, tmp_path, capsys):
    out = str(tmp_path / 'out.npz')
    with pytest.raises(FileNotFoundError, match='humanoid3d.txt does not'):
        tool.main(['--deepmimic', str(tmp_path), '--out', out])
    for path in (deepmimic / 'motions').iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match='no motions/humanoid3d_'):
        tool.main(['--deepmimic', str(deepmimic), '--out', out])
    with pytest.raises(SystemExit):
        tool.main(['--out', out])
    assert '--hdm05, --cmu, --deepmimic' in capsys.readouterr().err
