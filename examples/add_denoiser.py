# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Add a denoiser: a network that sees noisy poses, a step and a context.

    python examples/add_denoiser.py

Registers a small network, puts it into DiffPose's config by name and trains
it on the package's motion capture, with the model zoo's MixSTE as the context
encoder. Forward process, samplers, flips, calibration and the inferencer work
with it as they are.
"""

import argparse
from typing import Optional

from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor, nn

from mmdiffpose.apis import find_model
from mmdiffpose.checkpoints.config_names import find_config
from mmdiffpose.models.denoisers.denoiser import BaseDenoiser
from mmdiffpose.models.layers import sinusoidal_embedding
from mmdiffpose.registry import MODELS

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip


@MODELS.register_module()
class JointMLP(BaseDenoiser):
    """Each joint by itself: what the context knows is all that it knows.

    Args:
        channels (int): Width.
        init_cfg (dict, optional): Initialisation config.
    """

    temporal = False
    """Frames are independent of each other given the context."""
    in_channels = 3

    def __init__(self,
                 channels: int = 64,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.channels = channels
        # The head projects the encoder's features to this width.
        self.context_channels = channels
        self.input = nn.Linear(3, channels)
        self.hidden = nn.Sequential(nn.GELU(), nn.Linear(channels, channels),
                                    nn.GELU())
        self.output = nn.Linear(channels, 3)
        # The head adds the encoder's pose: begin there.
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x_k: Tensor, k: Tensor, context: Tensor) -> Tensor:
        """Predict from noisy poses.

        Args:
            x_k (Tensor): (B, T, J, 3), in the head's units.
            k (Tensor): Steps (B, ); 1 is the least noise, 0 says none.
            context (Tensor): (B, T, J, ``context_channels``).

        Returns:
            Tensor: (B, T, J, 3), what the head's ``target`` names.
        """
        step = sinusoidal_embedding(k, self.channels).to(x_k.dtype)
        hidden = self.input(x_k) + context + step[:, None, None]
        return self.output(self.hidden(hidden))


def main() -> None:
    """Train the new denoiser, briefly."""
    parser = argparse.ArgumentParser(description='Use your own denoiser.')
    parser.add_argument('--work-dir', default='work_dirs/joint_mlp')
    parser.add_argument('--windows', type=int, default=256)
    args = parser.parse_args()

    cfg = Config.fromfile(find_config('diffpose_mixste_mini-27'))
    cfg.model.head.denoiser = dict(type='mmdiffpose.JointMLP', channels=64)
    # Without this line the encoder is trained first.
    cfg.model.context_checkpoint = str(find_model('mixste-v1').weights)
    cfg.train_dataloader.dataset.indices = args.windows
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.num_workers, loader.persistent_workers = 0, False
    cfg.val_dataloader.dataset.max_sequences = 2
    cfg.work_dir = args.work_dir
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    main()
