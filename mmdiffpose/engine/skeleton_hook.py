# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The joints of the data, of the model and of its checkpoint are the same."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmdiffpose.checkpoints import joint_transfer
from mmdiffpose.registry import HOOKS
from mmdiffpose.skeletons import H36M_17, Skeleton, skeleton_from_metainfo
from .residual_calibration_hook import unwrap


@HOOKS.register_module()
class SkeletonHook(Hook):
    """Carries weights over to the data's joints, or refuses them.

    A checkpoint of the same joints in another order is reordered, exactly. In
    training (``load_from``) one of other joints is a start: those of the same
    name get their weights, others the mean of their neighbours'. A test of
    such a checkpoint, and resuming from one, is refused. The command lines
    add this hook.

    Args:
        transfer (bool): Whether other joints are allowed. Defaults to False.
    """

    # Before StrictLoadingHook, which compares shapes.
    priority = 'HIGH'

    def __init__(self, transfer: bool = False) -> None:
        self.transfer = transfer

    def before_train(self, runner: Runner) -> None:
        """Compare the data sets that training and validation really use."""
        self._compare(runner, runner.train_dataloader)
        if runner.val_loop is not None:
            self._compare(runner, runner.val_loop.dataloader)

    def before_val(self, runner: Runner) -> None:
        """As in training."""
        self._compare(runner, runner.val_dataloader)

    def before_test(self, runner: Runner) -> None:
        """As in training."""
        self._compare(runner, runner.test_dataloader)

    @staticmethod
    def _compare(runner: Runner, loader: Any) -> None:
        meta = getattr(getattr(loader, 'dataset', None), 'metainfo', None)
        if not meta or 'keypoint_id2name' not in meta:
            return
        model = joint_transfer.skeleton_of_model(runner.cfg.model)
        data = skeleton_from_metainfo(meta, meta.get('root_index', model.root))
        if (data.joints, data.root,
                data.flip_indices) != (model.joints, model.root,
                                       model.flip_indices):
            raise ValueError(
                f'{type(loader.dataset).__name__} has the joints '
                f'{list(data.joints)} with the root {data.joints[data.root]}, '
                f'the model was built for {list(model.joints)} with the root '
                f'{model.joints[model.root]} (or another left and right)')

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Make the weights those of the model's joints.

        Raises:
            ValueError: If they cannot be; lists both skeletons' joints.
        """
        meta = checkpoint.get('meta') or {}
        source = joint_transfer.skeleton_of_checkpoint(
            meta, runner._load_from or 'the checkpoint') or H36M_17
        target = joint_transfer.skeleton_of_model(runner.cfg.model)
        if source.same_joints(target):
            return
        key = 'state_dict' if 'state_dict' in checkpoint else None
        state = checkpoint[key] if key else dict(checkpoint)
        mapped = self._mapped(runner, state, source, target)
        if key:
            checkpoint[key] = mapped
        else:
            checkpoint.update(mapped)

    def _mapped(self, runner: Runner, state: dict, source: Skeleton,
                target: Skeleton) -> dict:
        axes = joint_transfer.joint_axes(runner.cfg.model, target)
        resumed = bool(runner._resume)
        if set(source.joints) == set(target.joints) and not resumed:
            print_log(
                f'the checkpoint has its joints in the order '
                f'{list(source.joints)}: weights are reordered',
                logger='current')
            return joint_transfer.reorder_weights(
                state, axes, joint_transfer.permutation(source, target))
        if not self.transfer or resumed:
            joint_transfer.permutation(source, target)
            raise ValueError(
                'a run is resumed with its own joints only: the checkpoint '
                f'has {list(source.joints)}, the data {list(target.joints)}')
        matrices = joint_transfer.transfer_matrices(source, target)
        new = [
            f'{joint} from {self._parts(row, source)}'
            for joint, row in zip(target.joints, matrices[0])
        ]
        print_log(
            f'weights of {source.num_joints} joints start {target.num_joints} '
            f'others: {"; ".join(new)}',
            logger='current')
        return joint_transfer.transfer_weights(state, unwrap(runner.model),
                                               axes, matrices)

    @staticmethod
    def _parts(row: Any, source: Skeleton) -> str:
        return ' + '.join(f'{weight:.2g} {joint}'
                          for joint, weight in zip(source.joints, row)
                          if weight > 0)
