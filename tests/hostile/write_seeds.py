# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write ``tests/data/seeds``: a sound file of a few bytes for each reader.

    PYTHONPATH=.:tests/helpers:tests/hostile:tools/dataset_converters \
        python tests/hostile/write_seeds.py

The table of bad inputs changes them, and the fuzzers start from them.
"""

import json
import pickle
import struct
from pathlib import Path

import cv2
import h5py
import numpy as np
import onnx
import torch
from deepmimic_files import frame, write_character, write_motion
from foreign_files import document, walk
from long_clips import lifted_track
from mmengine.config import Config
from onnx import TensorProto, helper, numpy_helper
from readers import LIFTER, tool
from safetensors.torch import save_file
from scipy.io import savemat
from walking_person import walking

from mmdiffpose.checkpoints.model import dataset_meta_of
from mmdiffpose.deployment.lifter_facts import (META_KEY, model_facts,
                                                write_meta)
from mmdiffpose.files.result_files import write_results
from mmdiffpose.skeletons import COCO_17, H36M_17
from mmdiffpose.skeletons.metainfo import describe_skeleton
from mmdiffpose.skeletons.skeleton import named_skeleton

ansur = tool('ansur')

FOLDER = Path(__file__).parents[1] / 'data' / 'seeds'
FPS = 50
MATRIX = [[900., 0, 640], [0, 910, 350], [0, 0, 1]]

ASF = """:version 1.10
:units
  length 0.45
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     name stem
     direction 0 1 0
     length 2.0
     axis 10 20 30 XYZ
    dof rx ry rz
  end
  begin
     name twig
     direction 0.6 0 0.8
     length 1.5
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root stem
    stem twig
  end
"""
AMC = """:DEGREES
1
root 0 0 0 0 0 0
stem 0 0 0
2
root 1 2 3 40 50 60
stem 11 12 13
"""
BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Leg
  {
    OFFSET 1 -2 0.5
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -3 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.02
0 0 0 0 0 0 0 0 0
1 2 3 4 5 6 7 8 9
"""
TRC = ('PathFileType\t4\t(X/Y/Z)\t{name}\n'
       'DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n'
       '50\t50\t2\t{count}\tm\n'
       'Frame#\tTime\t{names}\t\t\n\t\tX1\tY1\tZ1\n')


def trc(name, names, points):
    rows = [
        '\t'.join([str(i), f'{i / FPS:.2f}', *(f'{v:.3f}' for v in p.ravel())])
        for i, p in enumerate(points)
    ]
    head = TRC.format(name=name, count=len(names), names='\t\t\t'.join(names))
    return head + '\n'.join(rows) + '\n'


def c3d(points):
    """A C3D file as bytes: two blocks of header, one of parameters."""
    header = np.zeros(256, '<u2')
    header[:6] = [0x5002, len(points[0]), 0, 1, len(points), 0]
    header[8], header[9] = 3, 0
    raw = bytearray(header.tobytes())
    raw[12:16], raw[20:24] = struct.pack('<f', -1.), struct.pack('<f', FPS)
    body = bytearray()

    def group(number, name):
        body.extend(struct.pack('<bb', len(name), -number) + name)
        body.extend(struct.pack('<hB', 3, 0))

    def parameter(number, name, kind, dims, data):
        inner = struct.pack('<bB', kind, len(dims)) + bytes(dims) + data
        body.extend(struct.pack('<bb', len(name), number) + name)
        body.extend(struct.pack('<h', len(inner) + 3) + inner + b'\0')

    group(1, b'POINT')
    names = [f'm{i}' for i in range(len(points[0]))]
    parameter(1, b'USED', 2, [], struct.pack('<h', len(names)))
    parameter(1, b'SCALE', 4, [], struct.pack('<f', -1.))
    parameter(1, b'RATE', 4, [], struct.pack('<f', FPS))
    parameter(1, b'DATA_START', 2, [], struct.pack('<h', 3))
    parameter(1, b'FRAMES', 2, [], struct.pack('<h', len(points)))
    parameter(1, b'UNITS', -1, [2], b'mm')
    parameter(1, b'LABELS', -1, [2, len(names)], ''.join(names).encode())
    block = bytes([1, 80, 1, 84]) + bytes(body)
    raw += block.ljust(512, b'\0')
    four = np.concatenate([points, np.zeros((*points.shape[:2], 1))], -1)
    return bytes(raw) + four.astype('<f4').tobytes().ljust(512, b'\0')


