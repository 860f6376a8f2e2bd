# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The table of bad files: what is wrong, and the sentence that it gets.

    PYTHONPATH=.:tests/hostile:tools/dataset_converters \
        python tests/hostile/table.py

prints it, as each file is read here.
"""
import re
import resource
import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, NamedTuple, Union

import bad_data
import bad_keypoints
import bad_models
import bad_motions
import bad_onnx
import bad_results
from common_kinds import KINDS
from making import MARKER, Make
from readers import READERS, SEEDS, read

SECONDS = 10
"""Of a processor that a file may take: other programs do not count."""
WAITED = 120
"""Seconds after which a reader that waits for something is stopped."""
BYTES = 1 << 30
"""Of memory that a file may take."""


class Bad(NamedTuple):
    """A bad file.

    Attributes:
        reader: One of ``READERS``.
        what: What is wrong.
        make: Its content, or what makes it.
        sentence: What is said of it, a regular expression.
    """
    reader: str
    what: str
    make: Make
    sentence: str

    def place(self, folder: Path) -> Path:
        """Put the file into an empty folder."""
        path = folder / READERS[self.reader].seed
        seed = (SEEDS / path.name).read_bytes()
        content = self.make(path, seed) if callable(self.make) else self.make
        if isinstance(content, str):
            content = content.encode('utf-8', 'surrogatepass')
        if isinstance(content, bytes):
            path.write_bytes(content)
        return path


class Reading(NamedTuple):
    """What became of a bad file: the error, the seconds of a processor, and
    whether code that was planted in it ran."""
    error: Union[BaseException, None]
    seconds: float
    planted: bool


class TooSlow(BaseException):
    """No reader catches it."""


def _common() -> Iterator[Bad]:
    """What may be wrong with any file, for all that read one."""
    for name, reader in READERS.items():
        for what, kind in KINDS.items():
            if what not in reader.reads:
                sentence = dict(reader.says).get(what, kind.sentence)
                yield Bad(name, what, kind.place, sentence)


TABLE: List[Bad] = [
    *_common(), *(Bad(*case)
                  for module in (bad_keypoints, bad_motions, bad_data,
                                 bad_models, bad_onnx, bad_results)
                  for case in module.CASES)
]


@contextmanager
def limits(seconds: float = SECONDS, waited: float = WAITED) -> Iterator[None]:
    """Bounds of time and memory for what stands within.

    Args:
        seconds: Of a processor, all threads together.
        waited: Of the clock on the wall.
    """

    def stop(number, frame):
        raise TooSlow(f'more than {seconds} s of a processor' if number ==
                      signal.SIGPROF else f'more than {waited} s')

    with open('/proc/self/statm') as file:
        pages = int(file.read().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    timers = ((signal.ITIMER_PROF, signal.SIGPROF, seconds),
              (signal.ITIMER_REAL, signal.SIGALRM, waited))
    before = [signal.signal(number, stop) for _, number, _ in timers]
    resource.setrlimit(resource.RLIMIT_AS,
                       (pages * resource.getpagesize() + BYTES, hard))
    for timer, _, left in timers:
        signal.setitimer(timer, left)
    try:
        yield
    finally:
        for timer, _, _ in timers:
            signal.setitimer(timer, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        for (_, number, _), handler in zip(timers, before):
            signal.signal(number, handler)


def try_file(bad: Bad, folder: Path) -> Reading:
    """Read a bad file within bounds of time and memory."""
    path, error = bad.place(folder), None
    start = time.process_time()
    try:
        with limits():
            read(bad.reader, path)
    except (Exception, TooSlow) as raised:
        error = raised
    return Reading(error,
                   time.process_time() - start, (folder / MARKER).exists())


def complaint(bad: Bad, folder: Path, reading: Reading) -> str:
    """What is wrong with what became of a bad file; nothing: ''."""
    if reading.planted:
        return 'planted code ran'
    if reading.error is None:
        return 'it was read'
    text = str(reading.error)
    if not isinstance(reading.error, (ValueError, FileNotFoundError)):
        return f'{type(reading.error).__name__}: {text}'
    if not re.search(bad.sentence, text, re.DOTALL):
        return f'expected {bad.sentence!r}, found {text!r}'
    if str(folder) not in text:
        return f'no word of which file: {text!r}'
    if len(text) > 5000:
        return f'{len(text)} letters'
    return ''


def main() -> None:
    """Print the table."""
    print('| Reader | What is wrong | Sentence |\n| --- | --- | --- |')
    for bad in TABLE:
        with tempfile.TemporaryDirectory() as name:
            reading = try_file(bad, Path(name))
            text = str(reading.error).replace(f'{name}/', '')
            text = ' '.join(text.split())[:200].replace('|', '\\|')
            print(f'| {bad.reader} | {bad.what} | {text} |')


if __name__ == '__main__':
    main()
