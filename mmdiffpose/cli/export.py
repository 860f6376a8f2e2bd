# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write a lifter as one ONNX file: encoder, denoiser and sampler.

    mmdiffpose export diffpose --out diffpose.onnx
    mmdiffpose export CONFIG --checkpoint WEIGHTS --out lifter.onnx \
        --cfg-options model.test_cfg.num_hypotheses=20

Any number of windows goes through at once; noise is an input. What the file
says is compared with the model on random and on real windows, and nothing is
written where they differ by more than 0.1 mm. examples/lift_with_onnx.py runs
one without torch, "mmdiffpose infer --backend onnx" like any model.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional, Sequence

from .launching import (KeyValueAction, end_with, published_weights,
                        require_mmpose)

if TYPE_CHECKING:
    from mmdiffpose.deployment.onnx_export import ExportedLifter


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'config',
        help="path or name of the lifter's config, or a model of the zoo")
    parser.add_argument(
        '--checkpoint',
        help="path of its trained weights (default: the zoo's)")
    parser.add_argument(
        '--out', type=Path, required=True, help='the .onnx file to write')
    parser.add_argument(
        '--opset',
        type=int,
        default=20,
        help="version of ONNX's operators (default: 20)")
    parser.add_argument(
        '--int8',
        action='store_true',
        help='multiply unsigned 8-bit integers: a smaller file, whose poses '
        'are off by what is printed')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValueAction,
        metavar='KEY=VALUE',
        help='override settings of the config, for example '
        'model.test_cfg.num_sampling_steps=5')
    return parser


def describe(exported: 'ExportedLifter', int8: bool) -> List[str]:
    """What was written, in lines."""
    kind = 'unsigned 8-bit integers' if int8 else 'float32'
    lines = [
        f'written: {exported.path}: {exported.size / 1e6:.2f} MB, '
        f'{exported.weights / 1e6:.2f} MB of them weights, {kind}; '
        f'opset {exported.opset}'
    ]
    for word, values in (('input', exported.inputs), ('output',
                                                      exported.outputs)):
        lines += [f'{word} {name} {shape}' for name, shape in values.items()]
    lines += [
        f'farthest from predict on {kind} windows: {1000 * error:.4f} mm'
        for kind, error in exported.errors.items()
    ]
    lines.append('mean distance of a joint: '
                 f'{1000 * exported.mean_error:.4f} mm')
    return lines


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Export; end with a sentence where that can't be done."""
    args = make_parser(prog).parse_args(argv)
    require_mmpose()
    try:
        from mmdiffpose.deployment.onnx_export import export_lifter
        exported = export_lifter(
            args.config, args.out, args.checkpoint
            or published_weights(args.config), args.cfg_options, args.opset,
            args.int8)
    except (OSError, ImportError, ValueError) as error:
        end_with(error)
    print('\n'.join(describe(exported, args.int8)))


if __name__ == '__main__':
    main()
