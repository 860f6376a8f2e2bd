# Copyright (c) mmdiffpose contributors. All rights reserved.
"""CSDI-GCN layer by layer, as one would first write it down."""
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmdiffpose.models.denoisers import CSDIGCN

ORDER = (2, 3, 5, 6, 1, 4, 0, 7, 8, 9, 10, 15, 16, 12, 13, 11, 14)
"""Joints by limbs; neighbours in this order are pooled in twos."""


def conv(linear: nn.Linear) -> nn.Conv1d:
    """A linear layer's weights as a convolution of size 1."""
    has_bias = linear.bias is not None
    layer = nn.Conv1d(*linear.weight.shape[::-1], 1, bias=has_bias)
    layer.weight.data = linear.weight.data[..., None].clone()
    if has_bias:
        layer.bias.data = linear.bias.data.clone()
    return layer


class PlainGraphLayer(nn.Module):
    """Graph convolution, batch norm, ReLU, dropout, ReLU on (B, J, F)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        adjacency = layer.neighbours + torch.diag(layer.own.flatten())
        self.register_buffer('adjacency', adjacency)
        self.weight, self.bias = layer.weight, layer.bias
        self.norm = layer.norm
        self.dropout = nn.Dropout(layer.dropout.p)

    def forward(self, x: Tensor) -> Tensor:
        h0 = torch.einsum('bjf,jfg->bjg', x, self.weight[0])
        h1 = torch.einsum('bjf,jfg->bjg', x, self.weight[1])
        eye = torch.eye(len(self.adjacency), device=x.device)
        x = torch.matmul(self.adjacency * eye, h0) + torch.matmul(
            self.adjacency * (1 - eye), h1) + self.bias
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return F.relu(self.dropout(F.relu(x)))


class PlainNonLocal(nn.Module):
    """SemGCN's non-local layer on (B, C, J)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.theta, self.out = conv(layer.theta), conv(layer.out)
        self.phi = nn.Sequential(conv(layer.phi), nn.MaxPool1d(2))
        self.g = nn.Sequential(conv(layer.g), nn.MaxPool1d(2))
        self.project = nn.Conv2d(2 * layer.phi.out_features, 1, 1, bias=False)
        self.project.weight.data = layer.project.weight.data[..., None,
                                                             None].clone()
        self.norm = layer.norm
        self.register_buffer('order', torch.tensor(ORDER))
        self.register_buffer('back', torch.tensor(ORDER).argsort())

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, self.order]
        theta, phi, g = self.theta(x), self.phi(x), self.g(x)
        J, P = theta.shape[-1], phi.shape[-1]
        pairs = torch.cat([
            theta[..., None].expand(-1, -1, -1, P), phi[:, :, None].expand(
                -1, -1, J, -1)
        ], 1)
        f = F.relu(self.project(pairs))[:, 0] / P
        y = torch.matmul(f, g.transpose(1, 2)).transpose(1, 2)
        return (x + self.norm(self.out(y.contiguous())))[:, :, self.back]


class PlainBlock(nn.Module):
    """A residual block on (B, C, J, T)."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.step_proj = block.step_proj
        self.time = PlainGraphLayer(block.mixer.time)
        self.feature = PlainGraphLayer(block.mixer.feature)
        self.non_local = PlainNonLocal(block.mixer.non_local)
        self.mid, self.out = conv(block.mid_proj), conv(block.out_proj)

    def forward(self, x: Tensor, step: Tensor):
        B, C, J, T = x.shape
        y = x + self.step_proj(step)[:, :, None, None]
        y = self.time(y.reshape(B * C, J, T)).reshape(B, C, J, T)
        y = y.permute(0, 3, 2, 1).reshape(B * T, J, C)
        y = self.feature(y).transpose(1, 2)
        y = self.non_local(y).reshape(B, T, C, J).permute(0, 2, 3, 1)
        gate, value = self.mid(y.reshape(B, C, J * T)).chunk(2, dim=1)
        y = self.out(torch.sigmoid(gate) * torch.tanh(value))
        residual, skip = y.reshape(B, 2 * C, J, T).chunk(2, dim=1)
        return (x + residual) / math.sqrt(2), skip


class PlainCSDIGCN(nn.Module):
    """The network's equations with its weights, one layer after another.

    Args:
        network (CSDIGCN): In evaluation.
    """

    def __init__(self, network: CSDIGCN) -> None:
        super().__init__()
        self.pose_embed = network.pose_embed
        self.input = conv(network.input_proj)
        self.step_embedding = network.step_embedding
        self.blocks = nn.ModuleList(map(PlainBlock, network.blocks))
        self.output1 = conv(network.output1)
        self.output2 = conv(network.output2)
        self.eval()

    def forward(self, x_t: Tensor, t: int, context: Tensor) -> Tensor:
        """Noisy poses and context (B, T, J, ·) to the noise (B, T, J, 3)."""
        B, T, J, _ = x_t.shape
        if self.pose_embed is not None:
            x_t = self.pose_embed(x_t)
        x = torch.cat([x_t, context], dim=-1).permute(0, 3, 2, 1)
        x = F.relu(self.input(x.reshape(B, -1, J * T))).reshape(B, -1, J, T)
        step = self.step_embedding(torch.full((B, ), t, device=x.device))
        skips = []
        for block in self.blocks:
            x, skip = block(x, step)
            skips.append(skip)
        x = torch.stack(skips).sum(0) / math.sqrt(len(skips))
        x = F.relu(self.output1(x.reshape(B, -1, J * T)))
        return self.output2(x).reshape(B, 3, J, T).permute(0, 3, 2, 1)
