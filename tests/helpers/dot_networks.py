# Copyright (c) mmdiffpose contributors. All rights reserved.
"""ONNX networks whose answers are known: they find dots of given colours.

They have the inputs and outputs of RTMPose, RTMO and YOLOX, so that rtmlib
runs them as it runs those.
"""

from pathlib import Path
from typing import List, Sequence

import cv2
import numpy as np

MEAN = np.array([123.675, 116.28, 103.53])
STD = np.array([58.395, 57.12, 57.375])
"""Of rtmlib's RTMPose, which takes a picture's channels as they come."""


def colors(number: int) -> np.ndarray:
    """(number, 3) colours far from each other and from grey, BGR."""
    levels = [0, 85, 170, 255]
    grid = np.array([(b, g, r) for b in levels for g in levels
                     for r in levels])
    spread = np.ptp(grid, axis=1)
    return grid[spread > 80][:number]


def picture(joints: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Grey, with a dot at each joint.

    Args:
        joints (np.ndarray): (P, K, 2) pixels.
        size (sequence[int]): Width and height.
    """
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    for person in joints:
        for place, color in zip(person, colors(len(person))):
            cv2.circle(image, tuple(int(v) for v in np.round(place)), 5,
                       tuple(int(c) for c in color), -1)
    return image


def write_rtmpose(path: Path,
                  number: int,
                  width: int = 192,
                  height: int = 256) -> Path:
    """RTMPose's outputs: of each joint, how well each column and row has a
    pixel of its colour, in half pixels."""
    from onnx import TensorProto, helper, numpy_helper
    wanted = ((colors(number) - MEAN) / STD).astype(np.float32)
    constants = dict(
        weight=2 * wanted[..., None, None],
        bias=-(wanted**2).sum(1),
        sharp=np.array(4., np.float32),
        columns=np.kron(np.eye(width), [1, 1]).astype(np.float32),
        rows=np.kron(np.eye(height), [1, 1]).astype(np.float32))
    nodes = [
        helper.make_node('Conv', ['input', 'weight', 'bias'], ['product']),
        helper.make_node('Mul', ['input', 'input'], ['square']),
        helper.make_node('ReduceSum', ['square', 'channel'], ['norm']),
        helper.make_node('Sub', ['product', 'norm'], ['minus']),
        helper.make_node('Mul', ['minus', 'sharp'], ['sharpened']),
        helper.make_node('Exp', ['sharpened'], ['likeness']),
        helper.make_node(
            'ReduceMax', ['likeness'], ['x'], axes=[2], keepdims=0),
        helper.make_node(
            'ReduceMax', ['likeness'], ['y'], axes=[3], keepdims=0),
        helper.make_node('MatMul', ['x', 'columns'], ['simcc_x']),
        helper.make_node('MatMul', ['y', 'rows'], ['simcc_y'])
    ]
    initial = [
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in constants.items()
    ]
    initial.append(numpy_helper.from_array(np.array([1]), 'channel'))
    return _save(path, nodes, initial, [1, 3, height, width],
                 [('simcc_x', [1, number, 2 * width]),
                  ('simcc_y', [1, number, 2 * height])], TensorProto, helper)


def write_constant(path: Path,
                   outputs: Sequence[np.ndarray],
                   side: int = 640) -> Path:
    """A network that says the same of every picture."""
    from onnx import TensorProto, helper, numpy_helper
    nodes: List = []
    for number, values in enumerate(outputs):
        tensor = numpy_helper.from_array(np.asarray(values, np.float32))
        nodes.append(
            helper.make_node('Constant', [], [f'out{number}'], value=tensor))
    shapes = [(f'out{n}', list(np.shape(v))) for n, v in enumerate(outputs)]
    return _save(path, nodes, [], [1, 3, side, side], shapes, TensorProto,
                 helper)


def _save(path, nodes, initial, entry, outputs, types, helper):
    import onnx
    graph = helper.make_graph(
        nodes, 'dots',
        [helper.make_tensor_value_info('input', types.FLOAT, entry)], [
            helper.make_tensor_value_info(name, types.FLOAT, shape)
            for name, shape in outputs
        ], initial)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
