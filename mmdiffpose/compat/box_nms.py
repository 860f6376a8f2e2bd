# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Greedy non-maximum suppression of boxes in plain torch."""

import torch
from torch import Tensor


def greedy_nms(bboxes: Tensor,
               scores: Tensor,
               iou_threshold: float,
               offset: int = 0) -> Tensor:
    """Keep the best box of every group of overlapping boxes.

    Has the signature and the result of MMCV's compiled operator ``nms``.
    Every step needs the result of the one before, so boxes on a GPU are
    handled on the CPU: one transfer instead of one per box.

    Args:
        bboxes (Tensor): Boxes ``(x1, y1, x2, y2)`` in pixels, shape (N, 4).
        scores (Tensor): Scores, shape (N, ).
        iou_threshold (float): A box goes when its intersection over union
            with a better, kept box is greater than this.
        offset (int): What to add to ``x2 - x1`` and ``y2 - y1`` to get a
            width and a height: 1 where the corners are pixel indices.
            Defaults to 0.

    Returns:
        Tensor: Indices of the kept boxes, best first, shape (M, ).
    """
    boxes = bboxes.detach().to('cpu', torch.float64)
    order = scores.detach().cpu().sort(descending=True, stable=True).indices
    boxes = boxes[order]
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    areas = (x2 - x1 + offset) * (y2 - y1 + offset)
    suppressed = torch.zeros(len(boxes), dtype=torch.bool)
    for i in range(len(boxes)):
        if suppressed[i]:
            continue
        rest = slice(i + 1, None)
        widths = torch.minimum(x2[i], x2[rest]) - torch.maximum(
            x1[i], x1[rest]) + offset
        heights = torch.minimum(y2[i], y2[rest]) - torch.maximum(
            y1[i], y1[rest]) + offset
        overlaps = widths.clamp(min=0) * heights.clamp(min=0)
        unions = areas[i] + areas[rest] - overlaps
        # A product instead of a quotient: two empty boxes have no union.
        suppressed[rest] |= overlaps > iou_threshold * unions
    return order[~suppressed].to(bboxes.device)
