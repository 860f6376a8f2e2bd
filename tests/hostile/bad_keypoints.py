# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bad files of 2D keypoints: reader, what is wrong, file, sentence."""
import numpy as np
from making import (array, arrays, bomb, doc, drop, encrypted, header, member,
                    nested, pickled, planted, put, swap, zipped)

NAN, INF = float('nan'), float('inf')
HUGE = 10**400
DEEP = 100_000


def _json_files():
    """What is wrong with JSON of any format."""
    for name in ('MMPose', 'COCO', 'AlphaPose', 'OpenPose', 'Ultralytics',
                 'MediaPipe'):
        reader = f'keypoints: {name}'
        yield reader, f'{DEEP} lists in each other', nested(DEEP), 'too deep'
        yield (reader, f'{DEEP} objects in each other',
               '{"a":' * DEEP + '1' + '}' * DEEP, 'too deep')
        yield reader, 'a number of 10^5 digits', '[' + '9' * 100_000 + ']', \
            'not a JSON file'
        yield (reader, 'a second document behind the first',
               lambda path, seed: seed + seed, 'not a JSON file.*Extra data')
        yield (reader, 'half a byte order mark',
               lambda path, seed: b'\xef\xbb' + seed, 'not a JSON file')
    for name in ('MMPose', 'OpenPose', 'MediaPipe'):
        yield (f'keypoints: {name}', 'not a document but a number', '17',
               'expected')
        yield (f'keypoints: {name}', 'null', 'null', 'expected')
        yield (f'keypoints: {name}', 'a text', '"\\u0000\\u001b[2J"',
               'expected')


MMPOSE = 'keypoints: MMPose'
COCO = 'keypoints: COCO'
ALPHA = 'keypoints: AlphaPose'
OPEN = 'keypoints: OpenPose'
MEDIA = 'keypoints: MediaPipe'
ULTRA = 'keypoints: Ultralytics'
LABELS = 'keypoints: labels'
SPORTS = 'keypoints: Sports2D'
NPZ = 'keypoints: npz'
NPY = 'keypoints: npy'
PERSON = (0, 'instances', 0)
LOST = [[NAN, NAN]] * 17

