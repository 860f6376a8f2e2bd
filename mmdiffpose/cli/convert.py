# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Convert published weights to a checkpoint and a config of this package.

    mmdiffpose convert mixste SRC DST.safetensors

Writes DST.safetensors and, beside it, DST.py, which ``init_model`` and the
commands ``test`` and ``infer`` take as a pair. Sizes come from the tensors.
Every tensor must find its place; nothing in SRC is executed. Methods::

    method      SRC
    mixste      MixSTE's *.bin; DiffHPE's conditioner *.pt
    graformer   DiffPose's gcn_xyz_*.pth
    diffpose    DiffPose's diffpose_uvxyz_*.pth, diffpose_video_uvxyz_*.pth
                (and the encoder: --encoder, or the published one beside SRC)
    diffhpe     DiffHPE's folder or model.pth
    pstmo       P-STMO's no_refine_*.pth
    d3dp        D3DP's *.bin
"""

import argparse
from typing import Optional, Sequence

from .launching import end_with, require_mmpose


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    from mmdiffpose.conversion import CONVERTERS, KEYPOINTS
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('method', choices=list(CONVERTERS))
    parser.add_argument('source', metavar='SRC', help='the published file')
    parser.add_argument(
        'destination', metavar='DST', help='the .safetensors file to write')
    parser.add_argument(
        '--encoder',
        metavar='FILE',
        help='of diffpose: the context encoder, gcn_xyz_*.pth or mixste_*.bin '
        '(default: the one published with SRC, in the same folder); of '
        "diffhpe: the Wrapper's conditioner, for its own poses")
    parser.add_argument(
        '--keypoints',
        choices=KEYPOINTS,
        help='2D keypoints that the model takes (default: gt where the name '
        'of SRC says so)')
    parser.add_argument(
        '--averaged',
        action='store_true',
        help="take the weights' running average, which DiffPose's code saves "
        'but never tests')
    return parser


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Convert, and say what was done."""
    require_mmpose()
    from mmdiffpose.checkpoints.config_names import find_config
    from mmdiffpose.config_files import read_config_file
    from mmdiffpose.conversion import convert_official
    args = make_parser(prog).parse_args(argv)
    try:
        report = convert_official(
            args.method,
            args.source,
            args.destination,
            lambda name: read_config_file(find_config(name)),
            encoder=args.encoder,
            averaged=args.averaged,
            keypoints=args.keypoints)
    except (OSError, ValueError) as error:
        end_with(error)
    print(f'weights   {report.checkpoint}')
    print(f'config    {report.config}, from {report.base}.py with')
    for key, value in report.options.items():
        print(f'            {key} = {value!r}')
    print(f'tensors   {report.num_tensors} in their place')
    unused = ', '.join(report.unused) or 'none'
    print(f'unused    {unused} (nor does the published code use them)')
    print(f'defaults  {", ".join(report.defaults) or "none"} (not in the '
          'published file; nothing is calibrated)')
    for note in report.notes:
        print(f'note      {note}')
    print(f'licence   {report.metadata["licence"]}')
    print(f'SHA-256   {report.metadata["source_sha256"]} (source)')


if __name__ == '__main__':
    main()
