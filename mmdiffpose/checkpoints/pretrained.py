# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Trained models in a folder or on a hub, in one layout.

A folder holds:

- ``config.json``: ``format``, ``name``, ``mmdiffpose`` (the version that wrote
  it), ``weights_sha256``, and under ``config`` what of the model's config is
  needed to lift with it. It is JSON and not Python, so that reading it runs
  nothing, its ``type`` s name registered modules alone, and its model no
  files;
- ``model.safetensors``: the weights;
- ``README.md``: a card, which begins with what a hub reads: licence and tags.
"""

import json
import os
import re
import shutil
from pathlib import Path
from typing import (Any, Dict, Iterator, List, Mapping, Optional, Set, Tuple,
                    Union)

from mmengine.config import Config
from torch import nn

from mmdiffpose.atomic_files import replace_text, replacing
from mmdiffpose.config_files import read_config_file
from mmdiffpose.input_files import check_file, read_json
from mmdiffpose.optional_imports import Requirement, import_for
from mmdiffpose.version import __version__
from mmdiffpose.yaml_files import MAX_CONFIG
from .config_names import find_config_and_weights
from .model import forget_places, init_model, read_config
from .model_zoo import find_model, sha256_of

FORMAT = 'mmdiffpose-1'
CONFIG, WEIGHTS, CARD = 'config.json', 'model.safetensors', 'README.md'
KEYS = ('default_scope', 'model', 'lifter_fps', 'test_dataloader',
        'train_dataloader')
"""Of a config: the network, its frame rate, how a track becomes its input and
which joints were missing in training."""
REQUIREMENT = Requirement('huggingface_hub', 'huggingface_hub', 'hub')
_REPOSITORY = re.compile(r'[\w][\w.-]*/[\w][\w.-]*')
_FILE = re.compile(
    r'[/\\]|\.(py|pyc|so|pth|pt|pkl|pickle|ckpt|bin|safetensors|np[yz]|json|'
    r'ya?ml|toml|xml|mat|onnx|zip|tar)$', re.IGNORECASE)
_SCOPES = ('mmengine', 'mmpose', 'mmdiffpose')


def from_pretrained(name: Union[str, Path],
                    device: str = 'cpu',
                    cfg_options: Optional[Dict[str, Any]] = None,
                    revision: Optional[str] = None,
                    cache_dir: Union[str, Path, None] = None) -> nn.Module:
    """Build a trained model.

    Example::

        model = from_pretrained('diffpose')        # of the package
        model = from_pretrained('outputs/mine')    # of save_pretrained
        model = from_pretrained('somebody/theirs')  # of a hub

    Args:
        name (str | Path): A name or alias of the zoo, a folder of this
            module's layout, or ``owner/name`` on the Hugging Face hub, which
            is downloaded once.
        device (str): Defaults to ``'cpu'``.
        cfg_options (dict, optional): As for
            :func:`~.model.init_model`.
        revision (str, optional): Branch, tag or commit on the hub.
        cache_dir (str | Path, optional): Where the hub's files are kept.
            Defaults to the hub client's choice.

    Returns:
        nn.Module: As :func:`~.model.init_model` gives it.

    Raises:
        FileNotFoundError: If there is no such model.
        ImportError: If a hub's is asked for without ``huggingface_hub``.
        ValueError: If a folder is of another layout, or its weights are not
            those that it tells the SHA-256 of.
    """
    config, weights = find_pretrained(name, revision, cache_dir)
    return init_model(config, weights, device, cfg_options)


def find_pretrained(
    name: Union[str, Path],
    revision: Optional[str] = None,
    cache_dir: Union[str, Path,
                     None] = None) -> Tuple[Union[Path, Config], Path]:
    """Config and weights of a trained model; see :func:`from_pretrained`."""
    if Path(name).is_dir():
        return read_folder(Path(name))
    text = str(name)
    if find_model(text) is None and _REPOSITORY.fullmatch(text):
        return read_folder(pull(text, revision, cache_dir))
    config, weights = find_config_and_weights(text)
    if weights is None:
        raise ValueError(f'{name} is a config without weights: expected a '
                         'model of the zoo, a folder or owner/name')
    return config, weights


def save_pretrained(config: Union[str, Path, Config],
                    folder: Union[str, Path],
                    checkpoint: Union[str, Path, None] = None,
                    licence: Optional[str] = None) -> Path:
    """Write a trained model as a folder of this module's layout.

    Args:
        config (str | Path | Config): As for :func:`~.model.init_model`.
        folder (str | Path): Made where it is not there.
        checkpoint (str | Path, optional): The weights. Defaults to the zoo's.
        licence (str, optional): Of the weights, for the card. Defaults to
            that of the zoo's model.

    Returns:
        Path: The folder.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        ValueError: If there are no weights, they are not the config's, no
            licence is known, or the config holds what is no plain data.
    """
    from safetensors.torch import save_file
    found, weights = find_config_and_weights(config, checkpoint)
    if weights is None:
        raise ValueError(f'{config}: expected a checkpoint, found none')
    own = None if checkpoint is not None else find_model(str(config))
    if licence is None and own is not None:
        licence = own.metadata.get('License')
    if not licence:
        raise ValueError(
            f'{weights}: expected a licence of the weights, found '
            'none: whoever takes them has to know it')
    # Any: nn.Module does not say what init_model adds.
    model: Any = init_model(found, weights)
    name = own.name if own else Path(
        getattr(found, 'filename', None) or str(found)).stem
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if weights.suffix == '.safetensors':
        shutil.copyfile(weights, folder / WEIGHTS)
    else:
        facts = {
            'format': 'pt',
            'name': name,
            'skeleton': json.dumps(model.skeleton.as_dict())
        }
        if model.dataset_meta.get('fps'):
            facts['fps'] = f'{model.dataset_meta["fps"]:g}'
        state = {
            key: value.detach().cpu().clone().contiguous()
            for key, value in model.state_dict().items()
        }
        with replacing(folder / WEIGHTS) as part:
            save_file(state, str(part), metadata=facts)
    told = read_config(found).to_dict()
    document = dict(
        format=FORMAT,
        name=name,
        mmdiffpose=__version__,
        weights_sha256=sha256_of(folder / WEIGHTS),
        config=_without_places({key: told[key]
                                for key in KEYS if key in told}))
    try:
        text = json.dumps(document, indent=1)
    except TypeError as error:
        raise ValueError(f'{name}: expected a config of plain data, found '
                         f'more ({error})') from error
    card = own.card.read_text(encoding='utf-8') if own else f'# {name}\n'
    front = (
        f'---\nlicense: {str(licence).lower()}\nlibrary_name: mmdiffpose\n'
        'pipeline_tag: keypoint-detection\n'
        'tags:\n- 3d-human-pose-estimation\n---\n')
    for file, content in ((CONFIG, text + '\n'), (CARD, front + card)):
        replace_text(folder / file, content)
    return folder


def read_folder(folder: Path) -> Tuple[Config, Path]:
    """Config and weights of a folder of this module's layout.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If it is of another layout, its config names what is no
            registered module, or its weights are others.
    """
    path, weights = folder / CONFIG, folder / WEIGHTS
    for file in (path, weights):
        if not os.path.lexists(file):
            raise FileNotFoundError(f'{folder}: expected {CONFIG} and '
                                    f'{WEIGHTS}, found no {file.name}')
        check_file(file, 'a part of a model')
    config, expected = read_hub_config(path)
    digest = sha256_of(weights)
    if digest != expected:
        raise ValueError(f'{weights}: expected the SHA-256 {expected!r:.80}, '
                         f'found {digest}')
    return config, weights


def read_hub_config(path: Path) -> Tuple[Config, Any]:
    """The config of a folder of this module's layout, and what it says to be
    the SHA-256 of the weights.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of another layout, or its config names what is no
            registered module, or files.
    """
    document = read_json(check_file(path, 'a config', MAX_CONFIG), 'a config')
    found = document.get('format') if isinstance(document, dict) else None
    if found != FORMAT or not isinstance(document.get('config'), dict):
        raise ValueError(f'{path}: expected the format {FORMAT} with a '
                         f'config, found {found!r:.80}')
    config = document['config']
    unknown = sorted(set(config) - set(KEYS))
    if unknown:
        raise ValueError(f'{path}: expected of a config some of {list(KEYS)}, '
                         f'found {unknown!r:.200}')
    try:
        forget_places(config.get('model'))
        _check_plain(path, config)
        return Config(config), document.get('weights_sha256')
    except RecursionError:
        raise ValueError(f'{path}: it is nested too deep') from None


def push(folder: Union[str, Path],
         repository: str,
         private: bool = False,
         revision: Optional[str] = None) -> str:
    """Upload a folder of this module's layout to the Hugging Face hub.

    Args:
        folder (str | Path): Of :func:`save_pretrained`; checked before.
        repository (str): ``owner/name``; made where it is not there. Who you
            are the hub's client knows (``hf auth login``).
        private (bool): Of a new repository. Defaults to False.
        revision (str, optional): Branch. Defaults to the main one.

    Returns:
        str: Where it is.

    Raises:
        ImportError: If ``huggingface_hub`` is not installed.
        ValueError: If the folder is of another layout.
    """
    hub = import_for('push', REQUIREMENT)
    _check_repository(repository)
    read_folder(Path(folder))
    api = hub.HfApi()
    api.create_repo(repo_id=repository, private=private, exist_ok=True)
    api.upload_folder(
        repo_id=repository,
        folder_path=str(folder),
        allow_patterns=[CONFIG, WEIGHTS, CARD],
        revision=revision,
        commit_message=f'Upload by mmdiffpose {__version__}')
    return repository


def pull(repository: str,
         revision: Optional[str] = None,
         cache_dir: Union[str, Path, None] = None) -> Path:
    """Download a model of this module's layout; only its three files.

    Args:
        repository (str): ``owner/name``.
        revision (str, optional): Branch, tag or commit.
        cache_dir (str | Path, optional): Where files are kept.

    Returns:
        Path: The folder.

    Raises:
        ImportError: If ``huggingface_hub`` is not installed.
        ValueError: If it is no ``owner/name``.
    """
    hub = import_for('pull', REQUIREMENT)
    _check_repository(repository)
    return Path(
        hub.snapshot_download(
            repo_id=repository,
            revision=revision,
            cache_dir=None if cache_dir is None else str(cache_dir),
            allow_patterns=[CONFIG, WEIGHTS, CARD]))


def _check_repository(repository: str) -> None:
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError(f'expected a repository as owner/name, found '
                         f'{repository!r}')


def _registered() -> Set[str]:
    """Names of everything that is registered, with and without its scope."""
    from mmengine.registry import Registry, root
    from mmpose import registry as mmpose_registry
    from mmpose.utils import register_all_modules
    register_all_modules(init_default_scope=False)
    names: Set[str] = set()
    # Codecs have no registry at the root.
    waiting = [
        value for module in (root, mmpose_registry)
        for value in vars(module).values() if isinstance(value, Registry)
    ]
    while waiting:
        registry = waiting.pop()
        if registry.scope in _SCOPES:
            registry.import_from_location()
            for name in registry.module_dict:
                names.update((name, f'{registry.scope}.{name}'))
            waiting += registry.children.values()
    return names


def _check_plain(path: Path, config: Mapping[str, Any]) -> None:
    """Raise unless a config names registered modules and no files."""
    known = _registered()
    for key, value in _entries(config):
        # MMEngine imports and calls whatever else a name leads to.
        if key == 'type' and (not isinstance(value, str)
                              or value not in known):
            raise ValueError(f'{path}: expected names of registered modules '
                             f'as type, found {value!r:.80}')
        if key == '_base_' or key == 'from_file':
            raise ValueError(f'{path}: expected no key {key}, which names a '
                             f'file, found {value!r:.80}')
    for key, value in _entries(config.get('model')):
        if any(map(_FILE.search, _texts(value))):
            raise ValueError(f'{path}: expected a model that names no files, '
                             f'found {value!r:.80} as {key}')


def _entries(value: Any) -> Iterator[Tuple[str, Any]]:
    """Every key with its value, however deep; of METAINFO, which has types of
    joints and is never built, that it names a file."""
    if isinstance(value, Mapping):
        yield from value.items()
        for key, part in value.items():
            if key != 'metainfo' or not isinstance(part, Mapping):
                yield from _entries(part)
            elif 'from_file' in part:
                yield 'from_file', part['from_file']
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _entries(part)


def _texts(value: Any) -> List[str]:
    """A text, or those of a list."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return [text for text in values if isinstance(text, str)]


def _without_places(value: Any) -> Any:
    """Plain data in which absolute paths are their last part, and what a file
    of METAINFO says stands in the place of its name."""
    if isinstance(value, Mapping):
        if 'from_file' in value:
            found = read_config_file(value['from_file'])
            value = found.to_dict().get('dataset_info') or {}
        return {key: _without_places(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_places(part) for part in value]
    if isinstance(value, str) and os.path.isabs(value):
        return os.path.basename(value.rstrip('/'))
    return value
