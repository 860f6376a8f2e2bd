# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The folder of a training: whose it is, and what it can go on from."""

import json
import logging
import os
import os.path as osp
import re
import socket
import tempfile
from pathlib import Path
from typing import IO, Any, Dict, Iterator, List, Optional, Union

from mmengine.config import Config
from mmengine.logging import print_log

from mmdiffpose.checkpoints.checkpoint_formats import check_container
from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.input_files import parse_json, read_text

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]

POINTER = 'last_checkpoint'
"""File that names the newest checkpoint, as MMEngine has it."""
LOCK = '.training_lock'
"""File that a training holds locked."""
META_KEY = 'trains'
"""Where a checkpoint's ``meta`` says what it is a training of."""

_UNCOMPARED = ('context_checkpoint', 'depth_histogram', 'init_cfg',
               'pretrained', 'test_cfg')
"""Keys of a model that may change between two starts: other paths to the
same files, and what only a test reads."""


def find_last_checkpoint(work_dir: str) -> Optional[str]:
    """The newest checkpoint of a training that is whole.

    A folder that was moved is handled: the file is looked for by its name. A
    checkpoint that is cut short or gone is passed over, with a warning, for
    the newest one that is whole: a training that goes on from there comes to
    the same end.

    Args:
        work_dir (str): The training's folder.

    Returns:
        str: Its path, or None where the training has saved none.

    Raises:
        ValueError: Where there are checkpoints, but none is whole; names the
            newest and what is wrong with it.
    """
    wrong: List[str] = []
    for path in _candidates(work_dir):
        try:
            check_container(path)
        except ValueError as error:
            wrong.append(str(error))
            continue
        if wrong:
            print_log(
                f'{wrong[0]}; going on from {path}',
                logger='current',
                level=logging.WARNING)
        return path
    if wrong:
        raise ValueError(f'{wrong[0]}; {work_dir} has no other checkpoint to '
                         'go on from')
    return None


def _candidates(work_dir: str) -> Iterator[str]:
    """Checkpoints that are there: the recorded one, others, new ones first."""
    seen = set()
    record = osp.join(work_dir, POINTER)
    if osp.isfile(record):
        recorded = read_text(record).strip()
        for path in (recorded, osp.join(work_dir, osp.basename(recorded))):
            if osp.isfile(path):
                seen.add(osp.basename(path))
                yield path
                break
    numbered = []
    if osp.isdir(work_dir):
        for name in os.listdir(work_dir):
            found = re.fullmatch(r'(?:epoch|iter)_(\d+)\.pth', name)
            if found and name not in seen:
                numbered.append((int(found[1]), name))
    for _, name in sorted(numbered, reverse=True):
        yield osp.join(work_dir, name)


def describe_training(cfg: Config) -> str:
    """What a training is of, as text that can be compared: JSON."""
    model = cfg.get('model')
    dataset = (cfg.get('train_dataloader') or {}).get('dataset')
    described = dict(
        model=_plain(model) if isinstance(model, dict) else None,
        dataset=dict(
            type=dataset.get('type')) if isinstance(dataset, dict) else None)
    return json.dumps(described, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            str(key): _plain(part)
            for key, part in value.items() if key not in _UNCOMPARED
        }
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value


def check_work_dir(cfg: Config) -> None:
    """Refuse a folder that a training should not write to.

    Args:
        cfg (Config): Of the training that is about to start, or to go on;
            with ``work_dir``.

    Raises:
        OSError: If nothing can be written there.
        ValueError: If the folder has a training of another model or of other
            data, or one is to go on and no checkpoint is whole.
    """
    check_writable(cfg.work_dir)
    named = cfg.get('load_from') if cfg.get('resume') else None
    if named is not None and not osp.isfile(
            osp.join(cfg.work_dir, osp.basename(named))):
        return  # one of another folder, which is meant
    try:
        path = named or find_last_checkpoint(cfg.work_dir)
        meta = {} if path is None else load_safely(path).get('meta') or {}
    except ValueError:
        if cfg.get('resume'):
            raise
        return  # nothing to go on from, and a new training does not
    compare_training(cfg, meta, path or cfg.work_dir)


def compare_training(cfg: Config, meta: Dict[str, Any],
                     path: Union[str, Path]) -> None:
    """Refuse a config that is not the one which a checkpoint was trained by.

    Args:
        cfg (Config): Of the training that is about to start.
        meta (dict): The checkpoint's; one that does not say what it is a
            training of is of any.
        path (str | Path): The checkpoint, for the message.

    Raises:
        ValueError: Names the first key that differs, and both values.
    """
    if META_KEY not in meta:
        return
    now = parse_json(describe_training(cfg))
    try:
        then = parse_json(str(meta[META_KEY]))
    except ValueError as error:
        then = error
    if not isinstance(then, dict):
        raise ValueError(f'{path}: expected keys and values as {META_KEY}, '
                         f'what it is a training of, found {then!r:.80}')
    for key in then:
        found = _difference(key, then[key], now.get(key))
        if found:
            raise ValueError(
                f'{osp.dirname(path)} is the folder of another training: in '
                f'{osp.basename(path)} {found} here. Choose another '
                '--work-dir (work_dir of the config), or move that one away')


def _difference(key: str, then: Any, now: Any) -> Optional[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for name in [*then, *(name for name in now if name not in then)]:
            found = _difference(f'{key}.{name}', then.get(name), now.get(name))
            if found:
                return found
        return None
    return None if then == now else f'{key} is {then!r}, {now!r}'


def check_writable(folder: str) -> None:
    """Refuse a folder that files cannot be made in.

    Raises:
        OSError: Names the folder and the reason.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b'a checkpoint could begin like this')
            file.flush()
    except OSError as error:
        raise OSError(
            error.errno,
            f'work_dir {folder}: no checkpoint could be written there '
            f'({error.strerror}); choose another --work-dir') from error


def lock_work_dir(folder: str) -> Optional[IO[str]]:
    """Let no other process train in a folder.

    The lock goes with the process, however that ends, and workers do not
    inherit it.

    Args:
        folder (str): The training's, which is there.

    Returns:
        The file to close at the end; None where the system has no locks.

    Raises:
        RuntimeError: If a training of another process writes there.
    """
    if fcntl is None:
        return None
    file = open(osp.join(folder, LOCK), 'a+', encoding='utf-8')
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        owner = file.read(200).strip() or 'a process'
        file.close()
        raise RuntimeError(
            f'{folder}: another training ({owner}) is writing there. Wait '
            'until it has ended, or choose another --work-dir') from None
    except OSError as error:  # a file system that knows no locks
        print_log(
            f'{folder} cannot be locked ({error.strerror}): start no second '
            'training there',
            logger='current',
            level=logging.WARNING)
        file.close()
        return None
    file.truncate(0)
    file.write(f'process {os.getpid()} on {socket.gethostname()}')
    file.flush()
    return file


def remove_leftovers(folder: str) -> None:
    """Remove what a process that was killed while it saved has left.

    Args:
        folder (str): A training's; locked, so that nobody else is saving.
    """
    for path in Path(folder).glob('.*'):
        # The names of atomic_files.replacing.
        if re.fullmatch(
                r'\.(.+(\.pth)|last_checkpoint())\.[a-z0-9_]{8}(\2|\3)',
                path.name):
            path.unlink(missing_ok=True)
