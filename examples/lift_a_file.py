# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift 2D keypoints from a file to 3D, and write what comes out.

    python examples/lift_a_file.py
    python examples/lift_a_file.py openpose_json/ --image-size 1920 1080

Without a file it lifts the track that comes with the package.
"""

import argparse
from pathlib import Path

import mmdiffpose
from mmdiffpose.apis import (init_model, lift_tracks, place_in_scene,
                             read_keypoint_tracks, write_results)

DEMO = Path(mmdiffpose.__file__).parent / 'data' / 'demo_track_coco17.json'


def main() -> None:
    """Read, lift, place, write."""
    parser = argparse.ArgumentParser(description='Lift 2D keypoints to 3D.')
    parser.add_argument('keypoints', nargs='?', type=Path, default=DEMO)
    parser.add_argument('--model', default='diffpose', help='of the zoo')
    parser.add_argument('--image-size', type=int, nargs=2)
    parser.add_argument('--out', type=Path, default=Path('outputs/lifted'))
    args = parser.parse_args()

    model = init_model(args.model)
    tracks = read_keypoint_tracks(args.keypoints, image_size=args.image_size)
    people = place_in_scene(lift_tracks(model, tracks))

    for person in people:
        sure = f'{1000 * person.std.mean():.0f} mm' if (
            person.std is not None) else 'not known'
        print(f'person {person.track_id}: {len(person)} frames, std {sure}, '
              f'{person.root_trajectory[0, 2]:.1f} m away at first')
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for path in write_results(
            people, args.out, ('json', 'npz', 'html'), axes='y-up'):
        print(f'written: {path}')


if __name__ == '__main__':
    main()
