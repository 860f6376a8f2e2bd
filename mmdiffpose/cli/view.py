# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Look at lifted people in a browser.

Examples::

    mmdiffpose view outputs/video_3d.npz
    mmdiffpose view outputs/video_3d.html

Makes one HTML file of the poses in a JSON or npz file of "mmdiffpose infer",
which needs no network, and opens it: the scene from any side, how sure
everybody is and their joint angles over time; it saves PNG and CSV. Only npz
holds the hypotheses in any case.
"""

import argparse
import webbrowser
from pathlib import Path
from typing import Optional, Sequence

from .launching import end_with


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'result',
        type=Path,
        help='a .json or .npz file of "mmdiffpose infer", or a page (.html)')
    parser.add_argument(
        '--out',
        type=Path,
        help='the page (default: beside the result, with its name)')
    parser.add_argument(
        '--hypotheses',
        type=int,
        default=5,
        help='shown of each person at most (default: 5)')
    parser.add_argument(
        '--no-open', action='store_true', help='only write the page')
    return parser


def parse_args(argv: Optional[Sequence[str]] = None,
               prog: Optional[str] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(prog)
    args = parser.parse_args(argv)
    if args.hypotheses < 0:
        parser.error(f'--hypotheses should be 0 or more, got '
                     f'{args.hypotheses}')
    return args


def make_page(args: argparse.Namespace) -> Path:
    """The page of a result.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no result.
    """
    if args.result.suffix.lower() in ('.html', '.htm'):
        if not args.result.is_file():
            raise FileNotFoundError(f'no page at {args.result}')
        if args.out is not None:
            raise ValueError(f'{args.result} is a page: expected no --out, '
                             f'found {args.out}')
        return args.result
    from mmdiffpose.files.result_reading import read_results
    from mmdiffpose.visualization.scene_page import write_html
    tracks = read_results(args.result)
    path = args.out or args.result.with_suffix('.html')
    return write_html(tracks, path, args.hypotheses)


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Write a page, and open it."""
    args = parse_args(argv, prog)
    try:
        page = make_page(args).resolve()
    except (OSError, ValueError) as error:
        end_with(error)
    print(f'page: {page}')
    if not args.no_open and not webbrowser.open(page.as_uri()):
        print('no browser could be opened from here: open that file in one')


if __name__ == '__main__':
    main()
