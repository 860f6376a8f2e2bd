# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Exported lifters say what the models themselves say."""
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from head_cases import GCN, make, predict
from lifter_factory import T, batch

from mmdiffpose.apis import (DiffusionPose3DInferencer, init_model,
                             lift_tracks, read_keypoint_tracks)
from mmdiffpose.cli.export import main
from mmdiffpose.deployment import onnx_export
from mmdiffpose.deployment.lifter_facts import read_meta, write_meta
from mmdiffpose.deployment.lifter_graph import Draws, LifterGraph
from mmdiffpose.deployment.onnx_export import DEMO, export_lifter
from mmdiffpose.deployment.onnx_lifter import OnnxLifter
from mmdiffpose.diffusion.noise import seed_from

onnxruntime = pytest.importorskip(
    'onnxruntime', reason='onnxruntime is not installed (extra "export")')
onnx = pytest.importorskip(
    'onnx', reason='onnx is not installed (extra "export")')
pytest.importorskip(
    'onnxscript', reason='onnxscript is not installed (extra "export")')


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    """A lifter of the zoo in a file, and what the command printed."""
    import contextlib
    import io
    path = tmp_path_factory.mktemp('onnx') / 'mixste.onnx'
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        main(['mixste', '--out', str(path)])
    return path, printed.getvalue()


def write(case, folder):
    """A small lifter of a kind of head, exported; and its model."""
    if case == 'ResidualDiffusionHead':
        model = make(case)
        model.test_cfg = dict(num_hypotheses=3, num_sampling_steps=2)
    else:
        # Wide enough for weights that the exporter copies for each step.
        model = make(case, denoiser=dict(GCN, channels=48, num_blocks=1))
        model.test_cfg = dict(
            num_hypotheses=3,
            sampler='ddim',
            eta=1.,
            clip=1.,
            num_sampling_steps=3)
    inputs, samples = batch([0, 1])
    mixtures = torch.stack(
        [one.gt_instance_labels.mixture_labels for one in samples])
    graph = LifterGraph(model, inputs, mixtures).eval()
    path = folder / 'lifter.onnx'
    onnx_export._write(graph, path, 20, '{}')
    return model, graph, path


def seeds_of(samples):
    """As heads make them: the caller's 0, the clip's name, the camera's."""
    return [
        seed_from(0, one.metainfo['clip'], one.metainfo['camera'])
        for one in samples
    ]


@pytest.mark.parametrize('case',
                         ['DiffPoseHead, joint', 'ResidualDiffusionHead'])
def test_a_sampler_gives_the_poses_of_predict(case, tmp_path):
    model, graph, path = write(case, tmp_path)
    # One file, and each weight in it once, however many steps use it.
    assert [one.name for one in tmp_path.iterdir()] == ['lifter.onnx']
    stored = [
        one.raw_data for one in onnx.load(path).graph.initializer
        if len(one.raw_data) > 4096
    ]
    assert stored and len(stored) == len(set(stored))
    session = onnxruntime.InferenceSession(path)
    for seeds in ([2, 3, 4], [5]):  # other numbers of windows than recorded
        inputs, samples = batch(seeds)
        given = dict(
            keypoints=inputs, **graph.draws.make(seeds_of(samples), T, 17))
        given['mixtures'] = torch.stack(
            [one.gt_instance_labels.mixture_labels for one in samples])
        found = session.run(['poses', 'std', 'hypotheses'], {
            one.name: given[one.name].numpy()
            for one in session.get_inputs()
        })
        for number, out in enumerate(predict(model, inputs, samples)):
            for value, expected in zip(found,
                                       (out.keypoints, out.keypoint_std,
                                        out.hypotheses.transpose(1, 0, 2, 3))):
                np.testing.assert_allclose(value[number], expected, atol=1e-4)


def test_the_command_says_what_it_wrote(exported):
    path, printed = exported
    lines = printed.splitlines()
    written, = [
        line for line in lines if line.startswith(f'written: {path}: ')
    ]
    assert 'opset 20' in written and 'weights, float32' in written
    assert 'input keypoints (batch, 27, 17, 3)' in lines
    assert 'output std (batch, 27, 17)' in lines
    for kind in ('random', 'real'):
        line, = [
            one for one in lines
            if f'on {kind} windows: ' in one and one.startswith('farthest')
        ]
        assert float(line.split()[-2]) < 0.1


