# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Numbers as text, reports as files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence

import numpy as np

from mmdiffpose.atomic_files import replace_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def mean_text(values: Sequence[Optional[float]], digits: int = 1) -> str:
    """Mean ± standard deviation over seeds; a dash where there is none."""
    numbers = [value for value in values if value is not None]
    if not numbers:
        return '–'
    text = f'{np.mean(numbers):.{digits}f}'
    if len(numbers) > 1:
        text += f' ± {np.std(numbers, ddof=1):.{digits}f}'
    return text


def write_report(stem: Path, text: str, document: Dict[str, Any]) -> None:
    """Write ``<stem>.md`` and ``<stem>.json`` and print the text."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    for suffix, content in (('md', text), ('json',
                                           json.dumps(document, indent=2))):
        path = stem.parent / f'{stem.name}.{suffix}'
        replace_text(path, content.rstrip() + '\n')
        print(f'written: {path}')
    print(text)


def save_figure(figure: 'Figure', path: Path) -> Path:
    """Write a picture and close the figure."""
    import matplotlib.pyplot as plt
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path
