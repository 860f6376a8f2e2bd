# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What may be wrong with a file of any kind."""
import os
from pathlib import Path
from typing import Callable, Dict, NamedTuple

import numpy as np


class Kind(NamedTuple):
    """A kind of bad file.

    Attributes:
        place: Puts it at a path; is given a sound file's bytes.
        sentence: What it is called, a regular expression.
    """
    place: Callable[[Path, bytes], object]
    sentence: str


REFUSED = ('expected|is empty|cannot be read|not a|no TOML|no C3D|lacks|'
           'truncated|malformed|no MOTION|does not exist|is no|there is no')
"""What stands in a sentence about a file's content."""


def _link(target: str) -> Callable[[Path, bytes], object]:
    return lambda path, seed: path.symlink_to(target or path)


def _sparse(path: Path, seed: bytes) -> None:
    with open(path, 'wb') as file:
        file.write(seed[:64])
        file.truncate(5 << 40)


KINDS: Dict[str, Kind] = {
    'nothing there':
    Kind(lambda path, seed: None, 'found no such file'),
    'a link to nowhere':
    Kind(_link('nowhere'), 'a link that leads nowhere'),
    'a link to itself':
    Kind(_link(''), 'a link that leads to itself'),
    'a folder':
    Kind(lambda path, seed: path.mkdir(), 'found a folder'),
    'a pipe':
    Kind(lambda path, seed: os.mkfifo(path), 'found a pipe'),
    'a device':
    Kind(_link('/dev/zero'), 'found a device'),
    'empty':
    Kind(lambda path, seed: path.write_bytes(b''), REFUSED),
    'zeros':
    Kind(lambda path, seed: path.write_bytes(bytes(1 << 16)), REFUSED),
    'noise':
    Kind(
        lambda path, seed: path.write_bytes(
            np.random.default_rng(len(seed)).bytes(4096)), REFUSED),
    'its first half':
    Kind(lambda path, seed: path.write_bytes(seed[:len(seed) // 2]), REFUSED),
    'a web page':
    Kind(
        lambda path, seed: path.write_text(
            '<!DOCTYPE html>\n<html><script>alert(1)</script></html>\n'),
        REFUSED),
    'a pointer of Git LFS':
    Kind(
        lambda path, seed: path.write_text(
            'version https://git-lfs.github.com/spec/v1\noid sha256:'
            f'{"0" * 64}\nsize 123456\n'), REFUSED),
    'five terabytes':
    Kind(_sparse, 'at most|' + REFUSED),
}
