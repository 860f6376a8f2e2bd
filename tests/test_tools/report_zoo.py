# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A zoo of two or three models for the report, and invented figures."""
from pathlib import Path
from types import SimpleNamespace

from mmdiffpose.checkpoints.model_zoo import ZooModel, sha256_of

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
DATA = ('annotation_body3d/fps50/hdm05_test.npz',
        'annotation_body3d/cameras.pkl', 'joint_2d_det_files/virtual_test.npy',
        'joint_2d_det_files/virtual_test_gmm.npy')


def make_model(folder, name, config):
    weights = folder / f'{name}.safetensors'
    if not weights.is_file():
        weights.write_bytes(name.encode())
    return ZooModel(name, (name.split('_')[0], ), Path(config), weights,
                    sha256_of(weights), {})


def metrics(diffusion=True, context=True, mpjpe=50.04):
    """What tools/test.py reports, as far as the tables show it."""
    found = {
        'MPJPE_mm': mpjpe,
        'MPJPE_mm/action_mean': 51.5,
        'MPJPE_mm/sequence_mean': 52.5,
        'MPJPE_mm/squat': 53.5,
        'P-MPJPE_mm': 36.25,
        'symmetry_gap_mm': 8.3,
        'segment_std_mm': 2.2,
        'uncertainty/coverage@0.9': 0.8876,
        'uncertainty/ECE': 0.0567,
    }
    if diffusion:
        found.update({
            'aggregation/JPMA_mm': 49.9,
            'oracle/JPMA_mm': 44.4,
            'oracle/P-Best_mm': 42.2,
            'oracle/P-Best_P-MPJPE_mm': 31.1,
        })
    if diffusion and context:
        found.update({
            'context/MPJPE_mm': 55.5,
            'context/P-MPJPE_mm': 40.4,
            'context/symmetry_gap_mm': 9.9,
            'context/segment_std_mm': 3.3,
        })
    return found


def network(config, weights):
    """Stands for a model."""
    return SimpleNamespace(name=weights.stem)


def costs(model):
    diffusion = model.name != 'mixste_zoo'
    return dict(
        frames=27,
        hypotheses=5 if diffusion else None,
        sampling='50 steps' if diffusion else None,
        parameters=612345,
        trained_parameters=400000 if diffusion else 612345,
        macs_per_frame=9e8 if diffusion else 3.21e6)
