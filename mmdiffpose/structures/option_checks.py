# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Refuse impossible values of options in one sentence."""

from typing import Any

import numpy as np


def _is_number(value: Any) -> bool:
    return isinstance(
        value,
        (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def check_whole(name: str, value: Any, least: int) -> None:
    """Check a whole number.

    Args:
        name (str): Of the option, for the message.
        value: What it was given.
        least (int): The least that it may be.

    Raises:
        ValueError: If it is none, or less.
    """
    if not _is_number(value) or value != np.floor(value) or value < least:
        raise ValueError(f'{name} should be a whole number from {least} on, '
                         f'got {value!r}')


def check_number(name: str, value: Any, least: float, most: float) -> None:
    """Check a number.

    Args:
        name (str): Of the option, for the message.
        value: What it was given.
        least (float): The least that it may be.
        most (float): The most.

    Raises:
        ValueError: If it is none, or less or more.
    """
    if not _is_number(value) or not least <= value <= most:
        raise ValueError(f'{name} should be a number from {least:g} to '
                         f'{most:g}, got {value!r}')


LEAST_HEIGHT, MOST_HEIGHT = .4, 2.8
"""Metres, from the smallest newborn to the tallest person."""


def check_height(name: str, value: Any) -> None:
    """Check somebody's height in metres.

    Raises:
        ValueError: If nobody has it; says so where it looks like centimetres
            or feet.
    """
    if _is_number(value) and LEAST_HEIGHT <= value <= MOST_HEIGHT:
        return
    hint = ''
    if _is_number(value) and LEAST_HEIGHT <= value / 100 <= MOST_HEIGHT:
        hint = f' (centimetres? {value / 100:g} m)'
    elif _is_number(value) and MOST_HEIGHT < value <= 9:
        hint = f' (feet? {value * .3048:.2f} m)'
    raise ValueError(f'{name} should be metres from {LEAST_HEIGHT:g} to '
                     f'{MOST_HEIGHT:g}, got {value!r}{hint}')


MOST_UNSURE = .3
"""Standard deviation of a height that says something, over the height; that of
all people, children too, is some .2 of theirs."""


def check_height_std(name: str, value: Any, height: float) -> None:
    """Check how unsure somebody's height is, metres.

    Raises:
        ValueError: If it is no number from 0 to :data:`MOST_UNSURE` of it.
    """
    check_number(name, value, 0., MOST_UNSURE * height)


def check_flag(name: str, value: Any) -> None:
    """Check a flag.

    Raises:
        ValueError: If it is neither True nor False.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f'{name} should be True or False, got {value!r}')
