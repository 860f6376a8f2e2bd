# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Writes the embedded mocap-mini as annotation files.

The embedded data set needs no files; this is for reading it with MMPose's
``Human36mDataset`` or with other programs that know Human3.6M's files::

    python tools/dataset_converters/export_mocap_mini.py --out-dir data/mini

writes ``annotation_body3d/fps50/mocap_mini_{train,val,test}.npz`` and
``cameras.pkl``, and ``joint_2d_det_files/virtual_{train,val,test}.npy`` with
the mixtures beside. Keypoints, detections and mixtures are those of
``MocapMiniDataset`` with its defaults.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from mmdiffpose.datasets.annotation_files.annotation_writer import (
    print_summary, write_report, write_split)
from mmdiffpose.datasets.annotation_files.annotations import AnnotationPaths
from mmdiffpose.datasets.annotation_files.camera_files import write_cameras
from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
from mmdiffpose.datasets.mocap.virtual_views import camera_params, make_views
from mmdiffpose.datasets.mocap_mini_file import SPLITS, load_mocap_mini
from mmdiffpose.datasets.simulation.detector_noise import DetectorNoise


def export(out_dir: Path, noise_seed: int = 0) -> Dict[str, Any]:
    """Writes the files; returns the report, which is written too.

    Args:
        out_dir: Folder for the files.
        noise_seed: Seed of the simulated detections.
    """
    clips, fps = load_mocap_mini()
    paths = AnnotationPaths(out_dir, 'mocap_mini')
    cameras = camera_params(VIRTUAL_CAMERAS,
                            sorted({clip.subject
                                    for clip in clips}))
    report: Dict[str, Any] = dict(source='mocap-mini', fps=fps, splits={})
    for split in SPLITS:
        records = [
            view for clip in clips
            if clip.split == split for view in make_views(
                clip.positions, clip.subject, clip.clip, VIRTUAL_CAMERAS,
                DetectorNoise(), noise_seed)
        ]
        report['splits'][split] = write_split(
            paths,
            split,
            records,
            cameras,
            detector='virtual',
            source='mocap-mini',
            projection_limit=.01)
        print_summary(split, report['splits'][split])
    write_cameras(paths.cameras, cameras)
    write_report(out_dir / 'conversion_report.json', report)
    return report


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out-dir', type=Path, required=True)
    parser.add_argument('--noise-seed', type=int, default=0)
    args = parser.parse_args(argv)
    export(args.out_dir, args.noise_seed)


if __name__ == '__main__':
    main()
