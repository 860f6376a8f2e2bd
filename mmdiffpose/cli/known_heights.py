# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How tall people are known to be, from the command line."""

import argparse
import re
from typing import Dict, Optional, Sequence

from mmdiffpose.lifting.known_height import Height, Heights


def add_height_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--height``."""
    parser.add_argument(
        '--height',
        nargs='+',
        metavar='[ID=]METRES[+-STD]',
        help="the person's height, metres, or those of several people by "
        'track id, as in 0=1.88 3=1.71: one camera cannot see it; poses, '
        'std, hypotheses and places are scaled by it, and hold no doubt of '
        'the size but that of a height given as 1.69+-0.1, its standard '
        "deviation (default: the lifter's guess)")


def parse_heights(texts: Optional[Sequence[str]]) -> Optional[Heights]:
    """What ``--height`` says: one person's metres, or people's by track id;
    with their standard deviation where there is one.

    Raises:
        ValueError: If it says something else.
    """
    if texts is None:
        return None
    heights: Dict[int, Height] = {}
    try:
        if len(texts) == 1 and '=' not in texts[0]:
            return _height(texts[0])
        for text in texts:
            number, metres = text.split('=')
            if int(number) in heights:
                raise ValueError(f'person {number} has two')
            heights[int(number)] = _height(metres)
    except ValueError as error:
        raise ValueError(
            '--height: expected metres, or ID=METRES for each of several '
            'people, each with +-STD where it is unsure, found '
            f'{" ".join(texts)} ({error})') from error
    return heights


def _height(text: str) -> Height:
    """``1.7``, ``1.7+-0.05`` or, the same, ``1.7±0.05``."""
    metres, *std = re.split(r'\+-|±', text)
    if not std:
        return float(metres)
    one, = std
    return float(metres), float(one)
