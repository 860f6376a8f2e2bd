# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Diffusion-based 3D human pose lifting.

``mmdiffpose COMMAND --help`` explains a command. ``tools/train.py``,
``test.py`` and ``infer.py`` of a checkout are the same commands, and
``torchrun ... -m mmdiffpose.cli train ... --launcher pytorch`` starts one in
several processes.
"""

import argparse
import importlib
from typing import Any, Optional, Sequence

from mmdiffpose.version import __version__

COMMANDS = {
    'train': 'train a model from its config',
    'test': 'measure a trained model on the test split of its config',
    'infer': 'lift the people of a video, an image or a keypoint file',
    'view': 'look at lifted people in a browser',
    'export': 'write a trained model as an ONNX file',
    'record': 'make a recording file of motion capture and cameras',
    'check': 'report on data before a lifter is trained on them',
    'convert': "convert other code's published weights",
    'hub': 'save, push and pull trained models',
    'models': 'list the trained models that come with the package',
}
"""Name of a command, which is also its module's, to what it does."""


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command's name; its own arguments stay as they are."""
    listed = '\n'.join(f'  {name:<8} {what}'
                       for name, what in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog='mmdiffpose',
        description=__doc__,
        epilog=f'commands:\n{listed}',
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--version', action='version', version=f'mmdiffpose {__version__}')
    parser.add_argument('command', choices=list(COMMANDS), metavar='COMMAND')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='...')
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Run a command."""
    args = parse_args(argv)
    # One command does not wait for the imports of the others.
    command: Any = importlib.import_module(f'mmdiffpose.cli.{args.command}')
    command.main(args.arguments, prog=f'mmdiffpose {args.command}')


if __name__ == '__main__':
    main()
