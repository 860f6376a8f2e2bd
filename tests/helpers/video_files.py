# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Videos that tests write and read back."""

from mmdiffpose.detection.frame_sources import VideoFrames, images_at
from mmdiffpose.visualization.picture_sink import write_animation

write_video = write_animation


def read_video(path, frame_ids):
    """Frames of a video, RGB; None where there is none."""
    return list(images_at(VideoFrames(path), frame_ids))
