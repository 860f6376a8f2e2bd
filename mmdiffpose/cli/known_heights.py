# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How tall people are known to be, from the command line."""

import argparse
from typing import Dict, Optional, Sequence, Union


def add_height_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--height``."""
    parser.add_argument(
        '--height',
        nargs='+',
        metavar='[ID=]METRES',
        help="the person's height, metres, or those of several people by "
        'track id, as in 0=1.88 3=1.71: one camera cannot see it; poses, '
        "std, hypotheses and places are scaled by it (default: the lifter's "
        'guess)')


def parse_heights(
        texts: Optional[Sequence[str]]
) -> Union[None, float, Dict[int, float]]:
    """What ``--height`` says: one person's metres, or people's by track id.

    Raises:
        ValueError: If it says something else.
    """
    if texts is None:
        return None
    heights: Dict[int, float] = {}
    try:
        if len(texts) == 1 and '=' not in texts[0]:
            return float(texts[0])
        for text in texts:
            number, metres = text.split('=')
            if int(number) in heights:
                raise ValueError(f'person {number} has two')
            heights[int(number)] = float(metres)
    except ValueError as error:
        raise ValueError(
            '--height: expected metres, or ID=METRES for each of several '
            f'people, found {" ".join(texts)} ({error})') from error
    return heights
