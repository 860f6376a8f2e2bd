# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Check rules that no common linter has.

Every Python file starts with the copyright line, has at most 500 lines, and
quotes strings with single quotes unless they hold one; it does not change
``sys.path``, nor let ``torch.load`` run what a file says; the package reads
files by the modules that guard against what strangers put into them. Files of
tests have names of their own, because pytest imports them by name. The README,
the front door, has at most 150 lines: what is longer belongs into docs.
"""

import io
import re
import sys
import tokenize
from collections import defaultdict
from pathlib import Path
from typing import Dict, Iterator, List

COPYRIGHT = '# Copyright (c) mmdiffpose contributors. All rights reserved.'
MAX_LINES = 500
MAX_README_LINES = 150
BANNED = (
    (re.compile(r'\bsys\.path(\.\w+\(|\[| *\+?= )'),
     'sys.path is changed; import from mmdiffpose, run a project with -m'),
    (re.compile(r'\bweights_only *= *False'),
     'torch.load runs what the file says; use checkpoints.safe_classes'),
)
READERS = (
    (r'\bConfig\.fromfile\(', 'config_files.py', 'config_files'),
    (r'\bjson\.loads?\(', 'input_files.py', 'input_files.read_json'),
    (r'\byaml\.\w*load\w*\(', 'yaml_files.py', 'yaml_files.load_yaml'),
    (r'\bnp\.(load|loadtxt|genfromtxt|fromfile)\(', 'array_files.py',
     'array_files'),
    (r'\bpickle\.(loads?|Unpickler)\(', 'plain_pickle.py', 'plain_pickle'),
    (r'\btorch\.load\(', 'safe_classes.py', 'checkpoints.safe_classes'),
    (r'\bInferenceSession\(', 'onnx_files.py', 'onnx_files.open_onnx'),
    (r'\bcv2\.imread\(', 'frame_sources.py', 'detection.frame_sources'),
    (r'\bcv2\.VideoCapture\(', 'video_frames.py', 'detection.video_frames'),
    (r'\bElementTree\.(parse|fromstring)\(', 'h36m_metadata.py',
     'a reader that bounds what a file may unfold to'),
    (r'\b(zipfile\.ZipFile|tarfile\.open)\(',
     'array_files.py official_files.py', 'array_files'),
)
"""What reads files of strangers; the files of the package that may call it,
because they guard it; what others use instead."""


def python_files(names: List[str]) -> List[Path]:
    """List the Python files among files and below folders."""
    found: List[Path] = []
    for name in names:
        path = Path(name)
        found += sorted(path.rglob('*.py')) if path.is_dir() else [path]
    return [path for path in found if path.suffix == '.py']


def complaints(path: Path) -> Iterator[str]:
    """Yield what is wrong with one file."""
    text = path.read_text(encoding='utf-8')
    lines = text.splitlines()
    if not lines:
        return
    if COPYRIGHT not in lines[:2]:
        yield f'{path}:1: the copyright line is missing'
    if len(lines) > MAX_LINES:
        yield f'{path}:{MAX_LINES + 1}: more than {MAX_LINES} lines'
    for number, line in enumerate(lines, 1):
        for pattern, complaint in BANNED:
            if pattern.search(line):
                yield f'{path}:{number}: {complaint}'
        for reader, guards, instead in READERS:
            if ('mmdiffpose' in path.parts and path.name not in guards.split()
                    and re.search(reader, line)):
                yield (f'{path}:{number}: a file of a stranger is read '
                       f'without guard; use {instead}')
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.STRING:
            continue
        body = token.string.lstrip('rbufRBUF')
        single_line = not body.startswith('"""')
        if single_line and body.startswith('"') and "'" not in body:
            yield f'{path}:{token.start[0]}: double-quoted string'


def main() -> int:
    """Print what is wrong; the exit status is 1 if anything is."""
    problems: List[str] = []
    tests: Dict[str, List[Path]] = defaultdict(list)
    for path in python_files(sys.argv[1:]):
        problems += complaints(path)
        if 'tests' in path.parts and path.name != 'conftest.py':
            tests[path.name].append(path)
    for name, paths in tests.items():
        if len(paths) > 1:
            problems.append(f'{paths[1]}: there is also {paths[0]}; pytest '
                            f'needs another name than {name}')
    if 'README.md' in sys.argv[1:]:
        lines = Path('README.md').read_text(encoding='utf-8').splitlines()
        if len(lines) > MAX_README_LINES:
            problems.append(f'README.md:{MAX_README_LINES + 1}: more than '
                            f'{MAX_README_LINES} lines')
    for problem in problems:
        print(problem)
    return bool(problems)


if __name__ == '__main__':
    sys.exit(main())
