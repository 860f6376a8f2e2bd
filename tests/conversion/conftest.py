# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Converting and building, as users do."""
import pytest
from mmengine.config import Config

import mmdiffpose  # noqa: F401
from mmdiffpose.apis import init_model
from mmdiffpose.checkpoints.config_names import find_config
from mmdiffpose.conversion import convert_official


@pytest.fixture
def convert(tmp_path):
    """Convert a file to ``tmp_path / 'out.safetensors'``."""

    def run(method, source, **kwargs):
        return convert_official(
            method, source, tmp_path / 'out.safetensors',
            lambda name: Config.fromfile(find_config(name)), **kwargs)

    return run


@pytest.fixture
def build(convert):
    """Convert a file and build the pair that was written."""

    def run(method, source, **kwargs):
        report = convert(method, source, **kwargs)
        return init_model(report.config, report.checkpoint)

    return run
