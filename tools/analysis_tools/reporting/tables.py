# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The tables of the model zoo's page and the model cards, in Markdown."""

import re
from math import floor, log10
from typing import Any, List, Mapping, Sequence

from .environment import describe
from .markdown import markdown_table
from .published_tables import papers_tables
from .rows import HEADER, NONE, Row, model_rows, table_rows
from .test_sets import NOTES, TITLES

COMMAND = 'python tools/analysis_tools/report.py'
LEGEND = (
    'Frame means; MPJPE, P-MPJPE, symmetry gap (left against right) and '
    'segment std (bone lengths within 27 frames) in mm. "90 % intervals hold" '
    'and the calibration error (mean |coverage - level|) are those of the '
    'reported std. Parameters: all (those trained last, the encoder being '
    'frozen). Multiply-adds: matrix products and convolutions of all '
    'hypotheses and all steps, a frame; element-wise operations are not '
    'counted. *Oracle* rows choose by the ground truth: upper bounds, not '
    'results.')
NOT_COMPARABLE = (
    'Cameras are virtual and 2D detections simulated: these figures compare '
    "methods on this data and are not comparable with the papers'.")

Models = Mapping[str, Mapping[str, Any]]


def test_sets_of(models: Models) -> List[str]:
    """Names of the test sets that have figures, mirrored variants aside."""
    found = {
        name: None
        for model in models.values()
        for name in model['test_sets'] if not name.endswith('+flip')
    }
    known = list(TITLES)
    return sorted(
        found,
        key=lambda name: (known.index(name)
                          if name in known else len(known), name))


def page_section(models: Models) -> str:
    """What stands between the markers of docs/model_zoo.md."""
    parts = [
        f'<!-- Written by {COMMAND[len("python "):]}. -->',
        f'```bash\n{COMMAND}            # tests what it has data for, writes '
        f'this\n{COMMAND} --check    # tests again and compares with it\n```',
        zoo_tables(models),
        papers_tables()
    ]
    return '\n\n'.join(part for part in parts if part)


def zoo_tables(models: Models) -> str:
    """The measured part: one table for each test set, and the speed."""
    if not models:
        return 'No model of the zoo has been tested yet.'
    parts = [f'{LEGEND} {NOT_COMPARABLE}']
    parts += [
        test_set_part(name, table_rows(models, name))
        for name in test_sets_of(models)
    ]
    parts += [machines(models), speed_table(models)]
    return '\n\n'.join(part for part in parts if part)


def test_set_part(name: str, rows: Sequence[Row], links: bool = True) -> str:
    """Heading, note and table of one test set.

    Args:
        name (str): Of the test set.
        rows (list[Row]): Columns with nothing in them are left out.
        links (bool): Whether notes keep their links, which start in
            ``docs``.
    """
    cells = [row.cells() for row in rows]
    kept = [
        i for i in range(len(HEADER)) if any(line[i] != NONE for line in cells)
    ]
    table = markdown_table([HEADER[i] for i in kept],
                           [[line[i] for i in kept] for line in cells])
    heading = f'**{TITLES.get(name, name)}.** {NOTES.get(name, "")}'.strip()
    if not links:
        heading = re.sub(r' \(\[.*?\]\(.*?\)\)', '', heading)
    return f'{heading}\n\n{table}'


def machines(models: Models) -> str:
    """What the figures were measured with."""
    found = sorted({
        describe(cell['environment'])
        for model in models.values()
        for cell in model['test_sets'].values()
    })
    return (f'Tested on: {"; ".join(found)}. On the same machine the same '
            'command gives the same digits; `mmdiffpose/zoo/results.json` '
            'has all of them.')


def two_digits(value: float) -> str:
    """A positive figure with two significant digits: 0.43, 2.0, 1,200."""
    rounded = float(f'{value:.2g}')
    return f'{rounded:,.{max(0, 1 - floor(log10(rounded)))}f}'


def speed_table(models: Models) -> str:
    """Frames a second, two digits: time cannot be reproduced exactly."""
    measured = {
        name: model
        for name, model in models.items() if model.get('speed')
    }
    if not measured:
        return ''
    rows = [[
        f'`{model["label"]}`',
        two_digits(model['speed']['frames_per_second']),
        f'{model["speed"]["windows"]} x {model["frames"]}',
        model['speed']['environment']['cpu']
    ] for model in measured.values()]
    runs = max(model['speed']['runs'] for model in measured.values())
    return (
        f'**Speed.** From 2D keypoints to poses with std, CPU time of one '
        f'thread, median of {runs} runs (`--speed`). Times vary between runs '
        'and machines: two digits, and `--check` leaves them alone.\n\n' +
        markdown_table(
            ('model', 'frames/s', 'windows x frames', 'hardware'), rows))


def card_section(model: Mapping[str, Any]) -> str:
    """What stands between a model card's markers."""
    parts = [
        f'Written by `{COMMAND[len("python "):]}` of the repository. {LEGEND} '
        f'{NOT_COMPARABLE}'
    ]
    models = {model['label']: model}
    parts += [
        test_set_part(name, model_rows(model, name), links=False)
        for name in test_sets_of(models)
    ]
    parts += [machines(models), speed_table(models)]
    return '\n\n'.join(part for part in parts if part)
