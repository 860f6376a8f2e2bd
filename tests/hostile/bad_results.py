# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bad results of this package, models of a hub, METAINFO, and what converters
read: reader, what is wrong, file, sentence."""
import io

import h5py
import numpy as np
from making import (array_of_objects, arrays, bomb, doc, drop, encrypted,
                    header, member, nested, put, swap)
from scipy.io import savemat

JSON, NPZ, HUB = 'lifted poses: JSON', 'lifted poses: npz', 'model of a hub'
META, PEOPLE, BVH = 'METAINFO', 'ANSUR', 'joints of BVH'
CUTS, CAMERAS = '100STYLE', 'MPI-INF-3DHP cameras'
TRAIN, TEST = 'MPI-INF-3DHP training', 'MPI-INF-3DHP test'
DEEP = 100_000
NAN = float('nan')
SCRIPT = '</script><script>alert(1)</script>\x1b[2J'
OWN = dict(skeleton='own', joints=['a', 'b'], parents=[-1, 0])


def person(**changes):
    """The first frame's person with other values."""
    return doc(lambda d: d['instance_info'][0]['instances'][0].update(changes))


def said(**changes):
    """Something else said of the file."""
    return doc(lambda d: d['meta_info'].update(changes))


def npz_said(text):
    return arrays(meta=np.array(text))


def config(**changes):
    """A model with other keys."""
    return doc(lambda d: d['config']['model'].update(changes))


def joint(number='0', **changes):
    return doc(
        lambda d: d['dataset_info']['keypoint_info'][number].update(changes))


def mat(**arrays_by_name):
    buffer = io.BytesIO()
    savemat(buffer, arrays_by_name)
    return buffer.getvalue()


def hdf5(fill):
    """A file of HDF5 that ``fill`` fills."""

    def make(path, seed):
        with h5py.File(path, 'w') as file:
            fill(file)

    return make


def terabytes(file):
    file.create_dataset('annot2', (10**12, 3), 'f8', chunks=(1000, 3))


def other_file(file):
    file['annot2'] = h5py.ExternalLink('/etc/passwd', '/a')


def raw_bytes(file):
    file.create_dataset(
        'annot2', (100, ), 'u1', external=[('/etc/passwd', 0, 100)])


def groups(file):
    file.create_group('annot2')


def words(file):
    file['annot2'] = ['a', 'b']


