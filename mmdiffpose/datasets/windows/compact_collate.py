# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Batches that cost little on their way from a data loader's worker.

A lifting sample is some ten small tensors. PyTorch hands each of them from a
worker to the training process as a shared memory file of its own, which takes
several times as long as to make the sample. As plain bytes a whole batch is
one message.
"""

import io
import pickle
from typing import Any, Sequence

import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import get_worker_info

from mmdiffpose.registry import FUNCTIONS


class _BatchPickler(pickle.Pickler):
    """Writes CPU tensors as arrays."""

    def reducer_override(self, obj: Any) -> Any:
        """How a tensor is rebuilt; the rest as ever."""
        if type(obj) is not torch.Tensor or obj.layout is not torch.strided \
                or obj.device.type != 'cpu' or obj.requires_grad \
                or obj.dtype is torch.bfloat16:
            return NotImplemented
        return torch.from_numpy, (obj.contiguous().numpy(), )


class _Message:
    """A batch that becomes bytes, at its first pickling, and a batch again,
    at its unpickling."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def __reduce__(self) -> tuple:
        buffer = io.BytesIO()
        _BatchPickler(buffer, pickle.HIGHEST_PROTOCOL).dump(self.batch)
        return pickle.loads, (buffer.getvalue(), )


@FUNCTIONS.register_module()
def compact_collate(samples: Sequence[Any]) -> Any:
    """Collate as MMEngine's ``pseudo_collate`` does, cheaper with workers.

    In the training process itself it is ``pseudo_collate``. In a worker, the
    batch is sent as one string of bytes; the training process receives just
    what ``pseudo_collate`` returns. For samples of many small tensors; large
    ones, such as images, are better off in shared memory.

    Args:
        samples: Of the data set, dictionaries.

    Returns:
        dict: For each key the list of the samples' values.
    """
    batch = pseudo_collate(samples)
    return batch if get_worker_info() is None else _Message(batch)
