# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Stands in for lifting in the processes that work through a list."""

import os
import signal
from pathlib import Path


def prepare(args):
    """What lifts an input: by its name it fails, dies or writes a file."""
    count = [0]

    def lift(task):
        count[0] += 1
        stem = Path(task.name).stem
        if stem.startswith('broken'):
            raise ValueError(f'{task.name}: expected a video, found none')
        if stem.startswith('crash'):
            os.kill(os.getpid(), signal.SIGKILL)
        path = Path(args.out_dir) / f'{stem}{task.suffix}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{os.getpid()} {args.device} {count[0]}')
        return [str(path)]

    return lift
