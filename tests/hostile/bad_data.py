# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bad data sets: reader, what is wrong, file, sentence."""
import numpy as np
from making import (array, arrays, bomb, header, member, nested, pickled,
                    planted, zipped)

NAN, INF = float('nan'), float('inf')
RECORDING, ANNOTATIONS = 'recording', 'annotations'
DETECTIONS, MIXTURES = 'detections', 'mixtures'
MOTIONS, MINI, DEPTHS = 'world motions', 'mocap-mini', 'depth histograms'
RESULTS = 'results of metrics'
BOXES, RATES = 'boxes of a tracker', 'frame rates'
VIEW = 'Ann__walk_1__front__'


def planted_as(key):
    """Code in place of an array of objects."""
    return lambda path, seed: member(
        key,
        header('()', "'|O'") + pickled(planted)(path, seed))(path, seed)


def view(**changes):
    return arrays(
        **{
            f'{VIEW}{"camera" if key == "camera" else key[1:]}': value
            for key, value in changes.items()
        })


def clip_called(name):
    """The recording with another clip."""
    return arrays(
        **{
            f'{name}/3d': np.ones((2, 17, 3)),
            f'{name}/camera': np.array([1000., 1000])
        })


CASES = [
    *((reader, 'planted code', planted_as(key), 'pickled objects')
      for reader, key in ((RECORDING, 'joints'), (ANNOTATIONS, 'S'),
                          (MOTIONS, 'positions'), (MINI, 'positions'),
                          (DEPTHS, 'counts'))),
    *((reader, 'a shape of terabytes',
       member(key, header('(1000000000000, 17, 3)')),
       'expected 408000000000000 bytes')
      for reader, key in ((RECORDING, 'links'), (ANNOTATIONS, 'S'),
                          (MOTIONS, 'positions'), (MINI, 'positions'),
                          (DEPTHS, 'counts'))),
    *((reader, 'no arrays', zipped({}), 'lacks')
      for reader in (RECORDING, ANNOTATIONS, MOTIONS, MINI, DEPTHS)),
    *((reader, 'an array twice', zipped({'a.npy': b'x'}, 'a.npy'), 'twice')
      for reader in (RECORDING, ANNOTATIONS, MOTIONS, MINI, DEPTHS)),
    (ANNOTATIONS, 'a bomb', bomb('S'), 'lacks|unpack'),
    (RECORDING, 'a root of no joint', arrays(root=np.array('ghost')),
     'root: expected one of'),
    (RECORDING, 'links of text', arrays(links=np.array([['a', 'b']])),
     'own.npz'),
    (RECORDING, 'links of joints that there are not',
     arrays(links=np.array([[0, 99]])), 'own.npz.*(joint|link|99)'),
    (RECORDING, 'negative links', arrays(links=np.array([[-1, -2]])),
     'own.npz.*(link|bone|joint)'),
    (RECORDING, 'swaps of 10^18', arrays(swaps=np.array([[10**18, 1]])),
     'own.npz'),
    (RECORDING, 'a frame rate of NaN', arrays(fps=np.array(NAN)), 'fps'),
    (RECORDING, 'a frame rate of text', arrays(fps=np.array('x')), 'own.npz'),
    (RECORDING, 'two frame rates', arrays(fps=np.array([1., 2])), 'own.npz'),
    (RECORDING, 'joints of the same name',
     arrays(joints=np.array(['a'] * 17), root=np.array('a')), 'own.npz'),
    (RECORDING, 'a joint of control characters',
     arrays(joints=lambda a: np.where(a == 'head', '\x1b[2J', a)),
     'control characters'),
    (RECORDING, 'another number of joints', view(_3d=np.ones((2, 5, 3))),
     'expected .F, 17, 3.'),
    (RECORDING, 'poses of one dimension', view(_3d=np.ones(5)), 'Ann/walk_1'),
    (RECORDING, '2D of one dimension', view(_2d=np.ones(5)), 'Ann.walk_1'),
    (RECORDING, '2D of text', view(_2d=np.array('x')), 'Ann/walk_1'),
    (RECORDING, 'poses of text', view(_3d=np.array([['x']])), 'Ann/walk_1'),
    (RECORDING, 'poses in millimetres', view(_3d=lambda a: a * 1000),
     'units are metres'),
    (RECORDING, 'poses of infinity', view(_3d=lambda a: a * INF), 'infinit'),
    (RECORDING, 'all joints on one point',
     view(_3d=lambda a: a * 0 + [0, 0, 3]), 'units are metres'),
    (RECORDING, 'people behind the camera', view(_3d=lambda a: -a),
     'in front of the camera'),
    (RECORDING, 'a camera of 3 numbers', view(camera=np.ones(3)), 'camera'),
    (RECORDING, 'a camera of NaN', view(camera=np.full(6, NAN)), 'camera'),
    (RECORDING, 'a camera of text', view(camera=np.array(['x'] * 6)),
     'camera'),
    (RECORDING, 'a focal length of 0', view(camera=np.zeros(6)), 'camera'),
    (RECORDING, 'a clip outside of its person', clip_called('../../etc/cron'),
     'expected keys'),
    (RECORDING, 'a person of dots', clip_called('../walk/front'), 'without'),
    (RECORDING, 'a clip of dots', clip_called('Ann/../front'), 'without'),
    (RECORDING, 'a clip of control characters',
     clip_called('Ann/\x1b]0;\x07/front'), 'control characters'),
    (RECORDING, 'a camera that ends its line', clip_called('Ann/walk/front\n'),
     'control characters'),
    (RECORDING, 'a clip of 300 letters', clip_called(f'Ann/{"x" * 300}/front'),
     '200 letters'),
    (RECORDING, 'a clip of two cameras deep', clip_called('Ann/a/b/c'),
     'expected keys'),
    (ANNOTATIONS, 'fewer poses than names', arrays(S=lambda a: a[:1]),
     'S has the shape'),
    (ANNOTATIONS, 'names that are numbers', arrays(imgname=np.arange(2)),
     'image name'),
    (ANNOTATIONS, 'names of no pattern', arrays(imgname=np.array(['a', 'b'])),
     'pattern'),
    (ANNOTATIONS, 'names of no text', arrays(imgname=np.array('a')),
     'imgname|shape'),
    (ANNOTATIONS, 'names out of order', arrays(imgname=lambda a: a[::-1]),
     'follow each other'),
    (ANNOTATIONS, 'a frame number of 5000 digits',
     arrays(imgname=np.array([f'S1_Walk.1_{"9" * 5000}.jpg'] * 2)),
     'frame number|annotations.npz'),
    (ANNOTATIONS, 'no rows',
     arrays(
         imgname=np.array([], str),
         part=np.zeros((0, 17, 3)),
         S=np.zeros((0, 17, 4))), 'no frames'),
    (ANNOTATIONS, 'poses of NaN', arrays(S=lambda a: a * NAN), 'S'),
    (ANNOTATIONS, 'poses in millimetres',
     arrays(S=lambda a: a * [1000, 1000, 1000, 1]), 'metres'),
    (ANNOTATIONS, 'poses of text', arrays(S=np.full((2, 17, 4), 'x')),
     'numbers'),
    (ANNOTATIONS, '2D of NaN', arrays(part=lambda a: a * [NAN, 1, 1]), 'part'),
    (ANNOTATIONS, '2D of complex numbers', arrays(part=lambda a: a + 1j),
     'numbers'),
    (DETECTIONS, 'planted code',
     lambda path, seed: header('()', "'|O'") + pickled(planted)
     (path, seed), 'pickled objects'),
    (DETECTIONS, 'a shape of terabytes', header('(1000000000000, 17, 3)'),
     'expected 408000000000000 bytes'),
    (DETECTIONS, 'an archive', zipped({'a.npy': b''}), 'archive'),
    (DETECTIONS, 'fewer rows', array(lambda a: a[:1]), 'has 1 frames'),
    (DETECTIONS, 'no dimensions', array(np.array(1.)), 'shape|has 1 frames'),
    (DETECTIONS, 'other joints', array(lambda a: a[:, :5]), 'shape'),
    (DETECTIONS, 'scores of NaN', array(lambda a: a * NAN), 'scores'),
    (DETECTIONS, 'text', array(lambda a: a.astype(str)), 'numbers'),
    (MIXTURES, 'planted code',
     lambda path, seed: header('()', "'|O'") + pickled(planted)
     (path, seed), 'pickled objects'),
    (MIXTURES, 'a shape of terabytes', header('(1000000000000, 17, 5, 5)'),
     'bytes of an array'),
    (MIXTURES, 'a shape of 10^30', header('(1' + '0' * 30 + ', 17, 5, 5)'),
     'bytes of an array'),
    (MIXTURES, 'fewer rows', array(lambda a: a[:1]), 'has 1 frames'),
    (MIXTURES, 'three numbers a component', array(lambda a: a[..., :3]),
     'shape'),
    (MIXTURES, 'text', array(lambda a: a.astype(str)), 'numbers'),
    (MOTIONS, 'starts that fall', arrays(starts=np.array([2, 0])), 'starts'),
    (MOTIONS, 'starts of text', arrays(starts=np.array(['a', 'b'])),
     'starts|motions.npz'),
    (MOTIONS, 'starts of one number', arrays(starts=np.array(0)),
     'motions.npz'),
    (MOTIONS, 'a start of -10^18', arrays(starts=np.array([0, -10**18, 2])),
     'starts'),
    (MOTIONS, 'positions of NaN', arrays(positions=lambda a: a * NAN),
     'NaN|infinite'),
    (MOTIONS, 'positions in millimetres', arrays(positions=lambda a: a * 1000),
     'metres'),
    (MOTIONS, 'a frame rate of NaN', arrays(fps=np.array([NAN])), 'fps'),
    (MOTIONS, 'a frame rate of infinity', arrays(fps=np.array([INF])), 'fps'),
    (MOTIONS, 'people of two clips', arrays(subjects=np.array(['a', 'b'])),
     'subjects'),
    (MOTIONS, 'a person of control characters',
     arrays(subjects=np.array(['\x1b'])), 'control characters'),
    (MINI, 'lengths that are negative', arrays(lengths=np.array([-2, 4])),
     'lengths'),
    (MINI, 'lengths of NaN', arrays(lengths=np.array([NAN])),
     'whole numbers as lengths'),
    (MINI, 'lengths of 10^18', arrays(lengths=np.array([2**62, 2**62])),
     'shape'),
    (MINI, 'a clip without a person', arrays(subjects=np.array([], str)),
     'subjects'),
    (MINI, 'a split that is none', arrays(splits=np.array(['dev'])), 'splits'),
    (MINI, 'a frame rate of 0', arrays(fps=np.array(0)), 'fps'),
    (MINI, 'other joints', arrays(positions=np.zeros((2, 5, 3), np.int16)),
     'positions'),
    (DEPTHS, 'negative counts', arrays(counts=lambda a: -a), 'counts'),
    (DEPTHS, 'counts of NaN', arrays(counts=lambda a: a * NAN), 'counts'),
    (DEPTHS, 'no counts at all', arrays(counts=lambda a: a * 0), 'counts'),
    (DEPTHS, 'edges that fall', arrays(edges=lambda a: a[::-1]), 'edges'),
    (DEPTHS, 'edges of infinity', arrays(edges=lambda a: a * INF), 'edges'),
    (DEPTHS, 'edges in millimetres', arrays(edges=lambda a: a * 1000),
     'metres'),
    (DEPTHS, 'counts of text', arrays(counts=np.array('x')), 'numbers'),
    (DEPTHS, 'a million bins',
     arrays(counts=np.ones((17, 10**5)),
            edges=np.linspace(-1, 1, 10**5 + 1)), 'bins'),
    (RESULTS, '10^5 objects in each other',
     '{"a":' * 10**5 + '1' + '}' * 10**5, 'too deep'),
    (RESULTS, '10^5 lists in each other', nested(10**5), 'too deep'),
    (RESULTS, 'a list', '[1]', 'instead of an object'),
    (RESULTS, 'a metric twice', '{"MPJPE": 1, "MPJPE": 2}', 'twice'),
    (RESULTS, 'a number', '17', 'instead of an object'),
    *((BOXES, f'a box of {what}', f'{line}\n', 'line 1: expected "frame, id')
      for what, line in dict(
          text='a,b,c,d,e,f',
          fields='1,2,3',
          nan='1,1,nan,2,3,4',
          infinity='1,1,inf,2,3,4').items()),
    (BOXES, 'a frame of NaN', 'nan,1,1,2,3,4\n', 'frames from 1 on'),
    (BOXES, 'frame 0', '0,1,1,2,3,4\n', 'frames from 1 on'),
    (BOXES, 'frame 1.5', '1.5,1,1,2,3,4\n', 'frames from 1 on'),
    (BOXES, 'frame 10^300', '1e300,1,1,2,3,4\n', 'frames from 1 on'),
    (BOXES, 'an id of -1', '1,-1,1,2,3,4\n', 'frames from 1 on'),
    (BOXES, 'an id of 10^30', '1,1e30,1,2,3,4\n', 'frames from 1 on'),
    (BOXES, 'a box of no width', '1,1,1,2,0,4\n', 'frames from 1 on'),
    (BOXES, 'a box of infinite height', '1,1,1,2,3,inf\n', 'frames from 1 on'),
    (BOXES, 'a corner beyond all floats', '1,1,1e308,2,1e308,4\n',
     'frames from 1 on'),
    (BOXES, 'an id twice in a frame', '1,1,1,2,3,4\n1,1.0,5,6,7,8\n',
     'line 2: expected an id once a frame'),
    (BOXES, 'the first of 10^5 ids of a frame again',
     ''.join(f'1,{i % 99_999},1,2,3,4\n' for i in range(10**5)),
     'line 100000: expected an id once a frame'),
    (BOXES, 'a line that steers the terminal', '1,1,\x1b[2J,2,3,4\n', 'x1b'),
    (BOXES, 'blank lines alone', '\n\n \n', 'lines of boxes, found none'),
    (RATES, 'a header alone', 'subject,rate\n', 'found none'),
    (RATES, 'a rate of 0', '01,0\n', 'line 1: expected <subject'),
    (RATES, 'a negative rate', '01,-50\n', 'line 1: expected <subject'),
    (RATES, 'a rate of 400 digits', f'01,{"9" * 400}\n',
     'line 1: expected <subject'),
    (RATES, 'a subject of 5000 digits', f'{"9" * 5000},60\n',
     'line 1: expected <subject'),
    (RATES, 'motions up to 10^9', '01_1-999999999,60\n',
     'line 1: expected <subject'),
    (RATES, 'motions that go back', '01_9-3,60\n',
     'line 1: expected <subject'),
    (RATES, '10^4 motions of each of 10^4 subjects',
     ''.join(f'{i}_0-9999,60\n'
             for i in range(10**4)), 'at most 1000000 motions'),
    (RATES, 'a line that steers the terminal', '01,60\n\x1b[2J\n', 'x1b'),
]