CASES = [
    (JSON, 'a list', '[]', "key 'meta_info'"),
    (JSON, f'{DEEP} lists in each other', nested(DEEP), 'too deep'),
    (JSON, 'nobody', put('instance_info', []), 'found none'),
    (JSON, 'frames of numbers', put('instance_info', [1, 2]), "'frame_id'"),
    (JSON, 'frames of text', put('instance_info', 'x'), 'as a list'),
    (JSON, 'people of numbers', put('instance_info', 0, 'instances',
                                    [1.5]), "'track_id'"),
    (JSON, 'people of text', put('instance_info', 0, 'instances',
                                 ['track_id']), "'track_id'"),
    (JSON, 'no people in a frame', drop('instance_info', 0,
                                        'instances'), "'instances'"),
    (JSON, 'poses of text', person(keypoints='x'), 'one shape'),
    (JSON, 'poses of objects', person(keypoints=[{}] * 17), 'one shape'),
    (JSON, 'poses of two axes', person(keypoints=[[1., 2.]] * 17),
     'one shape'),
    (JSON, 'poses of fewer joints', person(keypoints=[[1., 2., 3.]] * 16),
     'one shape'),
    (JSON, 'poses of NaN', person(keypoints=[[NAN, 2., 3.]] * 17),
     'finite numbers as keypoints_3d'),
    (JSON, 'poses of 10^400', person(keypoints=[[10**400, 2, 3]] * 17),
     'one shape|keypoints_3d'),
    (JSON, 'scores of null', person(keypoint_scores=None), 'scores'),
    (JSON, 'a track id of text', person(track_id='x'), 'track_ids'),
    (JSON, 'a track id of 10^18', person(track_id=10**18), 'track_ids'),
    (JSON, 'a track id of NaN', person(track_id=NAN), 'track_ids'),
    (JSON, 'a track id of a half', person(track_id=.5), 'track_ids'),
    (JSON, 'a frame of NaN', put('instance_info', 0, 'frame_id',
                                 NAN), 'frame_ids'),
    (JSON, 'a frame that is a list', put('instance_info', 0, 'frame_id',
                                         [1]), 'frame_ids'),
    (JSON, 'a frame twice', put('instance_info', 0, 'frame_id',
                                1), 'once a frame'),
    (JSON, 'a person twice',
     doc(lambda d: d['instance_info'][0]['instances'].extend(d[
         'instance_info'][0]['instances'])), 'once a frame'),
    (JSON, 'a time of text', put('instance_info', 0, 'time', 'x'), 'times'),
    (JSON, 'a time of NaN', put('instance_info', 0, 'time', NAN), 'times'),
    (JSON, 'nothing said of it', put('meta_info', 5), "'axes'"),
    (JSON, 'axes of the lifter', said(axes='lifter'), 'those of the lifter'),
    (JSON, 'axes that are a list', said(axes=['camera']), 'axes'),
    (JSON, 'axes that are a script', said(axes=SCRIPT), 'axes'),
    (JSON, 'a joint set that is a list', said(skeleton=['h36m']), 'skeleton'),
    (JSON, 'a joint set of a script', said(skeleton=SCRIPT), 'control'),
    (JSON, 'joints that are a number', said(joints=5), 'joints as a list'),
    (JSON, 'joints of numbers', said(joints=[1] * 17), 'joints'),
    (JSON, 'a joint of a script', said(**dict(OWN, joints=['a', SCRIPT])),
     'control'),
    (JSON, 'joints of one name', said(**dict(OWN, joints=['a', 'a'])),
     'joints that differ'),
    (JSON, 'parents that go round', said(**dict(OWN, parents=[1, 0])),
     'lead to a root'),
    (JSON, 'a parent of 10^18', said(**dict(OWN, parents=[-1, 10**18])),
     'the parent of each'),
    (JSON, 'a parent of a half', said(**dict(OWN, parents=[-1, .5])),
     'the parent of each'),
    (JSON, 'two joints of 17', said(**OWN), '2 joints'),
    (JSON, 'no joints', said(**dict(OWN, joints=[], parents=[])), 'root'),
    (JSON, 'a picture without size', said(image_size=[0, 5]), 'image size'),
    (JSON, 'a picture of text', said(image_size='x'), 'image size'),
    (JSON, 'no picture', drop('meta_info', 'image_size'), 'image_size'),
    (JSON, 'frames a second of text', said(fps='fast'), 'fps'),
    (JSON, 'frames a second below 0', said(fps=-50), 'fps'),
    (JSON, 'a step of 0', said(frame_step=0), 'frame_step'),
    (JSON, 'a step of text', said(frame_step='x'), 'frame_step'),
    (JSON, 'a focal length of text', said(focal_px='x'), 'focal_px'),
    (JSON, 'a focal length of NaN', said(focal_px=NAN), 'focal_px'),
    (JSON, 'a source that is a list', said(source=['x']), 'source'),
    (JSON, 'a height of text', said(heights={'0': dict(height='x')}),
     'heights, person 0'),
    (JSON, 'a height that is a list', said(heights=[1.8]), 'heights'),
    (JSON, 'a person scaled by 10^9',
     said(heights={'0': dict(height=1.8, scaled_by=10**9)}), 'scaled_by'),
    (JSON, 'a height as unsure as 10^9',
     said(heights={'0': dict(height=1.8, height_std=10**9, scaled_by=1)}),
     'height_std'),
    (NPZ, 'nothing within', member('keypoints', b'', False), 'another'),
    (NPZ, 'planted code', array_of_objects('keypoints'), 'pickled objects'),
    (NPZ, 'a bomb', bomb('keypoints'), 'unpack|another'),
    (NPZ, 'a password', encrypted('keypoints'), 'another'),
    (NPZ, 'poses of terabytes',
     member('keypoints_3d', header('(1000000000000, 17, 3)')), 'another'),
    (NPZ, 'no poses', arrays('keypoints_3d'), 'keypoints_3d'),
    (NPZ, 'a number for poses', arrays(keypoints_3d=np.array(5.)),
     'keypoints_3d'),
    (NPZ, 'poses of text', arrays(keypoints_3d=np.array(['x'])),
     'keypoints_3d'),
    (NPZ, 'poses of complex numbers',
     arrays(keypoints_3d=lambda a: a.astype(complex) * 1j), 'keypoints_3d'),
    (NPZ, 'poses of dates',
     arrays(keypoints_3d=lambda a: a.astype(int).astype('M8[s]')),
     'datetime64'),
    (NPZ, 'poses of two axes', arrays(keypoints_3d=lambda a: a[..., :2]),
     'keypoints_3d'),
    (NPZ, 'poses of one frame', arrays(keypoints_3d=lambda a: a[:1]),
     'keypoints_3d'),
    (NPZ, 'poses of infinity', arrays(keypoints_3d=lambda a: a * np.inf),
     'keypoints_3d'),
    (NPZ, 'frames of NaN', arrays(frame_ids=lambda a: a * NAN), 'frame_ids'),
    (NPZ, 'frames in a table', arrays(frame_ids=lambda a: a[None]),
     'frame_ids'),
    (NPZ, 'people of halves', arrays(track_ids=lambda a: a + .5), 'track_ids'),
    (NPZ, 'no people', arrays('track_ids'), 'track_ids'),
    (NPZ, 'hypotheses of another shape', arrays(hypotheses=lambda a: a[:, 0]),
     'hypotheses'),
    (NPZ, 'nothing said', arrays('meta'), 'meta'),
    (NPZ, 'a number said', arrays(meta=np.array(5)), "'axes'"),
    (NPZ, 'lists in each other said', npz_said(nested(DEEP)), 'too deep'),
    (NPZ, 'half of it said', npz_said('{"axes":'), 'another'),
    (HUB, 'a list', '[]', 'mmdiffpose-1'),
    (HUB, f'{DEEP} objects in each other', '{"a":' * DEEP + '1' + '}' * DEEP,
     'too deep'),
    (HUB, '900 lists in each other',
     swap('"PoseLifter"', '"PoseLifter", "a": ' + nested(900)), 'too deep'),
    (HUB, 'another format', put('format', 'x'), "found 'x'"),
    (HUB, 'a format that is a list', put('format', ['x']), 'mmdiffpose-1'),
    (HUB, 'a config of text', put('config', 'import os'), 'with a config'),
    (HUB, 'a module to import',
     put('config', 'custom_imports', dict(imports=['os'])), 'custom_imports'),
    (HUB, 'hooks', put('config', 'custom_hooks', []), 'custom_hooks'),
    (HUB, 'a type of subprocess', config(type='subprocess.Popen'),
     'registered modules'),
    (HUB, 'a type within a list', config(x=[[dict(type='os.system')]]),
     "'os.system'"),
    (HUB, 'a type that is a number', config(type=5), 'registered modules'),
    (HUB, 'a base', config(_base_='evil.py'), '_base_'),
    (HUB, 'joints from a program', config(metainfo=dict(from_file='e.py')),
     'from_file'),
    (HUB, 'a path', config(teacher='../../evil.py'), 'names no files'),
    (HUB, 'an address', config(teacher='https://evil'), 'names no files'),
    (HUB, 'a key twice', swap('"format"', '"format": "x", "format"'), 'twice'),
    (META, 'nothing of it', '{}', 'dataset_name'),
    (META, 'text', put('dataset_info', 'x'), 'dataset_info'),
    (META, 'no joints', drop('dataset_info',
                             'keypoint_info'), 'keypoint_info'),
    (META, 'none of the joints', put('dataset_info', 'keypoint_info',
                                     {}), 'at least one joint'),
    (META, 'joints in a list', put('dataset_info', 'keypoint_info',
                                   [1]), 'keypoint_info'),
    (META, 'joints of text', put('dataset_info', 'keypoint_info',
                                 {'0': 'x'}), 'keypoint_info'),
    (META, 'a joint without a name', joint(name=None), 'a name'),
    (META, 'a joint of a script', joint(name=SCRIPT), 'control characters'),
    (META, 'a joint twice', joint('1', name='hook'), 'names that differ'),
    (META, 'a mirror image that is no joint', joint('1', swap='x'), 'swap'),
    (META, 'a mirror image that is a list', joint('1', swap=['a']), 'swap'),
    (META, 'bones of text', put('dataset_info', 'skeleton_info',
                                'x'), 'skeleton_info'),
    (META, 'a bone of one joint',
     put('dataset_info', 'skeleton_info', '0', 'link', ['hook']), 'link'),
    (META, 'a bone to nowhere',
     put('dataset_info', 'skeleton_info', '0', 'link', ['hook', 'x']), 'link'),
    (META, 'weights of text', put('dataset_info', 'joint_weights',
                                  ['x'] * 3), 'joint_weights'),
    (META, 'two weights', put('dataset_info', 'joint_weights',
                              [1, 1]), 'joint_weights'),
    (META, 'sigmas that are a number', put('dataset_info', 'sigmas',
                                           5), 'sigmas'),
    (PEOPLE, 'a column of another name', swap('height', 'x'), 'columns'),
    (PEOPLE, 'nobody', lambda path, seed: seed.split(b'\n')[0], 'columns'),
    (PEOPLE, 'people of text', swap('500', 'x'), 'column'),
    (PEOPLE, 'a row of one column',
     lambda path, seed: seed.split(b'\n')[0] + b'\n500\n', 'column'),
    (PEOPLE, 'giants', swap('500', '99999'), '20 to'),
    (PEOPLE, 'NaN', swap('500', 'nan'), '20 to'),
    (BVH, 'a list', '[]', 'expected an object'),
    (BVH, f'{DEEP} lists in each other', nested(DEEP), 'too deep'),
    (BVH, 'an unknown key', put('x', 1), 'unknown keys'),
    (BVH, 'units below 0', put('metres_per_unit', -1), 'metres_per_unit'),
    (BVH, 'units of NaN', put('metres_per_unit', NAN), 'metres_per_unit'),
    (BVH, 'no joints', drop('joints'), 'joints'),
    (BVH, 'joints that are a list', put('joints', [1]), 'no skeleton'),
    (BVH, 'a joint that is a number', put('joints', 'root', 5), 'no skeleton'),
    (BVH, 'a joint less', drop('joints', 'root'), 'missing'),
    (BVH, 'a pattern that is none', put('file_name', '('), 'no skeleton'),
    (BVH, 'a pattern that is a number', put('file_name', 5), 'no skeleton'),
    (CUTS, 'more columns than its head', 'STYLE_NAME,A_START\nOld,1,2,3\n',
     'as many columns'),
    (CUTS, 'no column of styles', 'A,B\n1,2\n', 'STYLE_NAME'),
    (CAMERAS, 'a matrix of text', swap('1500.0', 'x'), 'cannot be read'),
    (CAMERAS, 'a matrix that is cut', swap('1500.0', ''), 'cannot be read'),
    (CAMERAS, 'a matrix of NaN', swap('1500.0', 'nan'), 'camera 0'),
    (CAMERAS, 'a size of text', swap('2048', 'x'), 'cannot be read'),
    (CAMERAS, 'no matrix', 'name 0\n size 5 5\n', 'camera 0'),
    (CAMERAS, 'a camera of text', swap('name 0', 'name x'), 'cannot be read'),
    (CAMERAS, 'a camera without number', swap('name 0',
                                              'name'), 'cannot be read'),
    (TRAIN, 'no cells', mat(annot2=np.ones((14, 1))), 'annot3'),
    (TRAIN, 'a cell too few',
     mat(annot2=np.ones((13, 1)), annot3=np.ones((13, 1))), '14'),
    (TRAIN, 'an array of terabytes',
     lambda path, seed: mat(annot2=np.ones((14, 1))).replace(
         b'\x0e\0\0\0\x01\0\0\0', b'\xff\xff\xff\x7f\xff\xff\xff\x7f'),
     'cannot be read'),
    (TRAIN, 'another version',
     lambda path, seed: seed[:124] + b'\x00\x03IM' + seed[128:],
     'cannot be read'),
    (TEST, 'terabytes', hdf5(terabytes), 'cannot be read.*annot2 has'),
    (TEST, 'a link into another file', hdf5(other_file),
     'cannot be read.*annot2 is not'),
    (TEST, 'the bytes of another file', hdf5(raw_bytes),
     'cannot be read.*annot2 is not'),
    (TEST, 'a folder within', hdf5(groups), 'cannot be read'),
    (TEST, 'words', hdf5(words), 'cannot be read'),
]
