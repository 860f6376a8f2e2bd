# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What commands share: arguments, checks, the zoo, the process group."""

import argparse
import difflib
import os
import os.path as osp
import sys
from typing import Any, Callable, Dict, List, NoReturn, Optional, Union

from mmengine.config import Config, DictAction

from mmdiffpose.config_files import read_config_file
from mmdiffpose.registry import HAS_MMPOSE

RUNNER_KEYS = frozenset([
    'activation_checkpointing', 'auto_scale_lr', 'cfg', 'compile',
    'custom_hooks', 'custom_imports', 'data_preprocessor', 'default_hooks',
    'default_scope', 'efficient_conv_bn_eval', 'env_cfg', 'experiment_name',
    'find_unused_parameters', 'launcher', 'load_from', 'log_level',
    'log_processor', 'model', 'model_wrapper_cfg', 'optim_wrapper',
    'param_scheduler', 'preprocess_cfg', 'randomness', 'resume', 'sync_bn',
    'test_cfg', 'test_dataloader', 'test_evaluator', 'train_cfg',
    'train_dataloader', 'val_cfg', 'val_dataloader', 'val_evaluator',
    'visualizer', 'work_dir'
])
"""Top-level keys that MMEngine's runner reads."""


class KeyValueAction(DictAction):
    """Overrides of a config, KEY=VALUE; anything else is an error."""

    def __call__(self,
                 parser: argparse.ArgumentParser,
                 namespace: argparse.Namespace,
                 values: Any,
                 option_string: Optional[str] = None) -> None:
        """Read them."""
        wrong = [text for text in values if not text.partition('=')[1]]
        if wrong:
            parser.error(f'{option_string}: expected KEY=VALUE, found '
                         f'{ascii(wrong[0])}')
        super().__call__(parser, namespace, values, option_string)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that training and testing share."""
    parser.add_argument(
        '--work-dir',
        help='folder for logs and checkpoints; work_dirs/<config name> by '
        'default')
    parser.add_argument(
        '--seed',
        type=int,
        help='seed of every random draw (randomness.seed in the config)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValueAction,
        metavar='KEY=VALUE',
        help='override settings of the config, for example '
        'train_cfg.max_epochs=3 model.head.num_hypotheses=20; lists are '
        'written key="[a,b]" or key=a,b, without white space')
    parser.add_argument(
        '--occlusion',
        metavar='PATTERN',
        help='2D joints that go missing: random, leg_arm, consecutive_leg, '
        'consecutive_frames, mixture or noise. In training, validation and '
        'test alike, in an earlier stage too; the same as '
        'train_dataloader.dataset.occlusion.pattern=PATTERN and so on')
    parser.add_argument(
        '--show-dir',
        metavar='DIR',
        help='draw predictions of some windows of each validation and test '
        'into PNG files of this folder, beside the truth')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes; dist_train.sh and dist_test.sh '
        'pass pytorch')
    # torch.distributed.launch passes this one; torchrun sets LOCAL_RANK.
    parser.add_argument(
        '--local_rank',
        '--local-rank',
        type=int,
        default=0,
        help=argparse.SUPPRESS)


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and apply the arguments of both tools.

    Args:
        args (Namespace): With ``config``, a path, a name or an alias, and
            the common arguments.

    Returns:
        Config: Ready for the tool's own changes.

    Raises:
        FileNotFoundError: When there is no such config.
        ValueError: When an override names a key that nothing reads.
    """
    path = args.config
    if not osp.isfile(path):
        # Imported late: it needs MMPose, a config's file does not.
        from mmdiffpose.checkpoints.config_names import find_config
        path = str(find_config(path))
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config_file(path)
    if args.cfg_options is not None:
        _check_overrides(cfg, args.cfg_options)
        cfg.merge_from_dict(args.cfg_options)
    if getattr(args, 'occlusion', None) is not None:
        set_occlusion(cfg, args.occlusion)
    if getattr(args, 'show_dir', None) is not None:
        cfg.custom_hooks = [
            *(cfg.get('custom_hooks') or []),
            dict(
                type='mmdiffpose.LiftingVisualizationHook',
                out_dir=args.show_dir)
        ]
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        name = osp.splitext(osp.basename(path))[0]
        cfg.work_dir = osp.join('work_dirs', name)
    if args.seed is not None:
        cfg.randomness = dict(cfg.get('randomness') or {}, seed=args.seed)
    return cfg


def set_occlusion(cfg: Config, pattern: str) -> None:
    """Let the data sets of all splits, and of earlier stages, lose joints.

    Args:
        cfg (Config): Changed in place.
        pattern (str): See
            ``mmdiffpose.datasets.simulation.occlusion_patterns``.
    """
    set_in_all_stages(cfg, lambda stage: _occlusion_options(stage, pattern))


def _occlusion_options(cfg: Config, pattern: str) -> Dict[str, Any]:
    return {f'{key}.occlusion.pattern': pattern for key in _dataset_keys(cfg)}


def set_in_all_stages(
    cfg: Config, options: Union[Dict[str, Any],
                                Callable[[Config], Dict[str, Any]]]) -> None:
    """Override a config and the configs of its earlier stages.

    Args:
        cfg (Config): Changed in place.
        options (dict | Callable): Overrides, keys with dots, or what makes
            them of a stage's config.
    """
    made = options(cfg) if callable(options) else options
    train_cfg = cfg.get('train_cfg') or {}
    for stage in ('context', 'pretrain'):
        path = train_cfg.get(f'{stage}_config')
        # The loop says which stage a missing config is of.
        if path is None or not osp.isfile(path):
            continue
        given = train_cfg.get(f'{stage}_options') or {}
        earlier = read_config_file(path)
        earlier.merge_from_dict(given)
        set_in_all_stages(earlier, options)
        nested = {
            f'train_cfg.{key}': value
            for key, value in (earlier.get('train_cfg') or {}).items()
            if key.endswith('_options')
        }
        own = options(earlier) if callable(options) else options
        made = {
            **made, f'train_cfg.{stage}_options': {
                **given,
                **own,
                **nested
            }
        }
    cfg.merge_from_dict(made)


