# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Random draws that depend on the sample, not on its place in a batch."""

import zlib
from typing import Any, Callable, List, Optional, Sequence, Union

import torch
from torch import Tensor


def seed_from(*identity: object) -> int:
    """A stable 32-bit seed from anything with a stable ``str``.

    Python's own ``hash`` differs between processes, a CRC does not.
    """
    return zlib.crc32('|'.join(map(str, identity)).encode())


class HypothesisNoise:
    """One generator per sample and hypothesis.

    The same seed gives the same poses whatever the batch size, the number of
    processes, the device and the number of hypotheses: hypothesis n of a
    sample is the same whether N is 1 or 20.

    Args:
        seeds (Sequence[int]): One seed per sample, B of them.
        num_hypotheses (int): N.
        num_frames (int): T.
        num_joints (int): J.
        share_frames (bool): Whether one draw serves all frames. Hypotheses
            of a frame-wise denoiser are then smooth in time; each frame's
            distribution is the same either way.
        device (torch.device | str): Where the draws should end up. They are
            made on the CPU, so that every device sees the same numbers.
        dtype (torch.dtype): Of the draws, which are made in float32, so that
            every dtype sees the same numbers, too.
        joint_order (Sequence[int], optional): Order in which the joints get
            their numbers, ``Skeleton.draw_order``: so that a seed gives a
            joint the same ones wherever it stands. Defaults to that of their
            indices.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        num_hypotheses: int,
        num_frames: int,
        num_joints: int,
        share_frames: bool = False,
        device: torch.device = torch.device('cpu'),
        dtype: torch.dtype = torch.float32,
        joint_order: Optional[Sequence[int]] = None,
    ) -> None:
        self.batch_shape = (len(seeds), num_hypotheses)
        self.num_frames = num_frames
        self.num_joints = num_joints
        self.share_frames = share_frames
        self.device = device
        self.dtype = dtype
        order = list(range(num_joints) if joint_order is None else joint_order)
        if sorted(order) != list(range(num_joints)):
            raise ValueError(f'joint_order should be a permutation of '
                             f'{num_joints} joints, got {order}')
        self._first = order[0]
        # Number that each joint's draw has; nothing to do for one in a row.
        self._places = None if order == sorted(order) else torch.tensor(
            [order.index(joint) for joint in range(num_joints)])
        # Windows of one clip have one seed: what they share is drawn once.
        own = list(dict.fromkeys(seeds))
        self._rows = None
        if len(own) < len(seeds):
            number = {seed: row for row, seed in enumerate(own)}
            self._rows = torch.tensor([number[seed] for seed in seeds])
        self._generators = [
            torch.Generator().manual_seed(seed_from(seed, n)) for seed in own
            for n in range(num_hypotheses)
        ]

    def _draw(self, function: Callable[..., Tensor], *shape: int) -> Tensor:
        T = 1 if self.share_frames else self.num_frames
        drawn = torch.stack([
            function(T, *shape, generator=g, dtype=torch.float32)
            for g in self._generators
        ])
        if torch.jit.is_tracing():
            # A graph of torch.jit knows no generators: there the draws are
            # constants, as torch.export makes them by itself.
            drawn = torch.from_numpy(drawn.numpy())
        drawn = drawn.reshape(-1, self.batch_shape[1], T, *shape)
        if self._places is not None:
            drawn = drawn.index_select(3, self._places)
        if self._rows is not None:
            drawn = drawn[self._rows]
        return drawn.to(self.device,
                        self.dtype).expand(-1, -1, self.num_frames,
                                           *(-1 for _ in shape))

    def normal(self, channels: int = 3) -> Tensor:
        """Standard normal draws, shape (B, N, T, J, C)."""
        return self._draw(torch.randn, self.num_joints, channels)

    def uniform(self) -> Tensor:
        """Uniform draws from [0, 1), shape (B, N, T, J)."""
        return self._draw(torch.rand, self.num_joints)

    def uniform_frames(self) -> Tensor:
        """Uniform draws from [0, 1) of frames, (B, N, T): the first joint's of
        as many as :meth:`uniform` makes."""
        return self.uniform()[..., self._first]


class GivenNoise(HypothesisNoise):
    """Draws that were made before, in the order in which they are asked for.

    Args:
        normal (Tensor): Standard normal draws, (B, N, T, J, C) or, one for
            all frames, (B, N, 1, J, C), side by side along the last axis.
        uniform (Tensor, optional): Uniform draws from [0, 1), likewise.
        num_frames (int): T.
        first_joint (int): The first one that a draw is for, see
            ``joint_order`` of :class:`HypothesisNoise`. Defaults to 0.
    """

    def __init__(self,
                 normal: Tensor,
                 uniform: Optional[Tensor],
                 num_frames: int,
                 first_joint: int = 0) -> None:
        self.num_frames = num_frames
        self._first = first_joint
        self._normal, self._uniform = normal, uniform
        self._next = [0, 0]

    def normal(self, channels: int = 3) -> Tensor:
        """See :meth:`HypothesisNoise.normal`."""
        return self._take(self._normal, 0, channels)

    def uniform(self) -> Tensor:
        """See :meth:`HypothesisNoise.uniform`."""
        if self._uniform is None:
            raise ValueError('uniform draws are needed, none were given')
        return self._take(self._uniform, 1, 1)[..., 0]

    def _take(self, draws: Tensor, kind: int, channels: int) -> Tensor:
        first = self._next[kind]
        self._next[kind] = first + channels
        if first + channels > draws.shape[-1]:
            raise ValueError(
                f'{first + channels} channels of {("normal", "uniform")[kind]}'
                f' draws are needed, {draws.shape[-1]} were given')
        taken = draws[..., first:first + channels]
        return taken.expand(-1, -1, self.num_frames, -1, -1)


class NotedNoise(HypothesisNoise):
    """Notes what is drawn, so that it can be given the next time.

    Attributes:
        order: Channels of each normal draw, in turn; 0 for a uniform one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order: List[int] = []
        self.joint_order: Optional[Sequence[int]] = kwargs.get('joint_order')

    def normal(self, channels: int = 3) -> Tensor:
        """See :meth:`HypothesisNoise.normal`."""
        self.order.append(channels)
        return super().normal(channels)

    def uniform(self) -> Tensor:
        """See :meth:`HypothesisNoise.uniform`."""
        self.order.append(0)
        return super().uniform()


NoiseMaker = Callable[..., HypothesisNoise]
"""Called as :class:`HypothesisNoise` is, but without the seeds."""
Seeds = Union[Sequence[int], NoiseMaker]
"""A seed for each sample, or what makes their noise."""
