# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The ``Results`` of OpenMMLab's metafiles."""

from pathlib import Path
from typing import Any, Dict, List, Mapping

from mmdiffpose.checkpoints.model_zoo import (format_metafile, metafiles,
                                              read_yaml)
from .rows import NONE, QUALITY, model_rows
from .test_sets import TITLES

TASK = 'Body 3D Keypoint'


def results_of(model: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """A model's own row of each test set, as a metafile has it.

    Args:
        model (Mapping): A model's entry of ``results.json``.

    Returns:
        list[dict]: ``Task``, ``Dataset`` and ``Metrics``: printed figures.
    """
    results = []
    for name in model['test_sets']:
        if name.endswith('+flip'):
            continue
        # The rows with costs are the model's; others are its encoder's, its
        # variants' and the oracle's.
        for row in model_rows(model, name):
            if row.costs[0] == NONE:
                continue
            metrics = {
                column: float(text.rstrip(' %'))
                for column, text in zip(QUALITY, row.quality) if text != NONE
            }
            results.append(
                dict(
                    Task=TASK, Dataset=TITLES.get(name, name),
                    Metrics=metrics))
    return results


def metafile_texts(root: Path, models: Mapping[str, Any]) -> Dict[Path, str]:
    """What the metafiles should hold; entries without figures stay.

    Args:
        root (Path): A checkout.
        models (Mapping): ``results.json``'s, by name.

    Returns:
        dict: Path to new content, for metafiles with a tested model.
    """
    texts = {}
    for path in metafiles(root):
        content = read_yaml(path)
        entries = content.get('Models') or []
        tested = [entry for entry in entries if entry['Name'] in models]
        for entry in tested:
            entry['Results'] = results_of(models[entry['Name']])
        if tested:
            texts[path] = format_metafile(content)
    return texts
