# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Reading pickles of plain data without running what they say.

MMPose keeps camera parameters in ``cameras.pkl``. A pickle can run any code
while it is read; this reader knows containers, numbers, strings and NumPy
arrays of them, and refuses everything else before it runs.
"""

import io
import pickle
from pathlib import Path
from typing import Any, Union

# Globals that a pickled NumPy array refers to, under the module names of
# NumPy 1 and NumPy 2, and what Python 2 protocols need for bytes.
_ALLOWED = {
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy._core.multiarray', '_reconstruct'),
    ('numpy.core.multiarray', 'scalar'),
    ('numpy._core.multiarray', 'scalar'),
    ('numpy.core.numeric', '_frombuffer'),
    ('numpy._core.numeric', '_frombuffer'),
    ('collections', 'OrderedDict'),
    ('_codecs', 'encode'),
}


class _PlainUnpickler(pickle.Unpickler):

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f'it refers to {module}.{name}, which is not plain data')
        return super().find_class(module, name)


def load_plain_pickle(path: Union[str, Path]) -> Any:
    """Read a pickle of containers, numbers, strings and NumPy arrays.

    Args:
        path: The pickle.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no pickle, is truncated, or refers to
            anything but plain data.
    """
    data = Path(path).read_bytes()
    try:
        return _PlainUnpickler(io.BytesIO(data), encoding='latin1').load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError,
            IndexError, KeyError, AttributeError, ImportError) as error:
        raise ValueError(
            f'{path} cannot be read as a pickle of plain data: {error}. '
            'Expected a dict of NumPy arrays and numbers; get the file '
            'again or write it anew with the converter') from error
