# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Give trained models to others, and take theirs.

Examples::

    mmdiffpose hub save diffpose outputs/diffpose
    mmdiffpose hub save my_config.py outputs/mine --checkpoint epoch_20.pth \
        --licence MIT
    mmdiffpose hub push outputs/mine somebody/mine
    mmdiffpose hub pull somebody/mine

"save" writes a folder with config.json, model.safetensors and a card, "push"
uploads it to the Hugging Face hub, "pull" downloads one and says where it is.
In Python, from_pretrained takes a folder, somebody/mine, or a zoo's model.
"""

import argparse
import sys
from pathlib import Path
from typing import Optional, Sequence


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('action', choices=('save', 'push', 'pull'))
    parser.add_argument(
        'source',
        help='save: a model of the zoo or a config; push: a folder; pull: '
        'owner/name')
    parser.add_argument(
        'target', nargs='?', help='save: a folder; push: owner/name')
    parser.add_argument(
        '--checkpoint',
        type=Path,
        help="save: the weights (default: the zoo's)")
    parser.add_argument(
        '--licence', help="save: of the weights (default: the zoo's)")
    parser.add_argument(
        '--revision', help='push and pull: branch, tag or commit')
    parser.add_argument(
        '--private', action='store_true', help='push: a new repository is')
    return parser


def parse_args(argv: Optional[Sequence[str]] = None,
               prog: Optional[str] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(prog)
    args = parser.parse_args(argv)
    if (args.target is None) != (args.action == 'pull'):
        parser.error(f'{args.action}: expected '
                     f'{"no target" if args.target else "a target"}')
    foreign = dict(
        save=('revision', 'private'),
        push=('checkpoint', 'licence'),
        pull=('checkpoint', 'licence', 'private'))[args.action]
    given = [f'--{name}' for name in foreign if getattr(args, name)]
    if given:
        parser.error(f'{args.action}: expected no {", ".join(given)}')
    return args


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Save, push or pull."""
    args = parse_args(argv, prog)
    from mmdiffpose.checkpoints.pretrained import pull, push, save_pretrained
    try:
        if args.action == 'save':
            print(
                'written:',
                save_pretrained(args.source, args.target, args.checkpoint,
                                args.licence))
        elif args.action == 'push':
            print('pushed:',
                  push(args.source, args.target, args.private, args.revision))
        else:
            print('pulled:', pull(args.source, args.revision))
    # OSError: missing files, and a hub that does not answer.
    except (OSError, ImportError, ValueError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
