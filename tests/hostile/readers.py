# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Everything that reads a file from elsewhere, by name.

Each reader is called with a path; the file beside its name is a sound one of
``tests/data/seeds``.
"""
import importlib.util
import sys
import warnings
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np

SEEDS = Path(__file__).parents[1] / 'data' / 'seeds'
CONVERTERS = Path(__file__).parents[2] / 'tools' / 'dataset_converters'
SIZE = (1000, 800)
LIFTER = dict(
    model=dict(type='PoseLifter', backbone=dict(), head=dict()),
    test_dataloader=dict(
        dataset=dict(
            seq_len=3,
            pipeline=[
                dict(
                    type='GenerateTarget',
                    encoder=dict(type='mmdiffpose.GMMDiffusionPose')),
                dict(type='PackPoseInputs', meta_keys=('camera_param', ))
            ])))
"""Of the exported lifter: its config, as far as lifting reads one."""


class Reader(NamedTuple):
    """A reader.

    Attributes:
        seed: The sound file that it reads.
        read: Called with a path.
        reads: Kinds of ``common_kinds.KINDS`` that are right for it.
        says: What it calls others, where that differs.
    """
    seed: str
    read: Callable[[Path], Any]
    reads: Tuple[str, ...] = ()
    says: Tuple[Tuple[str, str], ...] = ()


def _keypoints(path: Path) -> Any:
    from mmdiffpose.files.keypoint_files import read_keypoint_tracks
    tracks = read_keypoint_tracks(path, SIZE)
    for track in tracks:
        assert np.isfinite(track.keypoints).all()
        assert ((track.scores >= 0) & (track.scores <= 1)).all()
    return tracks


def _folder(path: Path) -> Any:
    """A folder of one file, as tools leave it."""
    from mmdiffpose.files.keypoint_files import read_keypoint_tracks
    return read_keypoint_tracks(path.parent, SIZE)


def _asf(path: Path) -> Any:
    from mmdiffpose.datasets.mocap.asf_amc import read_asf
    skeleton = read_asf(path)
    assert all(np.isfinite(bone.offset).all() for bone in skeleton.bones)
    return skeleton


def _amc(path: Path) -> Any:
    from mmdiffpose.datasets.mocap.asf_amc import (forward_kinematics,
                                                   read_amc, read_asf)
    skeleton = read_asf(SEEDS / 'tiny.asf')
    positions = forward_kinematics(skeleton, read_amc(path, skeleton))
    assert np.isfinite(positions).all()
    return positions


def _bvh(path: Path) -> Any:
    from mmdiffpose.datasets.mocap.bvh import load_bvh
    clip = load_bvh(path)
    assert np.isfinite(clip.positions).all()
    return clip


def _character(path: Path) -> Any:
    from mmdiffpose.datasets.mocap.deepmimic import read_character
    return read_character(path)


def _motion(path: Path) -> Any:
    from mmdiffpose.datasets.mocap.deepmimic import read_character, read_motion
    positions = read_motion(path, read_character(SEEDS / 'humanoid.json'))
    assert all(np.isfinite(points).all() for points in positions.values())
    return positions


def _markers(path: Path) -> Any:
    from mmdiffpose.datasets.recording_sources.markers import read_markers
    return read_markers(path)


def _calibration(path: Path) -> Any:
    from mmdiffpose.datasets.recording_sources.calibrations import \
        read_calibration
    return read_calibration(path)


def _joint_plan(path: Path) -> Any:
    from mmdiffpose.datasets.recording_sources.markers import read_markers
    from mmdiffpose.datasets.recording_sources.world_recording import \
        read_joint_plan
    return read_joint_plan(path, read_markers(SEEDS / 'points.trc'))


def _aist(path: Path) -> Any:
    from mmdiffpose.datasets.recording_sources.published_forms import read_aist
    return read_aist(path, SEEDS / 'calib.json', 'P1', 'clip')


def _h36m(path: Path) -> Any:
    from mmdiffpose.datasets.recording_sources.published_forms import \
        read_h36m_form
    return read_h36m_form(path, SEEDS / 'cameras.pkl')


def _recording(path: Path) -> Any:
    from mmdiffpose.datasets.recordings.recording_file import read_recording
    recording = read_recording(path)
    for sequence in recording.sequences:
        sequence.validate(recording.skeleton.num_joints)
    return recording


def _annotations(path: Path) -> Any:
    from mmdiffpose.datasets.annotation_files.annotations import \
        read_annotations
    return read_annotations(path)


def _detections(path: Path) -> Any:
    from mmdiffpose.datasets.annotation_files.annotations import (
        read_annotations, read_detections)
    truth = SEEDS / 'annotations.npz'
    return read_detections(path, read_annotations(truth), truth)


def _mixtures(path: Path) -> Any:
    from mmdiffpose.datasets.annotation_files.annotations import read_mixtures
    return read_mixtures(path, 2, 'annotations.npz')


def _cameras(path: Path) -> Any:
    from mmdiffpose.datasets.annotation_files.camera_files import read_cameras
    return read_cameras(path)


def _metadata(path: Path) -> Any:
    from mmdiffpose.datasets.annotation_files.h36m_metadata import \
        read_metadata
    return read_metadata(path)


def _world_motions(path: Path) -> Any:
    from mmdiffpose.datasets.world_motions import read_motions
    return read_motions(path)


def _mocap_mini(path: Path) -> Any:
    from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini
    return load_mocap_mini(path)


def _depths(path: Path) -> Any:
    from mmdiffpose.diffusion.depth_histogram import read_depth_histogram
    return read_depth_histogram(path)


def _results(path: Path) -> Any:
    from mmdiffpose.evaluation.metrics.results_file import read_results

    # What is not there yet is made.
    return read_results(path)


def _checkpoint(path: Path) -> Any:
    from mmdiffpose.checkpoints.checkpoint import read_checkpoint
    from mmdiffpose.checkpoints.joint_transfer import skeleton_of_checkpoint
    from mmdiffpose.checkpoints.model import dataset_meta_of
    state, meta = read_checkpoint(path)
    skeleton_of_checkpoint(meta, path)
    dataset_meta_of(meta, path)
    return state


def _official(path: Path) -> Any:
    from mmdiffpose.conversion.official_files import read_official
    return read_official(path)


def _config(path: Path) -> Any:
    from mmdiffpose.checkpoints.model import read_config
    return read_config(path)


def _metafile(path: Path) -> Any:
    from mmdiffpose.checkpoints.model_zoo import read_yaml
    return read_yaml(path)


def _list(path: Path) -> Any:
    from mmdiffpose.cli.infer_list import read_list
    return read_list(path)


def _frames(path: Path) -> Any:
    from mmdiffpose.detection.frame_sources import open_frames
    return list(open_frames(path))


def _exif(path: Path) -> Any:
    from mmdiffpose.lifting.focal_length import known_focal_length
    return known_focal_length(SIZE, None, path)


def _lifted(path: Path) -> Any:
    from mmdiffpose.files.result_reading import read_results
    tracks = read_results(path)
    for track in tracks:
        assert np.isfinite(track.keypoints_3d).all()
        assert len(track) == len(track.frame_ids) == len(track.scores)
    return tracks


def _hub(path: Path) -> Any:
    from mmdiffpose.checkpoints.pretrained import read_hub_config
    return read_hub_config(path)


def _metainfo(path: Path) -> Any:
    from mmdiffpose.datasets.windows.stated_metainfo import read_metainfo
    return read_metainfo(dict(from_file=str(path)))


@lru_cache(maxsize=None)
def tool(name: str) -> ModuleType:
    """A converter of data sets, which is not run."""
    spec = importlib.util.spec_from_file_location(f'mmdiffpose_tool_{name}',
                                                  CONVERTERS / f'{name}.py')
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look for it there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _measured_people(path: Path) -> Any:
    return tool('ansur').read_columns(path)


def _bvh_joints(path: Path) -> Any:
    return tool('motion_files').read_skeleton(str(path), {})


def _cuts(path: Path) -> Any:
    return tool('bvh_motions').read_cuts(path.parent)


def _mpi_cameras(path: Path) -> Any:
    return tool('mpi_inf_3dhp_sources').read_calibration(path)


def _mpi_train(path: Path) -> Any:
    return tool('mpi_inf_3dhp_sources').load_mat(path, ('annot2', 'annot3'))


def _mpi_test(path: Path) -> Any:
    return tool('mpi_inf_3dhp_sources').load_hdf5(path, ('annot2', 'annot3'))


def _exported_lifter(path: Path) -> Any:
    """Opened, and shown a track."""
    from mmengine.config import Config

    from mmdiffpose.apis import lift_tracks, read_keypoint_tracks
    from mmdiffpose.deployment.onnx_lifter import OnnxLifter
    lifter = OnnxLifter(path, Config(LIFTER))
    lifted = lift_tracks(lifter,
                         read_keypoint_tracks(SEEDS / 'mmpose.json', SIZE))
    for track in lifted:
        assert np.isfinite(track.keypoints_3d).all()
        assert ((track.scores >= 0) & (track.scores <= 1)).all()
    return lifted


def _movenet(path: Path) -> Any:
    """Opened, and shown a picture."""
    from mmdiffpose.detection.pose2d_movenet import MoveNet
    found = MoveNet(path, threads=1)(np.zeros((64, 48, 3), np.uint8))
    assert np.isfinite(found.keypoints).all()
    return found


def _boxes(path: Path) -> Any:
    from mmdiffpose.detection.trackers import MotFile
    return MotFile(path)


def _frame_rates(path: Path) -> Any:
    return tool('cmu').read_rates(path)


# Readers of folders, too, say what they expected within.
OF_FOLDER = (('a folder', 'found none'), )
IN_FOLDER = (*(
    (what, 'JSON files that OpenPose writes.*found none')
    for what in ('nothing there', 'a link to nowhere', 'a link to itself',
                 'a folder', 'a pipe', 'a device')),
             ('its first half', 'no known joint set|not a JSON'))
NO_CONFIG = (('nothing there', 'there is no config at'), )
NO_MODEL = (('a folder', 'model.pth does not exist'), )


def _keypoint_reader(seed: str) -> Reader:
    return Reader(seed, _keypoints, says=OF_FOLDER)


READERS: Dict[str, Reader] = {
    'keypoints: MMPose':
    _keypoint_reader('mmpose.json'),
    'keypoints: COCO':
    _keypoint_reader('coco.json'),
    'keypoints: AlphaPose':
    _keypoint_reader('alphapose.json'),
    'keypoints: OpenPose':
    _keypoint_reader('clip_0_keypoints.json'),
    'keypoints: OpenPose folder':
    Reader('clip_0_keypoints.json', _folder, says=IN_FOLDER),
    'keypoints: Ultralytics':
    _keypoint_reader('ultralytics.json'),
    'keypoints: labels':
    Reader('label_1.txt', _folder, says=IN_FOLDER),
    'keypoints: MediaPipe':
    _keypoint_reader('mediapipe.json'),
    'keypoints: Sports2D':
    _keypoint_reader('walk_px_person00.trc'),
    'keypoints: npz':
    _keypoint_reader('track.npz'),
    'keypoints: npy':
    _keypoint_reader('track.npy'),
    'ASF':
    Reader('tiny.asf', _asf),
    'AMC':
    Reader('tiny.amc', _amc),
    'BVH':
    Reader('tiny.bvh', _bvh),
    'DeepMimic character':
    Reader('humanoid.json', _character),
    'DeepMimic motion':
    Reader('motion.json', _motion),
    'TRC':
    Reader('points.trc', _markers),
    'C3D':
    Reader('points.c3d', _markers),
    'CSV':
    Reader('points.csv', _markers),
    'calibration: TOML':
    Reader('calib.toml', _calibration),
    'calibration: JSON':
    Reader('calib.json', _calibration),
    'cameras.pkl':
    Reader('cameras.pkl', _cameras),
    'metadata.xml':
    Reader('metadata.xml', _metadata),
    'joints of markers':
    Reader('joints.json', _joint_plan),
    'AIST++ npz':
    Reader('aist.npz', _aist),
    'AIST++ pickle':
    Reader('aist.pkl', _aist),
    'Human3.6M npz':
    Reader('h36m.npz', _h36m),
    'recording':
    Reader('own.npz', _recording),
    'annotations':
    Reader('annotations.npz', _annotations),
    'detections':
    Reader('detections.npy', _detections),
    'mixtures':
    Reader('mixtures.npy', _mixtures),
    'world motions':
    Reader('motions.npz', _world_motions),
    'mocap-mini':
    Reader('mini.npz', _mocap_mini),
    'depth histograms':
    Reader('depths.npz', _depths),
    'lifted poses: JSON':
    Reader('lifted.json', _lifted),
    'lifted poses: npz':
    Reader('lifted.npz', _lifted),
    'ANSUR':
    Reader('people.csv', _measured_people),
    'joints of BVH':
    Reader('bvh_joints.json', _bvh_joints),
    # Not every data set has one; half of it is its head, without a row.
    '100STYLE':
    Reader('Frame_Cuts.csv', _cuts, ('nothing there', 'a link to nowhere',
                                     'a link to itself', 'its first half')),
    'MPI-INF-3DHP cameras':
    Reader('camera.calibration', _mpi_cameras),
    'MPI-INF-3DHP training':
    Reader('annot.mat', _mpi_train),
    'MPI-INF-3DHP test':
    Reader('annot_data.mat', _mpi_test),
    # What is not there yet is written.
    'results of metrics':
    Reader('results.json', _results,
           ('nothing there', 'a link to nowhere', 'a link to itself')),
    'checkpoint':
    Reader('tiny.pth', _checkpoint),
    'safetensors':
    Reader('tiny.safetensors', _checkpoint),
    'published weights':
    Reader('official.bin', _official, says=NO_MODEL),
    'config: Python':
    Reader('config.py', _config, says=NO_CONFIG),
    'config: JSON':
    Reader('config.json', _config, says=NO_CONFIG),
    'config: YAML':
    Reader('config.yaml', _config, says=NO_CONFIG),
    'model of a hub':
    Reader('hub.json', _hub),
    'METAINFO':
    Reader('metainfo.json', _metainfo),
    'metafile':
    Reader('metafile.yml', _metafile),
    'boxes of a tracker':
    # Half of it is its first line.
    Reader('boxes.txt', _boxes, ('its first half', )),
    'frame rates':
    Reader('rates.csv', _frame_rates),
    # Whether a line names anything is found out one by one.
    'list of inputs':
    Reader('videos.txt', _list,
           ('a web page', 'a pointer of Git LFS', 'its first half')),
    'video':
    Reader('video.mp4', _frames, says=OF_FOLDER),
    'image':
    Reader('picture.png', _frames, says=OF_FOLDER),
    # What is no picture has no EXIF.
    'EXIF':
    Reader('picture.jpg', _exif,
           ('empty', 'zeros', 'noise', 'a web page', 'a pointer of Git LFS')),
}

if importlib.util.find_spec('onnxruntime'):
    READERS.update({
        'exported lifter': Reader('lifter.onnx', _exported_lifter),
        'MoveNet': Reader('movenet.onnx', _movenet)
    })


def read(name: str, path: Path) -> Any:
    """Read a file; warnings are not what is looked at."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return READERS[name].read(path)
