# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A regression small enough to train in a second, to test the runners."""

import atexit
import os
from typing import Any, Dict, List, Optional, Sequence, Union

import torch
import torch.distributed as dist
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from torch import Tensor
from torch.utils.data import Dataset

LEFT = 'the process group was left'
"""Printed by each of several processes that ends without one."""


@atexit.register
def _report_process_group() -> None:
    if 'RANK' in os.environ and not dist.is_initialized():
        print(LEFT, flush=True)


@DATASETS.register_module()
class TinyDataset(Dataset):
    """Sixteen points on a line, ``y = 3 x0 - 2 x1``."""

    metainfo = dict(dataset_name='tiny')

    def __init__(self, test_mode: bool = False) -> None:
        generator = torch.Generator().manual_seed(5)
        self.x = torch.randn(16, 2, generator=generator)
        self.y = self.x @ torch.tensor([3., -2.])

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Dict[str, Tensor]:
        return dict(x=self.x[index], y=self.y[index])


@MODELS.register_module()
class TinyModel(BaseModel):
    """One linear layer."""

    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(width, 1)

    def forward(self,
                x: Union[Tensor, List[Tensor]],
                y: Union[Tensor, List[Tensor]],
                mode: str = 'tensor') -> Any:
        """Loss in mode 'loss', else one squared error per sample."""
        x = torch.stack(list(x))
        y = torch.stack(list(y))
        errors = (self.layer(x).squeeze(1) - y)**2
        if mode == 'loss':
            return dict(loss=errors.mean())
        return [dict(squared_error=error) for error in errors]


@METRICS.register_module()
class TinyMetric(BaseMetric):
    """Mean squared error."""

    default_prefix: Optional[str] = 'tiny'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Collect the squared errors."""
        self.results.extend(
            float(sample['squared_error']) for sample in data_samples)

    def compute_metrics(self, results: list) -> Dict[str, float]:
        """Average them."""
        return dict(mse=sum(results) / len(results))