def test_a_track_is_lifted_as_by_torch(exported):
    tracks = read_keypoint_tracks(DEMO)
    expected, = lift_tracks(init_model('mixste'), tracks)
    inferencer = DiffusionPose3DInferencer(
        'mixste', exported[0], backend='onnx')
    found, = lift_tracks(inferencer.model, tracks)
    for name in ('keypoints_3d', 'scores', 'std', 'covariance'):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), atol=1e-5)
    assert np.array_equal(found.frame_ids, expected.frame_ids)


def test_another_config_or_backend_is_refused(exported, tmp_path):
    with pytest.raises(ValueError, match='another config: model.backbone'):
        OnnxLifter(exported[0], 'diffhpe-2d')
    with pytest.raises(
            ValueError,
            match='model.test_cfg.flip_test is None there and True here'):
        OnnxLifter(
            exported[0],
            'mixste',
            cfg_options={'model.test_cfg': dict(flip_test=True)})
    with pytest.raises(ValueError, match='--backend onnx'):
        DiffusionPose3DInferencer('mixste', exported[0])
    with pytest.raises(ValueError, match='backend should be one of'):
        DiffusionPose3DInferencer('mixste', backend='tensorrt')
    with pytest.raises(FileNotFoundError, match='expected an ONNX file'):
        OnnxLifter(tmp_path / 'none.onnx', 'mixste')
    broken = tmp_path / 'broken.onnx'
    broken.write_bytes(b'no model')
    with pytest.raises(ValueError, match='expected an ONNX file of "mmdiff'):
        OnnxLifter(broken, 'mixste')


def test_the_example_lifts(exported, request):
    root = request.config.rootpath
    out = subprocess.run(
        [sys.executable, root / 'examples/lift_with_onnx.py', exported[0]],
        capture_output=True,
        text=True)
    assert out.returncode == 0, out.stderr
    assert out.stdout.startswith('81 poses of 17 joints')
    height = float(out.stdout.split('head ')[1].split()[0])
    assert 0.5 < height < 0.9


def test_poses_far_from_those_of_predict_are_not_written(
        tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, '_write', lambda *args: 0)

    class Off:

        def __init__(self, *args, **kwargs):
            self.session = None

    monkeypatch.setattr(onnx_export, 'OnnxLifter', Off)
    monkeypatch.setattr(onnx_export, 'compare', lambda *args:
                        (dict(random=2e-4, real=0.), 0.))
    with pytest.raises(ValueError, match='within 0.0001 m'):
        export_lifter('mixste', tmp_path / 'lifter.onnx')
    assert not list(tmp_path.iterdir())


def test_draws_are_those_of_a_head_in_its_order():
    """Uniform first: the generators of a window go on from draw to draw."""
    draws = Draws((0, 3, 5), num_hypotheses=2).make([7, 7], 4, 17)
    for row in range(2):
        for n in range(2):
            generator = torch.Generator().manual_seed(seed_from(7, n))
            uniform = torch.rand(4, 17, generator=generator)
            first = torch.randn(4, 17, 3, generator=generator)
            second = torch.randn(4, 17, 5, generator=generator)
            assert torch.equal(draws['uniform'][row, n, ..., 0], uniform)
            assert torch.equal(draws['noise'][row, n, ..., :3], first)
            assert torch.equal(draws['noise'][row, n, ..., 3:], second)
    shared = Draws((3, ), 1, share_frames=True).make([1], 4, 17)
    assert shared['noise'].shape == (1, 1, 1, 17, 3)
    assert not Draws().make([1], 4, 17)


def test_metainfo_survives_the_file():
    meta = dict(
        name='h36m',
        names={0: 'root'},
        size=np.float32(2),
        stats=dict(center=np.array([1., 2.], np.float32)),
        pairs=[(1, 2)])
    back = read_meta(json.loads(json.dumps(write_meta(meta))))
    assert back['names'] == {0: 'root'} and back['size'] == 2
    assert back['pairs'] == [[1, 2]]
    assert back['stats']['center'].dtype == np.float32
    assert back['stats']['center'].tolist() == [1, 2]
