# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Texts written whole or not at all, by tools that know no package."""

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text in UTF-8; interrupted, the file is as it was."""
    part = path.with_name(f'{path.name}.part')
    part.write_text(text, encoding='utf-8')
    part.replace(path)
