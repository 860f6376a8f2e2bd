# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Fuzz targets: a sound file of each reader, changed at random.

    PYTHONPATH=.:tests/helpers:tests/hostile:tools/dataset_converters \
        python tests/hostile/fuzzing.py --seconds 600

runs all readers for ten minutes with this module's own changes, with
``--atheris READER`` one reader under atheris, which looks for inputs that go
other ways through the code (``pip install atheris``) until one is complained
of, and with ``--atheris all`` each of them in turn, in equal parts of the
seconds.
"""
import argparse
import ctypes
import os
import random
import re
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Callable, Dict, List

from making import MARKER
from readers import READERS, SEEDS, read
from table import TooSlow, limits

INTERESTING = (b'', b'\0', b'\xff', b'-1', b'0', b'1e999', b'nan', b'-inf',
               b'99999999999999999999', b'9' * 5000, b'null', b'[]', b'{}',
               b'[[[[', b'"', b'\n', b'\r', b'\t', b'\x1b[2J', b'../../',
               b'</script>', b'\xed\xa0\x80', b'\xef\xbb\xbf', b'PK\x03\x04',
               b'\x93NUMPY', b'\x80\x02.')
"""What is put into files, beside parts of themselves."""
ENOUGH = 3
"""Of one complaint."""


def change(content: bytes, chance: random.Random) -> bytes:
    """A file with a few changes."""
    found = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randint(0, len(found))
        end = min(len(found), place + chance.choice((1, 1, 2, 4, 16, 200)))
        kind = chance.randrange(7)
        if kind == 0:
            found[place:end] = chance.choice(INTERESTING)
        elif kind == 1:
            found[place:place] = chance.choice(INTERESTING)
        elif kind == 2:
            del found[place:end]
        elif kind == 3:
            found[place:place] = found[place:end] * chance.choice((1, 3, 50))
        elif kind == 4 and place < len(found):
            found[place] ^= 1 << chance.randrange(8)
        elif kind == 5:
            del found[place:]
        else:
            # Another number in place of one of the text.
            numbers = list(re.finditer(rb'-?\d+(\.\d+)?', bytes(found)))
            if numbers:
                number = chance.choice(numbers)
                found[number.start():number.end()] = chance.choice(
                    (b'-1', b'0', b'1e9', b'1e308', b'nan', b'1' * 30,
                     b'4294967296', b'0.5'))
    return bytes(found)


def complaint(name: str, content: bytes, folder: Path) -> str:
    """What is wrong with how a reader takes a file; '' if nothing is."""
    path = folder / READERS[name].seed
    path.write_bytes(content)
    try:
        with limits():
            read(name, path)
    except (ValueError, FileNotFoundError) as error:
        if str(folder) not in str(error):
            return f'no word of which file: {str(error)[:300]}'
    except ImportError as error:
        return '' if name.startswith('config') else f'ImportError: {error}'
    except (Exception, TooSlow) as error:
        return f'{type(error).__name__}: {str(error)[:300]}'
    if (folder / MARKER).exists():
        return 'planted code ran'
    return ''


def targets() -> List[str]:
    """Readers whose code is ours: a config in Python is a program, which may
    do anything, and pictures are decoded by OpenCV."""
    others = ('config: Python', 'video', 'image')
    return [name for name in READERS if name not in others]


def fuzz(seconds: float, seed: int, names: List[str],
         say: Callable[[str], None]) -> Dict[str, int]:
    """Change files for a time; returns how many were tried, by reader."""
    chance = random.Random(seed)
    tried: Dict[str, int] = dict.fromkeys(names, 0)
    complaints: Dict[str, int] = {}
    folder = Path(tempfile.mkdtemp())
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            for name in names:
                content = (SEEDS / READERS[name].seed).read_bytes()
                if chance.random() < .1:
                    other = READERS[chance.choice(names)].seed
                    content = (SEEDS / other).read_bytes()
                content = change(content, chance)
                found = complaint(name, content, folder)
                tried[name] += 1
                key = f'{name}: {re.sub("[0-9]+", "N", found)[:80]}'
                if found:
                    complaints[key] = complaints.get(key, 0) + 1
                    if complaints[key] <= ENOUGH:
                        say(f'{name}: {found}\n    {content[:2000]!r}')
                for path in list(folder.iterdir()):
                    path.unlink()
    finally:
        shutil.rmtree(folder)
    tried['complaints'] = sum(complaints.values())
    return tried


def run_atheris(name: str, arguments: List[str]) -> None:
    """One reader under atheris, from the sound files; never returns."""
    import atheris
    instrument([name])
    folder = Path(tempfile.mkdtemp())

    def one(content: bytes) -> None:
        found = complaint(name, content, folder)
        if found:
            raise AssertionError(found)

    corpus = folder / 'corpus'
    corpus.mkdir()
    shutil.copy(SEEDS / READERS[name].seed, corpus)
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], one)
    atheris.Fuzz()


def instrument(names: List[str]) -> None:
    """Import what readers need, so that atheris sees where they go."""
    import atheris

    # All that is imported, torch included, would take minutes.
    with atheris.instrument_imports(include=['mmdiffpose']):
        for name in names:
            read(name, SEEDS / READERS[name].seed)


def run_all_atheris(seconds: float) -> Dict[str, int]:
    """All readers under atheris, each in a process of its own; returns how
    many files were tried, by reader."""
    names = targets()
    instrument(names)
    tried: Dict[str, int] = {}
    complaints = 0
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / 'log'
        for name in names:
            # atheris ends the process that it runs in.
            child = os.fork()
            if not child:
                with log.open('wb') as file:
                    for stream in (1, 2):
                        os.dup2(file.fileno(), stream)
                # What would be ended at exit are threads of the parent.
                libc = ctypes.CDLL(None)
                libc.on_exit(libc._exit, None)
                run_atheris(name, [
                    f'-max_total_time={max(1, round(seconds / len(names)))}',
                    '-rss_limit_mb=0', f'-artifact_prefix={folder}/'
                ])
                os._exit(1)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            said = log.read_text(errors='replace')
            done = re.findall(r'^Done (\d+) runs', said, re.MULTILINE)
            tried[name] = int(done[-1]) if done else 0
            print(f'{name}: {tried[name]}', file=sys.stderr, flush=True)
            if status or not done:
                complaints += 1
                print(f'{name}: ended with {status}: {said[-3000:]}')
                for path in Path(folder).glob('*-*'):
                    print(f'    {path.read_bytes()[:2000]!r}')
                    path.unlink()
    tried['complaints'] = complaints
    return tried


def main() -> None:
    """Fuzz, and print what was tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=600)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--reader', choices=targets())
    parser.add_argument(
        '--atheris', choices=(*targets(), 'all'), metavar='READER')
    args, rest = parser.parse_known_args()
    warnings.simplefilter('ignore')
    names = [args.reader] if args.reader else targets()
    if args.atheris == 'all':
        tried = run_all_atheris(args.seconds)
    elif args.atheris:
        run_atheris(args.atheris, rest)
    else:
        tried = fuzz(args.seconds, args.seed, names, print)
    wrong = tried.pop('complaints')
    for name, count in tried.items():
        print(f'| {name} | {count} |')
    print(f'{sum(tried.values())} files, {wrong} complaints')
    sys.exit(bool(wrong))


if __name__ == '__main__':
    main()
