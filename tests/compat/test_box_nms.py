# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The plain-torch suppression against its definition."""

from typing import List

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmdiffpose.compat.box_nms import greedy_nms


def _iou(a: List[float], b: List[float], offset: int) -> float:
    width = max(0., min(a[2], b[2]) - max(a[0], b[0]) + offset)
    height = max(0., min(a[3], b[3]) - max(a[1], b[1]) + offset)

    def area(box: List[float]) -> float:
        return (box[2] - box[0] + offset) * (box[3] - box[1] + offset)

    union = area(a) + area(b) - width * height
    return width * height / union if union > 0 else 0.


def _by_definition(boxes: Tensor, scores: Tensor, threshold: float,
                   offset: int) -> List[int]:
    order = sorted(range(len(scores)), key=lambda i: -float(scores[i]))
    kept: List[int] = []
    for i in order:
        if all(
                _iou(boxes[i].tolist(), boxes[j].tolist(), offset) <= threshold
                for j in kept):
            kept.append(i)
    return kept


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**16),
    count=st.integers(0, 30),
    threshold=st.sampled_from([0., 0.3, 0.5, 0.7, 1.]),
    offset=st.sampled_from([0, 1]))
def test_keeps_what_the_definition_keeps(seed: int, count: int,
                                         threshold: float,
                                         offset: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, 20, (count, 2), generator=generator)
    size = torch.randint(0, 12, (count, 2), generator=generator)
    boxes = torch.cat([corner, corner + size], dim=1).double()
    scores = torch.rand(count, generator=generator)
    kept = greedy_nms(boxes, scores, threshold, offset)
    assert kept.tolist() == _by_definition(boxes, scores, threshold, offset)


def test_agrees_with_compiled_operator() -> None:
    extension = pytest.importorskip(
        'mmcv._ext', reason='needs a full mmcv, not mmcv-lite')
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(200, 2, generator=generator) * 100
    size = torch.rand(200, 2, generator=generator) * 60
    boxes = torch.cat([corner, corner + size], dim=1)
    scores = torch.rand(200, generator=generator)
    expected = extension.nms(boxes, scores, iou_threshold=0.5, offset=0)
    assert greedy_nms(boxes, scores, 0.5).tolist() == expected.tolist()