def keypoints():
    person = {0: np.round(walk(2, 17, (200, 200)), 2)}
    for kind in ('mmpose', 'coco', 'alphapose'):
        joints = {17: 'coco', 26: 'halpe26'}[26 if kind == 'alphapose' else 17]
        people = person if joints == 'coco' else {
            0: np.round(walk(1, 26, (200, 200), 0, joints), 2)
        }
        text = json.dumps(document(kind, people))
        (FOLDER / f'{kind}.json').write_text(text)
    body = {0: np.round(walk(1, 25, (200, 200), 0, 'body25'), 2)}
    page, = document('openpose', body).values()
    (FOLDER / 'clip_0_keypoints.json').write_text(json.dumps(page))
    rows = person[0][0]
    (FOLDER / 'ultralytics.json').write_text(
        json.dumps([
            dict(
                name='person',
                keypoints=dict(
                    x=rows[:, 0].tolist(),
                    y=rows[:, 1].tolist(),
                    visible=rows[:, 2].tolist()))
        ]))
    shares = np.round(rows / [1000, 800, 1], 3)
    (FOLDER / 'label_1.txt').write_text(
        ' '.join(map(str, [0, .5, .5, .2, .8, *shares.ravel().tolist()])) +
        '\n')
    face = np.round(walk(1, 33, (200, 200), 0, 'mediapipe')[0], 2)
    (FOLDER / 'mediapipe.json').write_text(
        json.dumps([[
            dict(x=round(x / 1000, 3), y=round(y / 800, 3), visibility=s)
            for x, y, s in face.tolist()
        ]]))
    (FOLDER / 'walk_px_person00.trc').write_text(
        trc('walk_px_person00.trc', COCO_17.joints, person[0]))
    np.savez_compressed(FOLDER / 'track.npz', keypoints=person[0])
    np.save(FOLDER / 'track.npy', person[0].astype(np.float32))


def motion_capture():
    (FOLDER / 'tiny.asf').write_text(ASF)
    (FOLDER / 'tiny.amc').write_text(AMC)
    (FOLDER / 'tiny.bvh').write_text(BVH)
    write_character(FOLDER / 'humanoid.json')
    write_motion(FOLDER / 'motion.json', frame(.1), frame(0))
    points = np.round(np.random.default_rng(0).normal(size=(2, 2, 3)), 3)
    (FOLDER / 'points.trc').write_text(trc('points.trc', ['a', 'b'], points))
    (FOLDER / 'points.c3d').write_bytes(c3d(1000 * points))
    (FOLDER / 'points.csv'
     ).write_text('time,a_x,a_y,a_z\n0,1,2,3\n0.02,1,2,3\n0.04,1,2,3\n')
    (FOLDER / 'joints.json').write_text(
        json.dumps(dict(joints=dict(hip='a', knee=['a', 'b']), root='hip')))


def cameras():
    camera = dict(
        size=[1280, 720],
        matrix=MATRIX,
        rotation=[0., 0, 0],
        translation=[0., 1, 2])
    (FOLDER /
     'calib.toml').write_text('[front]\n' +
                              ''.join(f'{key} = {value}\n'
                                      for key, value in camera.items()))
    (FOLDER / 'calib.json').write_text(json.dumps([dict(camera, name='c01')]))
    param = dict(
        R=np.eye(3),
        T=np.zeros((3, 1)),
        f=np.ones((2, 1)) * 900,
        c=np.ones((2, 1)) * 500,
        w=1000,
        h=1000)
    (FOLDER / 'cameras.pkl').write_bytes(pickle.dumps({('S1', '1'): param}, 2))
    numbers = [0] * 264 + [1100, 1100, 500, 500, 0, 0, 0, 0, 0] * 4
    (FOLDER / 'metadata.xml'
     ).write_text(f'<a><w0>[{" ".join(map(str, numbers))}]</w0></a>')