CASES = [
    *_json_files(),
    (MMPOSE, 'a key twice',
     swap('"frame_id": 0',
          '"frame_id": 0, "frame_id": 1'), "key 'frame_id' twice"),
    (MMPOSE, 'a frame twice', put(1, 'frame_id', 0), 'differ, found 0'),
    (MMPOSE, 'a frame of 10^400', put(0, 'frame_id', HUGE), 'frame id'),
    (MMPOSE, 'a frame of -10^18', put(0, 'frame_id',
                                      -10**18), 'frame ids from 0 on'),
    (MMPOSE, 'a frame of 0.5', put(0, 'frame_id', .5), 'whole number'),
    (MMPOSE, 'a frame that is true', put(0, 'frame_id', True), 'whole'),
    (MMPOSE, 'NaN only',
     doc(lambda d: [
         dict(frame_id=i, instances=[dict(keypoints=LOST)]) for i in range(2)
     ]), 'no joint was seen'),
    (MMPOSE, 'pixels of 1e300',
     doc(lambda d: [
         e['instances'][0].update(keypoints=[[1e300, 1e300]] * 17) for e in d
     ] and None), 'pixels|joints may be'),
    (MMPOSE, 'negative scores',
     doc(lambda d:
         [e['instances'][0].update(keypoint_scores=[-1] * 17)
          for e in d] and None), 'no joint was seen'),
    (MMPOSE, 'joints of four numbers',
     put(*PERSON, 'keypoints', [[1] * 4] * 17), 'shape .joints, 2.'),
    (MMPOSE, 'no joints', put(*PERSON, 'keypoints',
                              [[]]), 'shape .joints, 2.'),
    (MMPOSE, 'joints that are text', put(*PERSON, 'keypoints',
                                         'hip'), 'keypoints as a list'),
    (MMPOSE, 'joints in an object', put(*PERSON, 'keypoints', {'hip': [1, 2]}),
     'keypoints as a list'),
    (MMPOSE, 'ragged joints', put(*PERSON, 'keypoints',
                                  [[1, 2]] * 16 + [[1]]), 'different lengths'),
    (MMPOSE, 'a joint of 10^400', put(*PERSON, 'keypoints', 3,
                                      [HUGE, 1]), 'keypoints as a list'),
    (MMPOSE, 'a joint less in the second frame',
     put(1, 'instances', 0, 'keypoints',
         [[1, 2]] * 16), 'found 16|16 joints|17'),
    (MMPOSE, 'scores of other joints', put(*PERSON, 'keypoint_scores',
                                           [1] * 16), '17 keypoint scores'),
    (MMPOSE, 'a track id of text', put(*PERSON, 'track_id', '../../etc'),
     'whole number as track id'),
    (MMPOSE, 'a track id of NaN in a list of lists',
     put(*PERSON, 'track_id', [[[[1.5]]]]), 'track id'),
    (MMPOSE, 'instances that are an object', put(0, 'instances', {'a': 1}),
     'instances as a list'),
    (MMPOSE, 'frames that are numbers', doc(lambda d: [1, 2, 3]),
     "key 'instances'"),
    (MMPOSE, 'one joint named',
     doc(lambda d: dict(
         meta_info=dict(keypoint_id2name={'0': 'a'}), instance_info=d)),
     'names 1 joints'),
    (MMPOSE, 'names by 10^100',
     doc(lambda d: dict(
         meta_info=dict(keypoint_id2name={str(10**100): 'a'}), instance_info=d)
         ), 'number of a joint'),
    (MMPOSE, 'names that are numbers',
     doc(lambda d: dict(
         meta_info=dict(joints=list(range(17))), instance_info=d)),
     'joint|name'),
    (MMPOSE, 'a name of control characters',
     doc(lambda d: dict(
         meta_info=dict(joints=['\x1b[2J'] + ['a'] * 16), instance_info=d)),
     'joint'),
    (MMPOSE, 'an unknown joint set',
     doc(lambda d: dict(meta_info=dict(skeleton='<script>'), instance_info=d)),
     "those of '<script>'"),
    (MMPOSE, 'an infinite frame rate',
     doc(lambda d: dict(meta_info=dict(fps=INF), instance_info=d)), 'fps'),
    (MMPOSE, 'a frame rate of text',
     doc(lambda d: dict(meta_info=dict(fps='fast'), instance_info=d)), 'fps'),
    (MMPOSE, 'a negative frame rate',
     doc(lambda d: dict(meta_info=dict(fps=-30), instance_info=d)), 'fps'),
    (MMPOSE, 'UTF-16 without its end',
     lambda path, seed: seed.decode().encode('utf-16')[:-3], 'not a JSON'),
    (MMPOSE, 'a lone surrogate as an id', put(*PERSON, 'track_id',
                                              '\ud800'), 'track id'),
    (COCO, 'an annotation without an image',
     put('annotations', 0, 'image_id', 5), 'none with the id 5'),
    (COCO, 'an image of no id', drop('images', 0, 'id'), "key 'id'"),
    (COCO, 'images of two sizes', put('images', 0, 'width', 5), 'one size'),
    (COCO, 'images of two videos', put('images', 0, 'video_id',
                                       5), 'one video'),
    (COCO, 'a file name that is a list', put('images', 0, 'file_name',
                                             []), "image's name"),
    (COCO, 'keypoints of 50 numbers',
     put('annotations', 0, 'keypoints', [1] * 50), 'x, y, score'),
    (COCO, 'keypoints that are nested',
     put('annotations', 0, 'keypoints', [[1, 2, 3]] * 17), 'x, y, score'),
    (COCO, 'categories that are text', put('categories',
                                           'person'), 'categories as a list'),
    (COCO, 'joints of no names', put('categories', 0, 'keypoints',
                                     'hip'), 'joints of a category'),
    (COCO, 'ten joints named', put('categories', 0, 'keypoints',
                                   ['a'] * 10), 'names 10 joints'),
    (COCO, 'no images', put('images', []), 'found none|is empty|with the id'),
    (COCO, 'images that are an object', put('images', {}), 'as a list'),
    (ALPHA, 'an entry that is a number', doc(lambda d: [*d, 5]),
     'each person'),
    (ALPHA, 'an image of null', put(0, 'image_id', None), 'image id'),
    (ALPHA, 'no entries', '[]', 'is empty'),
    (ALPHA, 'entries of nobody', '[{}]', 'is empty'),
    (ALPHA, 'pages that are lists',
     '{"a.jpg": {"people": 5}, "b.jpg": {"people": []}}', 'people as a list'),
    (OPEN, 'a person without joints', put('people', 0,
                                          {'a': 1}), 'pose_keypoints_2d'),
    (OPEN, 'people that are text', put('people',
                                       'nobody'), 'people as a list'),
    (OPEN, 'joints of text', put('people', 0, 'pose_keypoints_2d',
                                 'x' * 75), 'x, y, score'),
    (OPEN, 'joints of NaN', put('people', 0, 'pose_keypoints_2d',
                                [NAN] * 75), 'no joint was seen'),
    (OPEN, '100,000 joints',
     put('people', 0, 'pose_keypoints_2d',
         [500] * 300_000), 'no known joint set'),
    (OPEN, 'an id of infinity', put('people', 0, 'person_id',
                                    [INF]), 'track id'),
    (MEDIA, 'a landmark without x', drop(0, 0, 'x'), "'x'|expected"),
    (MEDIA, 'a landmark of text', put(0, 0, 'x', 'left'), 'expected'),
    (MEDIA, 'a visibility of text', put(0, 0, 'visibility',
                                        'yes'), 'visibility'),
    (MEDIA, 'a landmark of null', put(0, 4, None), 'each landmark'),
    (MEDIA, 'a frame twice',
     doc(lambda d: [dict(frame=0, pose_landmarks=d[0])] * 2), '0 again'),
    (MEDIA, 'a frame of 1e400',
     doc(lambda d: [dict(frame=INF, pose_landmarks=d[0])]), 'frame id'),
    (MEDIA, 'times that run backwards',
     doc(lambda d: [
         dict(frame=i, timestamp_ms=-i, pose_landmarks=d[0]) for i in range(3)
     ]), 'times'),
    (MEDIA, 'times of NaN',
     doc(lambda d: [
         dict(frame=i, timestamp_ms=NAN, pose_landmarks=d[0]) for i in range(3)
     ]), 'times'),
    (ULTRA, 'more x than y', put(0, 'keypoints', 'x', [1] * 20), 'as many x'),
    (ULTRA, 'x that is text', put(0, 'keypoints', 'x', 'abc'), 'expected'),
    (ULTRA, 'keypoints without y', drop(0, 'keypoints', 'y'), "key 'y'"),
    (ULTRA, 'visible of NaN', put(0, 'keypoints', 'visible',
                                  [NAN] * 17), 'no joint was seen'),
    (LABELS, 'a word', swap('0.5', 'half'), 'expected'),
    (LABELS, 'too few numbers', '0 0.5 0.5 0.1 0.1 0.2 0.3 0.5 0.5 0.6 0.7\n',
     'expected|which no known'),
    (LABELS, 'a number of 10^5 digits',
     lambda path, seed: seed.replace(b'0.5', b'9' * 100_000, 1), 'expected'),
    (SPORTS, 'a word in a row', swap('\n0\t', '\nzero\t'),
     'numbers in the row of frame zero'),
    (SPORTS, 'a frame twice', swap('\n1\t', '\n0\t'), 'found one twice'),
    (SPORTS, 'a frame of infinity', swap('\n1\t',
                                         '\ninf\t'), 'row of frame inf'),
    (SPORTS, 'no markers', lambda path, seed: seed.replace(b'nose', b'').split(
        b'left_eye')[0] + b'\n\n0\t0\t1', 'expected markers|names|cut short'),
    (SPORTS, '10^18 frames', swap('50\t50\t2',
                                  '50\t50\t1' + '0' * 17), 'cut short'),
    (SPORTS, 'times that run backwards', swap('\t0.02\t',
                                              '\t-0.02\t'), 'times'),
    (NPZ, 'pickled code', lambda path, seed: zipped(
        {'keypoints.npy': header('()', "'|O'") + pickled(planted)
         (path, seed)}), 'pickled objects'),
    (NPZ, 'pickled code in a form of VideoPose3D', lambda path, seed: zipped({
        'positions_2d.npy':
        header('()', "'|O'") + pickled(planted)(path, seed),
        'metadata.npy':
        header('()', "'|O'") + pickled({})(path, seed)
    }), 'open, which is not plain data'),
    (NPZ, 'a shape of 8 terabytes',
     member('keypoints', header('(1000000000000, 17, 2)'),
            0), 'expected 272000000000000 bytes'),
    (NPZ, 'a shape of 10^30',
     member('keypoints', header('(10' + '0' * 29 + ',)'), 0), 'expected 8'),
    (NPZ, 'a negative shape', member('keypoints', header('(-1, 17, 2)'),
                                     0), 'expected a shape'),
    (NPZ, 'elements of no bytes',
     member('keypoints', header('(1000000000000,)', "'|V0'"), 0), 'expected'),
    (NPZ, 'a header that is code',
     member('keypoints', header("__import__('os').mkdir('x')"),
            0), 'cannot be read'),
    (NPZ, 'a header of 60000 brackets',
     member('keypoints', b'\x93NUMPY\x01\x00\x60\xea' + b'[' * 60000,
            0), 'cannot be read'),
    (NPZ, 'a bomb', bomb('keypoints'), 'would unpack to 2147483648'),
    (NPZ, 'an array twice',
     zipped({'keypoints.npy': header('(0,)')}, 'keypoints.npy'), 'twice'),
    (NPZ, 'a member outside of the archive',
     zipped({'../../escaped.npy': header('(1,)')}), 'escaped'),
    (NPZ, 'a member of the root', zipped({'/etc/passwd':
                                          b'root'}), 'passwd.*magic'),
    (NPZ, 'no members', zipped({}), 'expected an array'),
    (NPZ, 'text as keypoints', arrays(keypoints=np.array(['a'])),
     'numbers as'),
    (NPZ, 'complex keypoints', arrays(keypoints=lambda a: a + 1j),
     'expected numbers or text, found complex'),
    (NPZ, 'keypoints of NaN', arrays(keypoints=lambda a: a * NAN),
     'no joint of any'),
    (NPZ, 'keypoints of infinity', arrays(keypoints=lambda a: a * INF),
     'no joint|expected'),
    (NPZ, 'no frames', arrays(keypoints=np.zeros((0, 17, 3))), 'is empty'),
    (NPZ, 'no joints', arrays(keypoints=np.zeros((4, 0, 3))), 'is empty'),
    (NPZ, 'frame ids that fall', arrays(frame_ids=np.array([5, 3])),
     'frame ids that increase'),
    (NPZ, 'frame ids of 10^18', arrays(frame_ids=np.array([0, 10**18])),
     'frame ids from 0 on'),
    (NPZ, 'frame ids below 0', arrays(frame_ids=np.array([-5, -3])),
     'frame ids from 0 on'),
    (NPZ, 'frames 10^9 apart',
     arrays(
         keypoints=lambda a: np.concatenate([a, a]),
         frame_ids=np.array([0, 1, 2, 10**9])), 'frames|gap'),
    (NPZ, 'frame ids of 0.5', arrays(frame_ids=np.array([0, .5])), 'whole'),
    (NPZ, 'times of NaN', arrays(times=np.array([0, NAN])), 'times'),
    (NPZ, 'three frame rates', arrays(fps=np.array([1., 2, 3])), 'fps'),
    (NPZ, 'a frame rate of text', arrays(fps=np.array('fast')), 'fps'),
    (NPZ, 'names that are numbers', arrays(joints=np.arange(17)), 'names as'),
    (NPZ, 'names of other joints', arrays(joints=np.array(['a'] * 17)),
     'joint'),
    (NPZ, 'mixtures of two dimensions', arrays(mixtures=np.ones((2, 17))),
     'mixtures of 4 dimensions'),
    (NPZ, 'mixtures of no components', arrays(mixtures=np.ones((2, 17, 0, 5))),
     'mixtures'),
    (NPZ, 'mixtures of NaN', arrays(mixtures=np.full((2, 17, 1, 5), NAN)),
     'mixture'),
    (NPZ, 'mixtures of width 0', arrays(mixtures=np.zeros((2, 17, 1, 5))),
     'mixture'),
    (NPZ, 'scores of NaN', arrays(scores=np.full((2, 17), NAN)), 'no joint'),
    (NPZ, 'scores of 10^30', arrays(scores=np.full((2, 17), 1e30)),
     'scores from 0 to 1'),
    (NPZ, 'scores of text', arrays(scores=np.array('high')), 'numbers as'),
    (NPZ, 'an encrypted member', encrypted('keypoints'), 'encrypted'),
    (NPY, 'a shape of terabytes', header('(1000000000000, 17, 2)'),
     'expected 272000000000000 bytes'),
    (NPY, 'pickled code',
     lambda path, seed: header('()', "'|O'") + pickled(planted)
     (path, seed), 'pickled objects'),
    (NPY, 'a version of the future',
     lambda path, seed: seed[:6] + b'\x09' + seed[7:], 'cannot be read'),
    (NPY, 'a structure', array(np.zeros(3,
                                        [('a', 'f4'),
                                         ('b', 'i4')])), 'expected numbers'),
    (NPY, 'dates', array(np.zeros((2, 17, 2),
                                  'datetime64[s]')), 'expected numbers'),
    (NPY, 'one number', array(np.array(5.)), 'shape'),
    (NPY, 'nine dimensions', array(np.zeros((1, ) * 9)), 'shape'),
]
