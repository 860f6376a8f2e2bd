# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
from mini_motions import write_mini_motions

from mmdiffpose.datasets.views_grid import (GRID, STANDARD, cell_simulator,
                                            cells)
from mmdiffpose.datasets.world_motions import read_motions


def test_one_thing_is_varied_at_a_time():
    grid = list(cells(list(GRID)))
    assert len(grid) == 40
    for entry in grid:
        changed = {
            key
            for key, value in entry['cell'].items() if value != STANDARD[key]
        }
        assert changed <= {entry['factor']}


def test_a_cell_draws_what_it_says(tmp_path):
    motions = read_motions(write_mini_motions(tmp_path / 'motions.npz'))
    cell = {**STANDARD, 'pitch': 30., 'roll': 20., 'fps': 25., 'scale': .75}
    drawn = cell_simulator(motions, cell).draw(range(8), 0)
    np.testing.assert_allclose(drawn['pitch'], 30, atol=.1)
    np.testing.assert_allclose(drawn['roll'], 20, atol=.1)
    np.testing.assert_allclose(drawn['fps'], 25)
    own = cell_simulator(motions, {**cell, 'scale': 1.}).draw(range(8), 0)
    # Everybody three quarters as large, whatever else was drawn.
    size = np.linalg.norm(np.diff(drawn['targets'][..., [1, 2], :], axis=-2))
    full = np.linalg.norm(np.diff(own['targets'][..., [1, 2], :], axis=-2))
    assert abs(size / full - .75) < 1e-3
