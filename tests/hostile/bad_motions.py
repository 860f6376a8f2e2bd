# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bad motion capture and calibrations: reader, what is wrong, file,
sentence."""
import struct

import numpy as np
from making import (arrays, bomb, doc, header, laughs, member, nested, pickled,
                    planted, put, swap)

NAN, INF = float('nan'), float('inf')
HUGE = 10**400
DEEP = 100_000


def c3d_word(word: int, value: int, kind: str = '<H'):
    """The C3D file with another number in its header."""

    def make(path, seed: bytes) -> bytes:
        number = struct.pack(kind, value)
        place = 2 * (word - 1)
        return seed[:place] + number + seed[place + len(number):]

    return make


def c3d_parameter(name: bytes, value: bytes, dims: int = 0):
    """The C3D file with other bytes as a parameter's value."""

    def make(path, seed: bytes) -> bytes:
        place = seed.index(name) + len(name) + 4 + dims
        return seed[:place] + value + seed[place + len(value):]

    return make


def xml(start: str):
    return lambda path, seed: start.encode() + seed


ASF, AMC, BVH = 'ASF', 'AMC', 'BVH'
CHARACTER, MOTION = 'DeepMimic character', 'DeepMimic motion'
TRC, C3D, CSV = 'TRC', 'C3D', 'CSV'
TOML, CALIB = 'calibration: TOML', 'calibration: JSON'
PKL, XML, PLAN = 'cameras.pkl', 'metadata.xml', 'joints of markers'
CAMERA = dict(w=1000, h=1000, f=[900, 900], c=[500, 500])
LAUGHS = '\n'.join(
    ['<!DOCTYPE a [<!ENTITY b0 "ha">'] +
    [f'<!ENTITY b{i} "&b{i - 1};&b{i - 1};">' for i in range(1, 40)] + [']>'])


def cameras(key=('S1', '1'), **changes):
    return pickled({key: {**CAMERA, **changes}})