def _dataset_keys(cfg: Config) -> List[str]:
    """Dotted keys of a config's data sets, those within others included."""
    keys = []
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if not loader:
            continue
        key = f'{split}_dataloader.dataset'
        if 'datasets' in loader.dataset:
            parts = range(len(loader.dataset.datasets))
            keys += [f'{key}.datasets.{part}' for part in parts]
        else:
            keys.append(key)
    return keys


def _check_overrides(cfg: Config, options: dict) -> None:
    """Refuse overrides that would change nothing.

    Keys further down are checked by what they configure: our modules, like
    MMEngine's loops and loaders, refuse arguments that they don't know.
    """
    for key in options:
        top = key.split('.')[0]
        if top in RUNNER_KEYS:
            continue
        if top in cfg:
            raise ValueError(
                f'--cfg-options {key}: {top} is a variable that the config '
                'file has already used, so that changing it now has no '
                'effect; override the keys that were made from it')
        near = difflib.get_close_matches(top, sorted(RUNNER_KEYS), n=1)
        if top == 'seed':
            near = ['randomness.seed']
        hint = f'; did you mean {near[0]}?' if near else ''
        raise ValueError(
            f'--cfg-options {key}: nothing reads the key {top}{hint}')


class ListModels(argparse.Action):
    """Prints the zoo and ends, whatever else is on the command line."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: Any) -> None:
        """Print."""
        require_mmpose()
        from mmdiffpose.checkpoints.model_zoo import describe_models
        print(describe_models())
        parser.exit()


def published_weights(config: str) -> str:
    """The zoo's weights, for a config without a checkpoint.

    Args:
        config (str): A path, a name or an alias.

    Returns:
        str: Their path; they are verified.

    Raises:
        FileNotFoundError: When there is no such config.
        ValueError: When the zoo has no such model, or its file is not the
            published one.
    """
    from mmdiffpose.checkpoints.config_names import find_config_and_weights
    weights = find_config_and_weights(config)[1]
    if weights is None:
        raise ValueError(f'{config} is a config, not a model of the zoo: name '
                         'the checkpoint, too ("mmdiffpose models" lists the '
                         'models)')
    return str(weights)


def check_checkpoint(path: str, argument: str) -> None:
    """Check that a local checkpoint is one before anything is built.

    Args:
        path (str): Path, or an address that MMEngine can read from.
        argument (str): The argument that named it, for the message.

    Raises:
        FileNotFoundError: When it is a local path without a file.
        ValueError: When the file is empty, cut short, or no checkpoint.
    """
    if '://' in path:
        return
    if not osp.isfile(path):
        raise FileNotFoundError(f'{argument}: there is no checkpoint {path}')
    from mmdiffpose.checkpoints.checkpoint_formats import check_container
    check_container(path)


def end_with(error: Any, word: str = 'error') -> NoReturn:
    """End the command with a sentence.

    Names of files and what stands in them may hold what steers a terminal: it
    is written out.
    """
    from mmdiffpose.input_files import printable
    sys.exit(f'{word}: {printable(error)}')


def positive_number(text: str) -> float:
    """A finite number above 0, from the command line."""
    try:
        value = float(text)
    except ValueError:
        value = 0.
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError(
            f'expected a number above 0, found {ascii(text)}')
    return value


def choose_backend(cfg: Config) -> List[str]:
    """Fit the process group to the machine: gloo where there is no GPU.

    Args:
        cfg (Config): Changed in place: ``env_cfg.dist_cfg.backend``.

    Returns:
        list[str]: What was changed, for the log.

    Raises:
        ValueError: When there are more processes than GPUs.
    """
    import torch
    if cfg.launcher == 'none':
        return []
    env_cfg = cfg.get('env_cfg') or {}
    dist_cfg = dict(env_cfg.get('dist_cfg') or {})
    backend = dist_cfg.get('backend', 'nccl')
    if torch.cuda.is_available():
        return _check_gpus(torch.cuda.device_count(), backend)
    if backend != 'nccl':
        return []
    dist_cfg['backend'] = 'gloo'
    cfg.env_cfg = dict(env_cfg, dist_cfg=dist_cfg)
    return ['there is no GPU: the processes talk through gloo, not nccl']


def _check_gpus(num_gpus: int, backend: str) -> List[str]:
    local_rank = int(os.environ.get('LOCAL_RANK', 0))
    if backend == 'nccl' and local_rank >= num_gpus:
        raise ValueError(
            f'process {local_rank} of this machine has no GPU of its own: '
            f'there are {num_gpus}; start at most that many processes')
    return []


def leave_process_group() -> None:
    """End together, where several processes ran.

    The tools call it when all went well. A process that exits while its
    group's threads still run, or while another still talks to it, may abort,
    and the launcher then calls a complete run failed.
    """
    import torch.distributed as dist
    if dist.is_available() and dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def require_mmpose() -> None:
    """End with a sentence, not a trace, where MMPose isn't installed."""
    if not HAS_MMPOSE:
        sys.exit('MMPose is not installed here. Run "bash tools/setup_env.sh"'
                 ' (makes .venv), or: pip install --no-deps mmpose==1.3.2 '
                 'mmdet==3.3.0')
