# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The model card of a zoo entry, in the style of Hugging Face."""

import re
from pathlib import Path
from string import Template
from typing import Any, Dict, Iterable, Mapping, Sequence

import yaml

from mmdiffpose.checkpoints.model_zoo import RESULTS_MARKERS, read_yaml

HERE = Path(__file__).parent
BEGIN, END = RESULTS_MARKERS
NO_RESULTS = '\nNot measured yet.\n'
FIGURE = re.compile(r'\d\s?(?:mm\b|%)')
"""What somebody has measured, in a note."""


def read_prose() -> Dict[str, Any]:
    """What is said of methods, data sets and licences (``prose.yml``)."""
    return read_yaml(HERE / 'prose.yml')


def results_section(path: Path) -> str:
    """What stands between the results' lines of a card.

    Args:
        path (Path): A card; may be absent.

    Raises:
        ValueError: If there is a card without these lines.
    """
    if not path.is_file():
        return NO_RESULTS
    text = path.read_text(encoding='utf-8')
    start, end = text.find(BEGIN), text.find(END)
    if not 0 <= start < end:
        raise ValueError(f'{path}: expected the lines {BEGIN} and {END}')
    return text[start + len(BEGIN):end]


def note_section(note: str, commands: Sequence[str]) -> str:
    """What is particular to a model, above the commands that measure it.

    Args:
        note (str): May be empty.
        commands (sequence[str]): That make the note's figures.

    Raises:
        ValueError: If there are figures in mm or % without commands.
    """
    figure = FIGURE.search(note)
    if figure and not commands:
        said = note[max(0, figure.start() - 20):figure.end()]
        raise ValueError(f'--note: "{said}" is measured; expected the '
                         'commands that make it in --note-commands')
    if not commands:
        return f'\n{note.strip()}\n' if note else ''
    listed = '\n'.join(commands)
    return (f'\n{note.strip()}\n\nThese figures are made by\n\n'
            f'```bash\n{listed}\n```\n')


def make_card(model: Mapping[str, Any], collection: Mapping[str, Any],
              data: Sequence[str], note: str, results: str, views: str) -> str:
    """Fill the template.

    Args:
        model (Mapping): The model's entry in the metafile.
        collection (Mapping): Of the model, in the metafile.
        data (sequence[str]): Keys of ``data`` in ``prose.yml``.
        note (str): From :func:`note_section`.
        results (str): From :func:`results_section`.
        views (str): Key of ``views`` in ``prose.yml``: which cameras saw the
            training data.

    Returns:
        str: The card.
    """
    prose = read_prose()
    method = prose['methods'][collection['Name']]
    metadata = model['Metadata']
    sets = [prose['data'][key] for key in data]
    front = dict(
        license=metadata['License'].lower(),
        library_name='mmdiffpose',
        pipeline_tag='keypoint-detection',
        tags=['3d-human-pose-estimation', 'pose-lifting', *method['tags']],
        datasets=[one['name'] for one in sets])
    name = next(iter(model['Alias']), model['Name'])
    text = Template((HERE / 'card.md').read_text(encoding='utf-8'))
    return text.substitute(
        front_matter=yaml.safe_dump(front, sort_keys=False).strip(),
        name=model['Name'],
        alias=name,
        summary=method['summary'].strip(),
        note=note,
        protocol=prose['views'][views]['protocol'],
        view_limit=_items([prose['views'][views]['limit']]),
        training_data=_items(one['training'] for one in sets),
        command=metadata['Training Command'],
        seed=metadata['Seed'],
        config=model['Config'],
        parameters=f'{metadata["Parameters"]:,}',
        precision=metadata.get('Precision', 'float32'),
        sha256=metadata['SHA256'],
        limits=''.join(f'\n{_items([limit])}'
                       for limit in method.get('limits', ())),
        license=metadata['License'],
        licences=_items(one['licence'] for one in sets),
        title=collection['Paper']['Title'],
        url=collection['Paper']['URL'],
        citation=method['citation'].strip(),
        begin=BEGIN,
        results=results,
        end=END)


def _items(texts: Iterable[str]) -> str:
    """A list, one text an item."""
    return '\n'.join('- ' + text.strip().replace('\n', '\n  ')
                     for text in texts)
