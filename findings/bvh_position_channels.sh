#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# BVH: a joint with an OFFSET and position channels stands where the reader
# likes.
#
# Versions   bvhio 1.5.4, bvhsdk 0.2.1, upc-pymotion 0.3.4, pybvh 0.9.0,
#            three 0.187.0 (BVHLoader, in Node.js)
# Steps      One file: the root has OFFSET 0 7 0 and the position 0 90 0, its
#            child Spine OFFSET 0 10 0 and the position 0 13 0, nothing turns.
# Seen       height of the root, height of Spine above it:
#              bvhio     90  13   positions replace OFFSET
#              bvhsdk    90  13   the same
#              pymotion  90  10   its forward kinematics: Spine's channels
#                                 ignored, although read
#              three.js  97  23   positions are added to OFFSET, the root's too
#              pybvh     ValueError: does not model position channels on
#                        non-root joints
# Guess      Six channels a joint are common (Blender's exports, the
#            Bandai-Namco data set), so readers agree on them.
# Why care   Where a file repeats OFFSET in the channels, as Bandai-Namco's do,
#            three.js doubles every bone and the others do not; where the
#            channels are displacements from OFFSET, or all 0, bvhio and bvhsdk
#            put the whole body into one point. Neither is an error anywhere.
set -euo pipefail

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    bvhio==1.5.4 bvhsdk==0.2.1 upc-pymotion==0.3.4 pybvh==0.9.0 numpy==2.2.6
npm install --silent --no-audit --no-fund --prefix . three@0.187.0

cat >six.bvh <<'BVH'
HIERARCHY
ROOT Hips
{
  OFFSET 0 7 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0 10 0
    CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 20 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.02
0 90 0 0 0 0 0 13 0 0 0 0
0 90 0 0 0 0 0 13 0 0 0 0
BVH

cat >three_reader.mjs <<'JS'
import {readFileSync} from 'node:fs';
import {AnimationMixer, Vector3} from 'three';
import {BVHLoader} from 'three/examples/jsm/loaders/BVHLoader.js';

const {skeleton, clip} =
  new BVHLoader().parse(readFileSync('six.bvh', 'utf8'));
const [hips, spine] = skeleton.bones;
const mixer = new AnimationMixer(hips);
mixer.clipAction(clip).play();
mixer.setTime(0);
hips.updateMatrixWorld(true);
const height = (bone) => bone.getWorldPosition(new Vector3()).y;
console.log(height(hips), height(spine) - height(hips));
JS

cat >readers.py <<'PY'
import subprocess
import sys


def with_bvhio():
    import bvhio
    root = bvhio.readAsHierarchy('six.bvh')
    root.loadPose(0)
    return [joint.PositionWorld.y for joint, _, _ in root.layout()][:2]


def with_bvhsdk():
    import bvhsdk
    joints = bvhsdk.ReadFile('six.bvh').getlistofjoints()
    return [joint.getPosition(0)[1] for joint in joints][:2]


def with_pymotion():
    from pymotion.io.bvh import BVH
    from pymotion.ops.skeleton import fk
    bvh = BVH()
    bvh.load('six.bvh')
    rotations, positions, parents, offsets = bvh.get_data()[:4]
    assert positions[0, 1, 1] == 13, 'the channels are no longer read'
    return fk(rotations, positions[:, 0], offsets, parents)[0][0, :2, 1]


def with_three():
    root, spine = map(
        float,
        subprocess.check_output(['node', 'three_reader.mjs']).split())
    return root, root + spine


def with_pybvh():
    import pybvh
    try:
        pybvh.read_bvh_file('six.bvh')
    except ValueError as error:
        return str(error).split(': ')[1].split(' (')[0]
    return 'read'


found = {'pybvh': with_pybvh()}
for reader in (with_bvhio, with_bvhsdk, with_pymotion, with_three):
    root, spine = reader()
    found[reader.__name__[5:]] = round(float(root)), round(float(spine - root))
for item in found.items():
    print(*item)
sys.exit(
    found != {
        'bvhio': (90, 13),
        'bvhsdk': (90, 13),
        'pymotion': (90, 10),
        'three': (97, 23),
        'pybvh':
        'pybvh does not model position channels on non-root joints',
    })
PY
venv/bin/python readers.py
