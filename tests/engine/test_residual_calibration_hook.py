# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a validation measured lies beside the weights that it measured."""
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement, InstanceData
from torch.utils.data import Dataset

import mmdiffpose  # noqa: F401
from mmdiffpose.checkpoints.safe_classes import load_safely

LR, MOMENTUM, STEPS = .25, .5, 2
EMA = dict(type='EMAHook', momentum=MOMENTUM)


@DATASETS.register_module()
class OneFrame(Dataset):
    """One frame of two joints; the second one is at x = 3 m."""

    metainfo: dict = {}

    def __len__(self) -> int:
        return STEPS

    def __getitem__(self, index: int) -> Dict[str, Any]:
        truth = InstanceData(
            lifting_target=np.array([[[0., 0, 0], [3, 0, 0]]]),
            valid_frames=np.array([True]))
        sample = BaseDataElement()
        sample.gt_instances = truth
        return dict(inputs=torch.zeros(1), data_samples=sample)


class Head(torch.nn.Module):
    """What a measured head has."""

    root_index = 0

    def __init__(self) -> None:
        super().__init__()
        self.x = torch.nn.Parameter(torch.tensor(1.))
        self.register_buffer('residual_std', torch.full((2, 3), .1))
        self.register_buffer('calibrated', torch.tensor(False))

    def set_residual_std(self, std: torch.Tensor) -> None:
        """As in MeasuredHead."""
        self.residual_std.copy_(std)
        self.calibrated.fill_(True)


@MODELS.register_module()
class OneNumber(BaseModel):
    """Predicts the second joint's x by its only weight; the gradient is 1."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head()

    def forward(self,
                inputs: Any,
                data_samples: List[Any],
                mode: str = 'tensor') -> Any:
        """The weight itself as loss."""
        if mode == 'loss':
            return dict(loss=self.head.x * 1.)
        for sample in data_samples:
            pose = torch.zeros(1, 2, 3)
            pose[0, 1, 0] = self.head.x.detach()
            sample.pred_instances = InstanceData(keypoints=pose)
        return data_samples


@METRICS.register_module()
class Earlier(BaseMetric):
    """Each validation is the best one."""

    default_prefix = 'm'

    def process(self, data_batch: Any, data_samples: Any) -> None:
        """Count."""
        self.results.append(0)

    def compute_metrics(self, results: list) -> Dict[str, float]:
        """Fall."""
        self.value = getattr(self, 'value', 9.) - 1
        return dict(v=self.value)


def weights() -> List[List[float]]:
    """The weight and its average after each epoch, by hand."""
    x, average, found = 1., None, []
    for _ in range(2):
        for _ in range(STEPS):
            x -= LR
            average = x if average is None else (
                1 - MOMENTUM) * average + MOMENTUM * x
        found.append([x, average])
    return found


def train(folder: Path, hooks: list, checkpoint: str) -> None:
    loader = dict(
        batch_size=1,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='OneFrame'))
    Runner(
        model=dict(type='OneNumber'),
        work_dir=str(folder),
        train_dataloader=loader,
        val_dataloader=loader,
        val_evaluator=dict(type='Earlier'),
        val_cfg=dict(),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=LR)),
        custom_hooks=[dict(type='mmdiffpose.ResidualCalibrationHook'), *hooks],
        default_hooks=dict(
            checkpoint=dict(
                type=checkpoint, interval=1, save_best='m/v', rule='less')),
        default_scope='mmpose',
        log_level='ERROR',
        experiment_name=folder.name + checkpoint).train()


@pytest.mark.parametrize('hooks, saved', [
    ([], 0),
    ([EMA], 1),
    ([dict(EMA, update_buffers=True)], 1),
    ([dict(EMA, type='mmdiffpose.TrackedEMAHook')], 0),
])
@pytest.mark.parametrize('checkpoint',
                         ['CheckpointHook', 'mmdiffpose.SafeCheckpointHook'])
def test_the_residual_is_that_of_the_weights_beside_it(tmp_path, hooks, saved,
                                                       checkpoint):
    train(tmp_path, hooks, checkpoint)
    expected = weights()
    names = ['best_m_v_epoch_2.pth']
    if checkpoint != 'CheckpointHook':
        # MMEngine's are from before the validation, unless it is the best.
        names += ['epoch_1.pth', 'epoch_2.pth']
    for name in names:
        state = load_safely(tmp_path / name)['state_dict']
        x = expected[int(name[-5]) - 1][saved]
        assert state['head.x'].item() == pytest.approx(x), name
        assert bool(state['head.calibrated'])
        # The second joint should be at x = 3; 5 mm are the floor.
        torch.testing.assert_close(
            state['head.residual_std'],
            torch.tensor([[.005] * 3, [3 - x, .005, .005]]))
