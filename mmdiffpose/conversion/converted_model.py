# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Converted tensors in the model that they are for."""

from typing import Dict, List, Tuple

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.utils import register_all_modules
from torch import Tensor

from mmdiffpose.registry import MODELS
from .weight_table import WeightTable

TRAINED_FLAGS = ('context_loaded', 'backbone.pretraining_loaded')
"""Buffers that say that weights are not random ones."""


def complete(config: Config,
             table: WeightTable) -> Tuple[Dict[str, Tensor], List[str]]:
    """Fit converted tensors into the model of a config.

    Buffers of ours that published files do not have keep what they start
    with: calibrations that were not made, counters.

    Args:
        config (Config): The model's config.
        table (WeightTable): The converted tensors.

    Returns:
        tuple[dict, list]: The model's whole state dict, and the names in it
        that are not from the published file.

    Raises:
        ValueError: If a converted tensor has no place in the model or
            another shape, or a parameter is missing.
    """
    register_all_modules(init_default_scope=False)
    init_default_scope(config.get('default_scope') or 'mmpose')
    model = MODELS.build(config.copy().model)
    state = model.state_dict()
    parameters = {name for name, _ in model.named_parameters()}
    converted = table.converted
    missing = sorted(parameters - set(converted))
    if missing:
        raise table.error(f'tensors for {missing[:4]} of the model',
                          f'none for {len(missing)}')
    for ours, value in converted.items():
        theirs = table.origins[ours]
        if ours not in state:
            raise table.error(f'a place for {theirs}',
                              f'no {ours} in the model')
        if state[ours].shape != value.shape:
            raise table.error(
                f'{theirs} that becomes {ours} of shape '
                f'{tuple(state[ours].shape)}', f'shape {tuple(value.shape)}')
        state[ours] = value.to(state[ours].dtype)
    for name in TRAINED_FLAGS:
        if name in state:
            state[name].fill_(True)
    model.load_state_dict(state)
    full = {
        # safetensors refuses tensors that share memory.
        name: value.detach().clone().contiguous()
        for name, value in model.state_dict().items()
    }
    return full, sorted(set(full) - set(converted))
