# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Check the package's types with mypy, against what is known to be left.

    python tools/lint_types.py PYTHON

PYTHON is that of the environment that trains: mypy reads the types of torch
and NumPy there. A room that is not named in ``KNOWN`` has no error.
"""

import re
import subprocess
import sys
from collections import Counter
from typing import Dict

KNOWN: Dict[str, int] = {}
"""Errors that are known, by room; new ones are not to hide among them."""

ERROR = re.compile(r'^mmdiffpose/(\w+)[^:]*:\d+: error: ')


def main() -> int:
    """Run mypy; the exit status is 1 if there are more errors than known."""
    done = subprocess.run(
        [sys.executable, '-m', 'mypy', '--python-executable', sys.argv[1]],
        stdout=subprocess.PIPE,
        text=True)
    lines = done.stdout.splitlines()
    found = Counter(m[1] for m in map(ERROR.match, lines) if m)
    if done.returncode not in (0, 1) or (done.returncode and not found):
        # mypy itself stopped, or an error outside of the package.
        print(done.stdout)
        return 1
    worse = {room for room in found if found[room] > KNOWN.get(room, 0)}
    for line in lines:
        match = ERROR.match(line)
        if match and match[1] in worse:
            print(line)
    for room in sorted(worse):
        print(f'mmdiffpose/{room}: {found[room]} errors, expected at most '
              f'{KNOWN.get(room, 0)}')
    return bool(worse)


if __name__ == '__main__':
    sys.exit(main())