CASES = [
    (ASF, 'a unit of 0', swap('length 0.45', 'length 0'), 'ZeroDivision'),
    (ASF, 'a unit of NaN', swap('length 0.45', 'length nan'), 'finite'),
    (ASF, 'a unit of 1e-320', swap('length 0.45', 'length 1e-320'), 'finite'),
    (ASF, 'a bone of infinite length', swap('length 2.0',
                                            'length inf'), 'finite'),
    (ASF, 'a bone of 10^400', swap('length 2.0',
                                   f'length {HUGE}'), 'finite|Overflow'),
    (ASF, 'a bone of NaN', swap('direction 0 1 0',
                                'direction 0 nan 0'), 'finite'),
    (ASF, 'an axis of NaN', swap('axis 10 20 30', 'axis nan 20 30'), 'finite'),
    (ASF, 'a bone that hangs on itself', swap('stem twig', 'stem stem'),
     'hangs on two parents'),
    (ASF, 'a ring of bones', swap('stem twig', 'stem twig\n    twig stem'),
     'hangs on two parents'),
    (ASF, 'a bone of no data', swap('stem twig', 'stem ghost'), 'twig'),
    (ASF, 'a bone twice', swap('name twig', 'name stem'), 'twig'),
    (ASF, 'a degree of freedom of text', swap('dof rx ry rz',
                                              'dof rx rx'), 'dof'),
    (ASF, 'an end before a beginning',
     swap('  begin\n     name stem', '     name stem'), 'Acclaim'),
    (ASF, 'a root that is turned',
     swap('orientation 0 0 0', 'orientation 0 1 0'), 'orientation'),
    (AMC, 'a frame number of 5000 digits', swap('\n2\n', f'\n{"2" * 5000}\n'),
     'number of a frame|expected'),
    (AMC, 'a frame number of other digits', swap('\n2\n', '\n\u0662\u0665\n'),
     'missing'),
    (AMC, 'a negative frame', swap('\n2\n', '\n-2\n'), 'skeleton has not'),
    (AMC, 'a frame twice', swap('\n2\n', '\n1\n'), 'frame 1 is there twice'),
    (AMC, 'a bone of control characters', swap('stem', '\x1b[2Jstem'),
     'skeleton has not'),
    (AMC, 'a bone twice', swap('stem 0 0 0',
                               'stem 0 0 0\nstem 0 0 0'), 'twice|truncated'),
    (AMC, 'NaN', swap('11 12 13', 'nan 12 13'), 'NaN or infinite in frame 2'),
    (AMC, 'a number of 10^400', swap('11 12 13', f'{HUGE} 12 13'),
     'NaN or infinite|channels'),
    (AMC, 'a number too few', swap('11 12 13', '11 12'), '3 numbers'),
    (AMC, 'a word', swap('11 12 13', 'a b c'), 'could not convert'),
    (AMC, 'no frames', ':DEGREES\n', 'number of the first frame'),
    (BVH, '10^15 frames of no channels', 'HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\n'
     'CHANNELS 0\n}\nMOTION\nFrames: 1000000000000000\nFrame Time: 0.02\n',
     'channels'),
    (BVH, '10^15 frames', swap('Frames: 2', 'Frames: 1000000000000000'),
     'expected 1000000000000000 frames'),
    (BVH, '-2 frames', swap('Frames: 2', 'Frames: -2'), 'expected'),
    (BVH, 'frames of 5000 digits', swap('Frames: 2',
                                        'Frames: ' + '9' * 5000), 'MOTION'),
    (BVH, '10^12 channels', swap('CHANNELS 3',
                                 'CHANNELS 1000000000000'), 'hierarchy'),
    (BVH, '-3 channels', swap('CHANNELS 3',
                              'CHANNELS -3'), 'hierarchy|channels'),
    (BVH, 'channels of no kind', swap('Zrotation Xrotation',
                                      'Wrotation \0'), 'channels'),
    (BVH, 'an offset of NaN', swap('OFFSET 1 -2 0.5',
                                   'OFFSET nan 0 0'), 'not finite'),
    (BVH, 'an offset of 10^400', swap('OFFSET 1 -2 0.5',
                                      f'OFFSET {HUGE} 0 0'), 'not finite'),
    (BVH, 'offsets that add up to infinity',
     lambda path, seed: seed.replace(b'OFFSET 1 -2 0.5', b'OFFSET 1e308 0 0').
     replace(b'OFFSET 0 -3 0', b'OFFSET 1e308 0 0'), 'finite'),
    (BVH, 'a brace too many', swap('MOTION', '}\n}\nMOTION'), 'hierarchy'),
    (BVH, 'an end before the root', 'HIERARCHY\nEnd Site\n{\n}\nMOTION\n'
     'Frames: 1\nFrame Time: 1\n', 'hierarchy'),
    (BVH, 'a frame time of 0', swap('0.02', '0'), 'seconds of each'),
    (BVH, 'a rate as the frame time', swap('0.02', '50'), 'seconds of each'),
    (BVH, 'a frame time of NaN', swap('0.02', 'nan'), 'finite'),
    (BVH, 'a motion of NaN', swap('1 2 3 4', 'nan 2 3 4'), 'finite'),
    (BVH, 'a joint twice', swap('JOINT Leg', 'JOINT Hips'), "'Hips' twice"),
    (CHARACTER, f'{DEEP} lists in each other', nested(DEEP), 'too deep'),
    (CHARACTER, 'a parent behind its child',
     put('Skeleton', 'Joints', 1, 'Parent', 5), 'parent 5'),
    (CHARACTER, 'a parent of 10^400',
     put('Skeleton', 'Joints', 1, 'Parent', HUGE), 'parent'),
    (CHARACTER, 'an attachment of infinity',
     put('Skeleton', 'Joints', 1, 'AttachX', INF), 'finite'),
    (CHARACTER, 'joints that are numbers', put('Skeleton', 'Joints',
                                               5), 'character'),
    (CHARACTER, 'no neck', put('BodyDefs', []), 'StopIteration|character'),
    (CHARACTER, 'a joint of no known type',
     put('Skeleton', 'Joints', 1, 'Type', ['revolute']), 'type|unhashable'),
    (MOTION, 'frames that are text', put('Frames', 'abc'), 'no "Frames"'),
    (MOTION, 'NaN', put('Frames', 0, 5, NAN), 'frame 0 is NaN'),
    (MOTION, 'a number of 10^400', put('Frames', 0, 5, HUGE),
     'NaN or infinite|expected numbers'),
    (MOTION, 'lists as numbers', put('Frames', 0, 5,
                                     [1, 2]), 'expected numbers'),
    (MOTION, 'a frame of 10^12 seconds', put('Frames', 0, 0,
                                             1e12), 'expected|seconds'),
    (MOTION, 'a frame of -1 seconds', put('Frames', 0, 0, -1), 'seconds'),
    (MOTION, 'a quaternion of zeros',
     doc(lambda d: d['Frames'][0].__setitem__(slice(4, 8), [0] * 4)),
     'quaternion'),
    (MOTION, 'a single frame', doc(lambda d: d['Frames'].pop() and None),
     'two and more frames'),
    (TRC, 'a marker twice', swap('a\t\t\tb', 'a\t\t\ta'), "'a'. twice"),
    (TRC, 'a rate of text', swap('\n50\t', '\nfast\t'), 'numbers'),
    (TRC, 'a rate of 0', swap('\n50\t', '\n0\t'), 'frame rate'),
    (TRC, 'a rate of infinity', swap('\n50\t', '\ninf\t'), 'frame rate'),
    (TRC, 'a rate of -50', swap('\n50\t', '\n-50\t'), 'frame rate'),
    (TRC, 'an unknown unit', swap('\tm\n', '\tparsec\n'), 'say the unit'),
    (TRC, 'a word', swap('\n0\t0.00\t', '\n0\t0.00\tx'), 'expected numbers'),
    (TRC, '10^17 frames', swap('50\t50\t2',
                               '50\t50\t1' + '0' * 17), 'cut short'),
    (TRC, 'points of infinity', swap('\n0\t0.00\t',
                                     '\n0\t0.00\t1e999\t'), 'infinite'),
    (C3D, 'parameters in block 255', lambda path, seed: b'\xff' + seed[1:],
     'no C3D'),
    (C3D, 'no magic number', lambda path, seed: seed[:1] + b'\x51' + seed[2:],
     'no C3D'),
    (C3D, '65535 points', c3d_word(2, 65535), 'C3D'),
    (C3D, '65535 frames', c3d_word(5, 65535), 'C3D|frames'),
    (C3D, 'data in block 65535', c3d_word(9, 65535), 'C3D|frames'),
    (C3D, 'a rate of NaN', c3d_parameter(b'RATE', struct.pack('<f',
                                                              NAN)), 'rate'),
    (C3D, 'a rate of infinity', c3d_parameter(b'RATE',
                                              struct.pack('<f', INF)), 'rate'),
    (C3D, 'a scale of NaN', c3d_parameter(b'SCALE', struct.pack('<f', NAN)),
     'C3D|infinite|known'),
    (C3D, 'units of no length', c3d_parameter(b'UNITS', b'\0\0', 1), 'unit'),
    (C3D, 'a parameter of 255 x 255 numbers', lambda path, seed: seed.replace(
        b'LABELS' + seed[seed.index(b'LABELS') + 6:][:3] + b'\x02', b'LABELS' +
        seed[seed.index(b'LABELS') + 6:][:3] + b'\x07'), 'C3D'),
    (C3D, 'no frames behind the header', lambda path, seed: seed[:1024],
     'C3D|frames'),
    (CSV, 'no time', swap('time', 'clock'), 'a header with time'),
    (CSV, 'times that run backwards', swap('0.04', '-1'), 'go up'),
    (CSV, 'times of NaN', swap('0.04', 'nan'), 'go up|times'),
    (CSV, 'a word', swap('0.02,1', '0.02,one'), 'expected numbers'),
    (CSV, 'a cell of 10^6 letters', swap('0.02,1', '0.02,' + 'x' * 10**6),
     'no CSV file|expected numbers'),
    (CSV, 'a quote without an end', swap('0.02,1', '0.02,"1'), 'expected'),
    (CSV, 'points of infinity', swap('0.02,1', '0.02,1e999'), 'infinite'),
    (CSV, 'a header alone', 'time,a_x,a_y,a_z\n', 'go up'),
    (CSV, 'a zero in a name', swap('a_x', 'a\0_x'), 'expected|without'),
    (TOML, 'a camera without a size', swap('size', 'length'), 'lacks'),
    (TOML, 'a size of infinity', swap('[1280, 720]', '[inf, 720]'), 'finite'),
    (TOML, 'a size of 10^400', swap('[1280, 720]', f'[{HUGE}, 720]'), 'size'),
    (TOML, 'a size of text', swap('[1280, 720]', "['a', 'b']"), 'size'),
    (TOML, 'one size', swap('[1280, 720]', '[5]'), 'size'),
    (TOML, 'a negative size', swap('[1280, 720]', '[-5, 5]'), 'positive'),
    (TOML, 'a matrix of two rows', swap(', [0, 0, 1]]',
                                        ']'), 'matrix of 3 x 3'),
    (TOML, 'a matrix of text', swap('900.0', "'wide'"), 'matrix'),
    (TOML, 'a ragged matrix', swap('[0, 0, 1]', '[0, 0]'), 'matrix'),
    (TOML, 'a matrix of NaN', swap('900.0', 'nan'), 'finite'),
    (TOML, 'a rotation of NaN', swap('rotation = [0.0',
                                     'rotation = [nan'), 'finite|rotation'),
    (TOML, 'a translation of two numbers', swap('[0.0, 1, 2]',
                                                '[0.0, 1]'), 'translation'),
    (TOML, 'a section twice', lambda path, seed: seed + seed, 'no TOML file'),
    (TOML, f'{DEEP} lists in each other',
     lambda path, seed: seed + f'x = {nested(DEEP)}'.encode(), 'no TOML file'),
    (CALIB, f'{DEEP} lists in each other', nested(DEEP), 'too deep'),
    (CALIB, 'a camera twice', doc(lambda d: d * 2), 'c01.* twice'),
    (CALIB, 'names that become the same',
     doc(lambda d: [dict(d[0], name='a.b'),
                    dict(d[0], name='a_b')]), 'names differ'),
    (CALIB, 'a name of control characters', put(0, 'name', '\x1b]0;x\x07'),
     'control characters'),
    (CALIB, 'distortions of text', put(0, 'distortions',
                                       'none'), 'distortion'),
    (CALIB, 'distortions of infinity', put(0, 'distortions',
                                           [INF] * 5), 'finite'),
    (CALIB, 'cameras that are numbers', '[1, 2]', 'list of cameras'),
    (CALIB, 'no cameras', '[]', 'found none'),
    (CALIB, 'a rotation that is a mirror',
     put(0, 'rotation', [[1, 0, 0], [0, 1, 0], [0, 0, -1]]), 'no rotation'),
    (PKL, 'planted code', pickled(lambda path: {('S1', '1'): planted(path)}),
     'open, which is not plain data'),
    (PKL, 'planted code of protocol 0', pickled(planted, 0),
     'open, which is not plain data'),
    (PKL, 'planted code of protocol 5', pickled(planted, 5),
     'open, which is not plain data'),
    (PKL, 'a list of 2^60 elements', pickled(laughs(60)), 'unfolds to more'),
    (PKL, 'a list that holds itself',
     pickled(lambda path: (lambda ring: ring.append(ring) or ring)([])),
     'holds itself'),
    (PKL, 'a memo of two billion entries', b'\x80\x02]r\xff\xff\xff\x7f.',
     'dict of cameras'),
    (PKL, 'bytes of an exabyte',
     b'\x80\x04\x8e' + struct.pack('<Q', 1 << 60) + b'x.', 'truncated|plain'),
    (PKL, 'an array of terabytes',
     b'\x80\x02cnumpy\nndarray\nJ\x00\x00\x00\x7f\x85R.', 'plain data'),
    (PKL, 'an array of objects that is code',
     pickled(lambda path: np.array([planted(path)], object)),
     'open, which is not'),
    (PKL, 'a type whose elements grow', pickled(np.zeros(3, [('a', 'f4')])),
     'fields|neither'),
    (PKL, 'no cameras', pickled({}), 'dict of cameras'),
    (PKL, 'a camera without a subject', cameras('1'), 'keyed .subject'),
    (PKL, 'a camera by numbers', cameras((1, 2)), 'names of subject'),
    (PKL, 'a camera of control characters', cameras(
        ('S1', 'a\n\x1b')), 'control characters'),
    (PKL, 'a width of NaN', cameras(w=NAN), '1 finite number|finite'),
    (PKL, 'a width of infinity', cameras(w=INF), '1 finite number|finite'),
    (PKL, 'a width of text', cameras(w='wide'), '1 finite number|finite'),
    (PKL, 'a focal length of text', cameras(f=['a', 'b']), 'f: expected'),
    (PKL, 'a focal length of NaN', cameras(f=[NAN, 1]), 'f: expected'),
    (PKL, 'a focal length of 10^6 numbers', cameras(f=np.zeros(10**6)),
     'f: expected 2'),
    (PKL, 'a rotation of lists that grow', cameras(R=laughs(40)),
     'unfolds to more'),
    (PKL, 'a rotation of zeros', cameras(R=np.zeros((3, 3))), 'no rotation'),
    (PKL, 'a shear of determinant 1',
     cameras(R=[[1, 5, 0], [0, 1, 0], [0, 0, 1]]), 'no rotation'),
    (XML, 'entities that unfold to 10^12 letters', xml(LAUGHS),
     'defines entities'),
    (XML, 'an entity of another file',
     xml('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'),
     'defines entities'),
    (XML, 'too few numbers', '<a><w0>[1 2 3]</w0></a>', 'holds 3 numbers'),
    (XML, 'words', '<a><w0>[one two]</w0></a>', 'metadata.xml'),
    (XML, 'no w0', '<a></a>', 'holds 0 numbers'),
    (XML, 'NaN', swap('1100', 'nan'), 'finite'),
    (XML, 'an encoding that is none',
     xml('<?xml version="1.0" encoding="klingon"?>'), 'metadata.xml'),
    (XML, 'another root that is not closed', '<a>' * 10000, 'metadata.xml'),
    (PLAN, f'{DEEP} lists in each other', nested(DEEP), 'too deep'),
    (PLAN, 'a point that is not there', put('joints', 'hip',
                                            'ghost'), "found .'ghost'"),
    (PLAN, 'a joint of no points', put('joints', 'hip', []), 'at least one'),
    (PLAN, 'a joint of numbers', put('joints', 'hip',
                                     [1, 2]), 'points out of'),
    (PLAN, 'joints that are a list', put('joints', ['hip']), '"joints"'),
    (PLAN, 'links of three', put('links', [['a', 'b', 'c']]), '"links"'),
    (PLAN, 'a root that is a list', put('root', ['hip']), '"root"|root'),
    (PLAN, 'a root that is no joint', put('root', 'ghost'), 'root'),
    (PLAN, 'no joints', put('joints', {}), 'at least one'),
    ('AIST++ npz', 'planted code', lambda path, seed: member(
        'keypoints3d',
        header('()', "'|O'") + pickled(planted)(path, seed))
     (path, seed), 'open, which is not plain data'),
    ('AIST++ npz', 'another number of joints',
     arrays(keypoints3d=np.zeros((2, 5, 3))), 'keypoints3d of the shape'),
    ('AIST++ npz', 'no poses', arrays('keypoints3d',
                                      other=np.zeros(3)), 'expected one of'),
    ('AIST++ npz', 'text', arrays(keypoints3d=np.array('a')), 'numbers'),
    ('AIST++ npz', '2D of other cameras',
     arrays(keypoints2d=np.zeros((7, 2, 17, 3))), 'keypoints2d of the shape'),
    ('AIST++ npz', 'a bomb', bomb('keypoints3d'), 'would unpack'),
    ('AIST++ pickle', 'planted code',
     pickled(lambda path: dict(keypoints3d=planted(path))), 'not plain data'),
    ('AIST++ pickle', 'a list of 2^60 elements',
     pickled(dict(keypoints3d=laughs(60))), 'unfolds to more'),
    ('AIST++ pickle', 'no dict', pickled([1, 2]), 'expected one of'),
    ('AIST++ pickle', 'text', pickled(dict(keypoints3d='abc')), 'numbers'),
    ('AIST++ pickle', 'ragged lists', pickled(dict(keypoints3d=[[1], [1, 2]])),
     'numbers'),
    ('Human3.6M npz', 'planted code', lambda path, seed: member(
        'positions_3d',
        header('()', "'|O'") + pickled(planted)(path, seed))
     (path, seed), 'open, which is not plain data'),
    ('Human3.6M npz', 'no people',
     member('positions_3d',
            header('()', "'|O'") + pickled(5)(None, b'')), 'array'),
    ('Human3.6M npz', 'poses of text',
     member(
         'positions_3d',
         header('()', "'|O'") +
         pickled(np.array({'S1': {
             'Walk': 'abc'
         }}, object))(None, b'')), 'Walk'),
    ('Human3.6M npz', 'a person without cameras',
     member(
         'positions_3d',
         header('()', "'|O'") +
         pickled(np.array({'S99': {
             'Walk': np.zeros((2, 17, 3))
         }}, object))(None, b'')), 'no camera of S99'),
    ('Human3.6M npz', 'clips by numbers',
     member(
         'positions_3d',
         header('()', "'|O'") +
         pickled(np.array({'S1': {
             7: np.zeros((2, 17, 3))
         }}, object))(None, b'')), 'clip: expected a name'),
]
