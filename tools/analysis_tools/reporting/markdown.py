# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Markdown."""

from typing import Iterable, Sequence


def markdown_table(header: Sequence[str],
                   rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is left-aligned, the others right."""
    lines = [header, ['---'] + ['---:'] * (len(header) - 1), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
