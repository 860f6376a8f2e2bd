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


def check_flag(name: str, value: Any) -> None:
    """Check a flag.

    Raises:
        ValueError: If it is neither True nor False.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f'{name} should be True or False, got {value!r}')
