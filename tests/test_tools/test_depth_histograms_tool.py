# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The tool counts every frame of the training split once."""

from pathlib import Path

import numpy as np
import pytest

from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.diffusion.depth_histogram import read_depth_histogram
from mmdiffpose.skeletons import H36M_17

CONFIG = (Path(__file__).parents[2] / 'configs' / 'diffpose_mixste_mini-27.py')


def test_the_training_split_is_counted(load_tool, tmp_path, capsys):
    tool = load_tool('dataset_converters/depth_histograms')
    out = tmp_path / 'new' / 'depths.npz'
    tool.main([
        str(CONFIG), '--out',
        str(out), '--bin-width', '0.02', '--cfg-options',
        'train_dataloader.dataset.headings=(0.,)',
        'train_dataloader.dataset.cameras=[v1]'
    ])
    histogram = read_depth_histogram(out)
    dataset = MocapMiniDataset(seq_len=27, split='train', cameras=['v1'])
    dataset.full_init()
    depths = np.array([[joint[2] - pose[0][2] for joint in pose]
                       for sequence in dataset.sequences
                       for pose in sequence.keypoints_3d.astype(float)])
    with np.load(out) as content:
        assert content['frames'] == len(depths)
        assert content['joints'].tolist() == list(H36M_17.joints)
    for joint, mirrored in enumerate(H36M_17.flip_indices):
        both = np.concatenate([depths[:, joint], depths[:, mirrored]])
        counts, _ = np.histogram(both, histogram.edges)
        np.testing.assert_array_equal(histogram.counts[joint], counts)
        assert counts.sum() == 2 * len(depths)
    assert 'left and right together' in capsys.readouterr().out


def test_joined_data_sets_are_counted_together(load_tool, tmp_path):
    tool = load_tool('dataset_converters/depth_histograms')
    config = tmp_path / 'joined.py'
    config.write_text(
        "default_scope = 'mmpose'\n"
        "part = dict(type='mmdiffpose.MocapMiniDataset', split='val',\n"
        '            seq_len=9, pipeline=[])\n'
        'train_dataloader = dict(dataset=dict(\n'
        "    type='ConcatDataset', ignore_keys=['stats_info'], datasets=[\n"
        "        dict(part, cameras=['v0']), dict(part, cameras=['v1'])]))\n")
    both = tool.main([str(config), '--out', str(tmp_path / 'both.npz')])
    parts = [
        MocapMiniDataset(seq_len=9, split='val', cameras=[camera])
        for camera in ('v0', 'v1')
    ]
    assert both.counts[5].sum() == sum(
        len(depths) for part in parts for depths in tool.clip_depths(part))


def test_sides_stay_apart_where_nothing_is_mirrored(load_tool):
    tool = load_tool('dataset_converters/depth_histograms')
    flip = dict(type='mmdiffpose.LiftingFlip')
    other = dict(type='PackPoseInputs')
    assert tool.mirrors(dict(pipeline=[other, flip]))
    assert not tool.mirrors(dict(pipeline=[other]))
    assert tool.mirrors(dict(datasets=[dict(pipeline=[flip])]))


def test_other_data_sets_are_refused(load_tool, tmp_path):
    tool = load_tool('dataset_converters/depth_histograms')
    with pytest.raises(ValueError, match='found list'):
        list(tool.clip_depths([]))
    config = tmp_path / 'empty.py'
    config.write_text('model = dict()')
    with pytest.raises(ValueError, match='no train_dataloader'):
        tool.main([str(config), '--out', str(tmp_path / 'out.npz')])
    assert not (tmp_path / 'out.npz').exists()
