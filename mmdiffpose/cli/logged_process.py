# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Run a command whose output goes to a log."""

import signal
import subprocess
from pathlib import Path
from typing import Mapping, Sequence


def run_logged(title: str, command: Sequence[str], log: Path,
               environment: Mapping[str, str]) -> None:
    """Run a command; its output is added to a log.

    Args:
        title (str): What it is, for the message.
        command (sequence[str]): Program and arguments.
        log (Path): In a folder that is there.
        environment (Mapping): All of its environment.

    Raises:
        RuntimeError: Where it fails; with the end of its log.
        KeyboardInterrupt: Where it is stopped from outside.
    """
    with open(log, 'a') as file:
        done = subprocess.run(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=dict(environment))
    if done.returncode in (-signal.SIGINT, -signal.SIGTERM):
        raise KeyboardInterrupt(f'{title} was stopped')
    if done.returncode:
        tail = ''.join(log.read_text().splitlines(keepends=True)[-15:])
        raise RuntimeError(f'{title}: {" ".join(command)} ended with '
                           f'{done.returncode}; {log} ends with:\n{tail}')
