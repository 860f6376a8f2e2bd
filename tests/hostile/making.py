# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Short ways to make bad files of sound ones."""
import io
import json
import pickle
import struct
import zipfile
from typing import Any, Callable, Dict, Union

import numpy as np

Make = Union[bytes, str, Callable]
MARKER = 'planted'
"""A file of this name appears in the folder of an input whose planted code
ran."""


class Planted:
    """Makes a file when it is unpickled, and harms nothing."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, 'w')


def planted(path) -> Planted:
    return Planted(str(path.parent / MARKER))


def swap(old: str, new: str) -> Make:
    """The sound file with another text in it."""

    def make(path, seed: bytes) -> bytes:
        text = seed.decode('utf-8')
        assert old in text, f'{old!r} is not in {path.name}'
        return text.replace(old, new, 1).encode('utf-8', 'surrogatepass')

    return make


def doc(change: Callable[[Any], Any]) -> Make:
    """The sound JSON with something changed; what the call returns that is
    not None takes the document's place."""

    def make(path, seed: bytes) -> str:
        document = json.loads(seed)
        changed = change(document)
        return json.dumps(document if changed is None else changed)

    return make


def put(*keys: Any) -> Make:
    """The sound JSON with the last of the keys as the value at the others."""
    *places, last, value = keys

    def change(document: Any) -> None:
        for place in places:
            document = document[place]
        document[last] = value

    return doc(change)


def drop(*keys: Any) -> Make:
    """The sound JSON without what is at some keys."""
    *places, last = keys

    def change(document: Any) -> None:
        for place in places:
            document = document[place]
        del document[last]

    return doc(change)


def arrays(_gone: str = '', **changes: Any) -> Make:
    """The sound npz with other arrays; callables change what is there."""

    def make(path, seed: bytes) -> bytes:
        with np.load(io.BytesIO(seed), allow_pickle=False) as file:
            content = {k: v for k, v in file.items() if k != _gone}
        for name, value in changes.items():
            name = name.replace('__', '/')
            content[name] = value(content[name]) if callable(value) else value
        buffer = io.BytesIO()
        np.savez(buffer, **content)
        return buffer.getvalue()

    return make


def array(value: Any) -> Make:
    """An npy."""

    def make(path, seed: bytes) -> bytes:
        found = value(np.load(io.BytesIO(seed))) if callable(value) else value
        buffer = io.BytesIO()
        np.save(buffer, found)
        return buffer.getvalue()

    return make


def header(shape: str, descr: str = "'<f8'", order: str = 'False') -> bytes:
    """The header of an npy that declares a shape, and nothing behind it."""
    text = (f"{{'descr': {descr}, 'fortran_order': {order}, "
            f"'shape': {shape}, }}")
    text = text.ljust(118) + '\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text.encode()


def zipped(members: Dict[str, bytes], twice: str = '') -> Make:
    """An archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if twice:
            import warnings
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                archive.writestr(twice, members[twice])
    return buffer.getvalue()


def member(key: str, content: bytes, others: bool = True) -> Make:
    """The sound npz with other bytes as one of its arrays."""

    def make(path, seed: bytes) -> bytes:
        members = {}
        if others:
            with zipfile.ZipFile(io.BytesIO(seed)) as archive:
                members = {n: archive.read(n) for n in archive.namelist()}
        return zipped({**members, f'{key}.npy': content})

    return make


def array_of_objects(key: str) -> Make:
    """The sound npz with planted code as one of its arrays."""

    def make(path, seed: bytes) -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, np.array([planted(path)], object), allow_pickle=True)
        return member(key, buffer.getvalue())(path, seed)

    return make


def bomb(key: str) -> Make:
    """An archive of some bytes that unpacks to two gigabytes, as it says."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f'{key}.npy', header('(262144, 1024)') + bytes(1000))
        # Written when the archive is closed.
        archive.filelist[0].file_size = 1 << 31
    return buffer.getvalue()


def encrypted(key: str) -> Make:
    """An archive that says it has a password."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr(f'{key}.npy', header('(0, )'))
        archive.filelist[0].flag_bits |= 1
    return buffer.getvalue()


def pickled(value: Any, protocol: int = 2) -> Make:
    """A pickle; callables are given the path."""

    def make(path, seed: bytes) -> bytes:
        found = value(path) if callable(value) else value
        return pickle.dumps(found, protocol)

    return make


def nested(levels: int) -> str:
    """JSON that deep."""
    return '[' * levels + ']' * levels


def laughs(levels: int) -> Any:
    """A list of 2 ** levels elements in a few bytes."""
    value: Any = ['ha']
    for _ in range(levels):
        value = [value, value]
    return value