def data_sets():
    poses = walking(2).astype(np.float32)
    flat = poses[..., :2] / poses[..., 2:] * 900 + 500
    flat = np.concatenate([flat, np.ones((2, 17, 1))], -1).astype(np.float32)
    skeleton = dict(
        joints=np.array(H36M_17.joints),
        links=np.array(H36M_17.bones),
        root=np.array('root'),
        fps=50.)
    view = np.array([1000., 1000, 900, 900, 500, 500])
    np.savez_compressed(
        FOLDER / 'own.npz', **skeleton, **{
            'Ann/walk_1/front/3d': poses,
            'Ann/walk_1/front/2d': flat,
            'Ann/walk_1/front/camera': view
        })
    known = np.ones((2, 17, 1), np.float32)
    names = [f'S1/S1_Walk.1/S1_Walk.1_{i:06d}.jpg' for i in (1, 2)]
    np.savez_compressed(
        FOLDER / 'annotations.npz',
        imgname=np.array(names),
        part=flat,
        S=np.concatenate([poses, known], -1))
    np.save(FOLDER / 'detections.npy', flat)
    mixtures = np.ones((2, 17, 1, 5), np.float32)
    np.save(FOLDER / 'mixtures.npy', mixtures)
    coco = np.zeros((2, 17, 3), np.float32) + np.arange(17)[:, None]
    np.savez_compressed(FOLDER / 'aist.npz', keypoints3d=coco)
    (FOLDER / 'aist.pkl').write_bytes(pickle.dumps(dict(keypoints3d=coco), 2))
    people = {'S1': {'Walk 1': poses}}
    np.savez_compressed(
        FOLDER / 'h36m.npz', positions_3d=np.array(people, object))
    np.savez_compressed(
        FOLDER / 'motions.npz',
        positions=poses,
        starts=np.array([0, 2]),
        fps=np.array([50.]),
        subjects=np.array(['a']),
        actions=np.array(['b']),
        clips=np.array(['c']),
        sources=np.array(['d']))
    np.savez_compressed(
        FOLDER / 'mini.npz',
        positions=np.zeros((2, 17, 3), np.int16),
        lengths=np.array([2]),
        subjects=np.array(['a']),
        clips=np.array(['b_1']),
        splits=np.array(['train']),
        fps=np.array(50))
    edges = np.linspace(-1, 1, 5)
    np.savez_compressed(
        FOLDER / 'depths.npz', counts=np.ones((17, 4)), edges=edges)
    (FOLDER / 'results.json').write_text('{"MPJPE": {"overall": 41.5}}')


def results():
    """Of this package, read back."""
    write_results(
        lifted_track(2), FOLDER / 'lifted', ('json', 'npz'), hypotheses=True)


def converted():
    """What converters of data sets read."""
    columns = (*ansur.COLUMNS, 'Gender')
    (FOLDER / 'people.csv').write_text('\n'.join(
        ','.join(row) for row in (columns, ['500'] * len(columns))) + '\n')
    (FOLDER /
     'Frame_Cuts.csv').write_text('STYLE_NAME,FW_START,FW_STOP\nOld,10,200\n')
    (FOLDER / 'bvh_joints.json').write_text(
        json.dumps(
            dict(
                metres_per_unit=.01,
                joints={name: name
                        for name in H36M_17.joints})))
    matrix = ' '.join(map(str, np.eye(4).ravel()))
    (FOLDER / 'camera.calibration').write_text(
        f'Skeletool\nname 0\n size 2048 2048\n intrinsic '
        f'{" ".join(map(str, np.diag([1500., 1500, 1, 1]).ravel()))}'
        f'\n extrinsic {matrix}\n')
    cells = np.empty((14, 1), object)
    for camera in range(14):
        cells[camera, 0] = np.ones((1, 2))
    savemat(
        FOLDER / 'annot.mat',
        dict(annot2=cells, annot3=cells),
        do_compression=True)
    with h5py.File(FOLDER / 'annot_data.mat', 'w') as file:
        for name in ('annot2', 'annot3', 'valid_frame'):
            file[name] = np.ones((2, 1, 3))


