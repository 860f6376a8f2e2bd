# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Samplers become one graph of static shapes, without a break."""
import pytest
import torch
from head_cases import CASES, case_type, make, samples_hypotheses
from lifter_factory import batch

from mmdiffpose.deployment.lifter_graph import LifterGraph

HEADS = {case_type(case): case for case in CASES if samples_hypotheses(case)}
"""A case of each registered head that samples, the last one."""


def compiled_and_plain(case, **options):
    model = make(case)
    model.test_cfg = {**model.test_cfg, 'num_hypotheses': 2, **options}
    inputs, samples = batch([0, 1])
    mixtures = torch.stack(
        [one.gt_instance_labels.mixture_labels for one in samples])
    graph = LifterGraph(model, inputs, mixtures).eval()
    given = tuple(graph.inputs.values())
    torch.compiler.reset()
    # fullgraph raises at a break; the backend only runs what was recorded.
    recorded = torch.compile(
        graph, fullgraph=True, dynamic=False, backend='eager')
    return recorded(*given), graph(*given), graph.outputs


def check(found, expected, names):
    assert 'hypotheses' in names and len(found) == len(expected)
    for name, a, b in zip(names, found, expected):
        assert b.isfinite().all() and b.abs().max() > 0, name
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize('head', HEADS)
def test_every_head_s_sampler_is_one_graph(head):
    check(*compiled_and_plain(HEADS[head]))


@pytest.mark.parametrize('case, sampler', [
    ('ResidualDiffusionHead', 'heun'),
    ('DiffPoseHead, joint', 'ddpm'),
])
def test_samplers_are_one_graph(case, sampler):
    """One with two evaluations a step, one that draws in each."""
    check(*compiled_and_plain(case, sampler=sampler, num_sampling_steps=3))
