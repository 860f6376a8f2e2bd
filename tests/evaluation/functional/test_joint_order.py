# Copyright (c) mmdiffpose contributors. All rights reserved.
import subprocess
import sys

import pytest

from mmdiffpose.evaluation.functional import (JOINT_ORDERS, map_joints,
                                              pck_joints, root_joint)
from mmdiffpose.skeletons import H36M_17

# MPI-INF-3DHP's names in its own order.
NAMES_3DHP = ('head', 'thorax', 'right_shoulder', 'right_elbow', 'right_wrist',
              'left_shoulder', 'left_elbow', 'left_wrist', 'right_hip',
              'right_knee', 'right_foot', 'left_hip', 'left_knee', 'left_foot',
              'root', 'spine', 'neck_base')


def test_both_orders_name_the_same_joints():
    order = JOINT_ORDERS['mpi_inf_3dhp']
    assert sorted(order) == list(range(17))
    assert tuple(NAMES_3DHP[i] for i in order) == H36M_17.joints


def test_roots():
    assert root_joint('h36m') == 0
    assert root_joint('mpi_inf_3dhp') == 14


def test_pck_leaves_out_pelvis_spine_and_head():
    assert pck_joints('mpi_inf_3dhp') == tuple(range(14))
    left_out = set(range(17)) - set(pck_joints('h36m'))
    assert {H36M_17.joints[i]
            for i in left_out} == {'root', 'spine', 'neck_base'}
    assert map_joints(pck_joints('h36m'),
                      'mpi_inf_3dhp') == pck_joints('mpi_inf_3dhp')


def test_unknown_order():
    with pytest.raises(ValueError, match="'coco'"):
        root_joint('coco')


def test_functions_import_without_mmpose_and_torch():
    code = ('import sys\n'
            "sys.modules['mmpose'] = None\n"
            'import importlib.util, types\n'
            "package = types.ModuleType('mmdiffpose')\n"
            "spec = importlib.util.find_spec('mmdiffpose')\n"
            'package.__path__ = list(spec.submodule_search_locations)\n'
            "sys.modules['mmdiffpose'] = package\n"
            'import mmdiffpose.evaluation.functional\n'
            "loaded = [m for m in ('torch', 'mmengine') if m in sys.modules]\n"
            'assert not loaded, loaded\n')
    subprocess.run([sys.executable, '-c', code], check=True)