def models():
    state = dict(weight=torch.ones(2, 3))
    torch.save(dict(state_dict=state, meta=dict(epoch=1)), FOLDER / 'tiny.pth')
    torch.save(dict(model_pos=state), FOLDER / 'official.bin')
    save_file(state, FOLDER / 'tiny.safetensors', dict(config='tiny'))
    (FOLDER / 'config.py').write_text(
        '# Copyright (c) mmdiffpose contributors. All rights reserved.\n'
        "model = dict(type='PoseLifter')\n")
    (FOLDER / 'config.json').write_text('{"model": {"type": "PoseLifter"}}')
    (FOLDER / 'config.yaml').write_text('model:\n  type: PoseLifter\n')
    (FOLDER / 'hub.json').write_text(
        json.dumps(
            dict(
                format='mmdiffpose-1',
                name='mine',
                weights_sha256='0' * 64,
                config=dict(model=dict(type='PoseLifter')))))
    joints = named_skeleton('crane', ('hook', 'left_arm', 'right_arm'),
                            dict(left_arm='hook', right_arm='hook'))
    (FOLDER / 'metainfo.json').write_text(
        json.dumps(dict(dataset_info=describe_skeleton(joints))))
    (FOLDER / 'metafile.yml').write_text('Models: []\n')
    (FOLDER / 'boxes.txt').write_text('1,1,10,20,30,40,1,-1,-1,-1\n'
                                      '2,1,11,20,30,40,1,-1,-1,-1\n')
    (FOLDER / 'rates.csv'
     ).write_text('subject or trials,frames a second\n01,120\n02_01-03,60\n')
    (FOLDER / 'videos.txt').write_text('# two videos\na.mp4\nb.mp4\n')


def network(name, inputs, outputs, nodes, **weights):
    """An ONNX file; values are (type, shape) by name."""
    values = [[
        helper.make_tensor_value_info(key, *value)
        for key, value in side.items()
    ] for side in (inputs, outputs)]
    graph = helper.make_graph(nodes, name, *values, [
        numpy_helper.from_array(np.array(value), key)
        for key, value in weights.items()
    ])
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid('', 17)])
    onnx.checker.check_model(model)
    return model


def networks():
    """A lifter of one matrix, and a detector that sees nobody."""
    real, whole = TensorProto.FLOAT, TensorProto.INT32
    rows = ['batch', 3, 17]
    model = network(
        'lifter',
        dict(
            keypoints=(real, [*rows, 2]), noise=(real, ['batch', 2, 3, 17,
                                                        3])),
        dict(
            poses=(real, [*rows, 3]),
            std=(real, rows),
            hypotheses=(real, ['batch', 2, 3, 17, 3])), [
                helper.make_node('MatMul', ['keypoints', 'matrix'], ['poses']),
                helper.make_node('Unsqueeze', ['poses', 'axis'], ['one']),
                helper.make_node('Mul', ['noise', 'width'], ['apart']),
                helper.make_node('Add', ['one', 'apart'], ['hypotheses']),
                helper.make_node(
                    'ReduceL2', ['poses'], ['std'], axes=[-1], keepdims=0)
            ],
        matrix=np.eye(2, 3, dtype=np.float32) / 2,
        axis=np.array([1]),
        width=np.float32(.01))
    facts = dict(
        model=model_facts(Config(LIFTER)),
        dataset_meta=write_meta(
            dataset_meta_of(dict(skeleton=H36M_17.as_dict(), fps=50))),
        draws=dict(
            order=[3], num_hypotheses=2, share_frames=False, joint_order=None),
        seed=0,
        root_index=0)
    helper.set_model_props(model, {META_KEY: json.dumps(facts)})
    onnx.save(model, FOLDER / 'lifter.onnx')
    onnx.save(
        network(
            'movenet',
            dict(picture=(whole, [1, 32, 32, 3])),
            dict(joints=(real, [1, 1, 17, 3])), [
                helper.make_node('Cast', ['picture'], ['real'], to=real),
                helper.make_node(
                    'ReduceMean', ['real'], ['mean'], axes=[1, 2, 3]),
                helper.make_node('Mul', ['mean', 'nobody'], ['joints'])
            ],
            nobody=np.zeros((1, 1, 17, 3), np.float32)),
        FOLDER / 'movenet.onnx')


def pictures():
    image = np.zeros((16, 16, 3), np.uint8)
    for suffix in ('png', 'jpg'):
        cv2.imwrite(str(FOLDER / f'picture.{suffix}'), image)
    writer = cv2.VideoWriter(
        str(FOLDER / 'video.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 25,
        (16, 16))
    for _ in range(2):
        writer.write(image)
    writer.release()


if __name__ == '__main__':
    FOLDER.mkdir(parents=True, exist_ok=True)
    for write in (keypoints, motion_capture, cameras, data_sets, converted,
                  results, models, networks, pictures):
        write()
