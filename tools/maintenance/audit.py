# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Ask pip-audit whether a pinned package has a known vulnerability.

    python tools/maintenance/audit.py

It looks at ``requirements/lock.txt``, for the Python that it runs on. Where
pip-audit is not installed (``pip install pip-audit``), or its service cannot
be reached, that is said and nothing fails. pip-audit itself ends with success
where it could look up nothing at all.
"""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

LOCK = Path(__file__).resolve().parents[2] / 'requirements' / 'lock.txt'
TIMEOUT = 300


def find_tool() -> Optional[str]:
    """Path of pip-audit: ``PIP_AUDIT``, else beside this Python, else on the
    path."""
    told = os.environ.get('PIP_AUDIT')
    beside = Path(sys.executable).parent / 'pip-audit'
    if told or beside.is_file():
        return told or str(beside)
    return shutil.which('pip-audit')


def ask(tool: str, lock: Path) -> List[Dict[str, Any]]:
    """What pip-audit says of each package.

    Raises:
        ValueError: If it says nothing; the message is its last line.
    """
    try:
        done = subprocess.run([
            tool, '--requirement',
            str(lock), '--no-deps', '--disable-pip', '--progress-spinner',
            'off', '--format', 'json'
        ],
                              capture_output=True,
                              text=True,
                              timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f'no answer in {TIMEOUT} s') from error
    try:
        return json.loads(done.stdout)['dependencies']
    except (ValueError, KeyError, TypeError):
        lines = done.stderr.strip().splitlines() or ['it said nothing']
        raise ValueError(lines[-1][:200]) from None


def main() -> int:
    """Say what is known; 1 where something is vulnerable."""
    tool = find_tool()
    if tool is None:
        print('[audit] skipped: pip-audit is not installed')
        return 0
    try:
        found = ask(tool, LOCK)
    except ValueError as error:
        print(f'[audit] skipped: {error}')
        return 0
    known = [entry for entry in found if 'skip_reason' not in entry]
    if not known:
        print(f'[audit] skipped: its service knew none of the {len(found)} '
              'packages; it cannot be reached from here')
        return 0
    bad = [(entry, one) for entry in known for one in entry.get('vulns', ())]
    for entry, one in bad:
        fixed = ', '.join(one.get('fix_versions', ())) or 'no version yet'
        print(f'[audit] {entry["name"]} {entry["version"]}: {one["id"]}, '
              f'mended in {fixed}')
    print(f'[audit] {len(known)} of {len(found)} pins looked up, {len(bad)} '
          'known vulnerabilities')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
