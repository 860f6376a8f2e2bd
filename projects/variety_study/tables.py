# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The study's table: paired differences and their standard errors."""

from typing import Dict, List, Mapping, Sequence, Tuple

import numpy as np

Result = Dict[str, List[float]]
POSTURES: Mapping[str, Tuple[float, float]] = {
    'all': (0, 181),
    'upright': (0, 30),
    'leaning': (30, 60),
    'lying': (60, 181),
}
"""Names of postures and the lean of the trunk in degrees."""


def paired(differences: np.ndarray, clips: np.ndarray) -> Tuple[float, float]:
    """Mean of differences (B,) and its standard error over clips (B,).

    Windows of one clip are alike, so clips are what is drawn independently:
    the cluster-robust error of a mean, with k / (k - 1) for k clips.
    """
    mean = differences.mean()
    names = np.unique(clips)
    sums = np.array([(differences[clips == c] - mean).sum() for c in names])
    factor = len(names) / max(len(names) - 1, 1)
    return float(mean), float(
        np.sqrt(factor * (sums**2).sum()) / len(differences))


def write(results: Mapping[str, Sequence[Result]],
          seeds: Sequence[int]) -> str:
    """The table as Markdown.

    Args:
        results: Of each row, one for each seed; ``base`` is what others are
            compared with.
        seeds: Their numbers.
    """
    base = results['base']
    lean, clips = np.array(base[0]['lean']), np.array(base[0]['clip'])
    lines = []
    for measure in ('MPJPE', 'P-MPJPE'):
        lines += [
            f'**{measure}, mm**', '', '| row | ' +
            ' | '.join(f'{name} {_which(low, high)}({_count(lean, low, high)})'
                       for name, (low, high) in POSTURES.items()) +
            ' | differences of seeds, all |',
            '|---|' + '---:|' * (len(POSTURES) + 1)
        ]
        for name, found in results.items():
            cells = []
            for low, high in POSTURES.values():
                some = (lean >= low) & (lean < high)
                cells.append(
                    _cell(found, base, measure, some, clips, name == 'base'))
            means = [np.mean(result[measure]) for result in found]
            if name != 'base':
                means -= np.array([np.mean(r[measure]) for r in base])
            sign = '' if name == 'base' else '+'
            each = [
                f'{seed}: {mean:{sign}.2f}'
                for seed, mean in zip(seeds, means)
            ]
            lines.append(f'| {name} | ' + ' | '.join(cells) +
                         f' | {", ".join(each)} |')
        lines.append('')
    return '\n'.join(lines)


def _which(low: float, high: float) -> str:
    if high > 180:
        return f'{low:g}+ ' if low else ''
    return f'{low:g}-{high:g} '


def _count(lean: np.ndarray, low: float, high: float) -> int:
    return int(((lean >= low) & (lean < high)).sum())


def _cell(found: Sequence[Result], base: Sequence[Result], measure: str,
          some: np.ndarray, clips: np.ndarray, is_base: bool) -> str:
    """Mean over seeds; the difference of other rows from base."""
    if not some.any():
        return '–'
    mine = np.mean([result[measure] for result in found], axis=0)[some]
    if is_base:
        return f'{mine.mean():.2f}'
    other = np.mean([result[measure] for result in base], axis=0)[some]
    mean, error = paired(mine - other, clips[some])
    return f'{mean:+.2f} ± {error:.2f}'
