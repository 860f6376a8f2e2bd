# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Make a trained checkpoint a model of the zoo.

    python tools/model_converters/publish.py CONFIG CHECKPOINT \
        --collection DiffPose --alias diffpose --data hdm05 cmu \
        --log context=WORK_DIR/context/RUN/vis_data/scalars.json \
              WORK_DIR/RUN/vis_data/scalars.json

Writes mmdiffpose/zoo/NAME.safetensors (the weights alone, with where they
come from), NAME.log.json and NAME.md, and the model's entry in the metafile
of its collection. Run again, it brings them up to date: the card's results
and what else the entry holds are kept. The file is loaded again before it
takes its place, and its poses of the bundled track must be the checkpoint's.
"""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from zoo_entry.card import make_card, note_section, read_prose, results_section
from zoo_entry.metafile import (check_aliases, collection_of, find_metafile,
                                updated_metafile)
from zoo_entry.training_log import format_log, read_logs
from zoo_entry.weights import (provenance, round_to_half, weights_of,
                               write_weights)

import mmdiffpose
from mmdiffpose.apis import (init_model, lift_track, read_checkpoint,
                             read_keypoint_file)
from mmdiffpose.atomic_files import replacing
from mmdiffpose.checkpoints.model_zoo import (list_models, sha256_of,
                                              verified_weights)
from mmdiffpose.cli.launching import require_mmpose

MAX_BYTES = 50_000_000
"""Of all weights of the zoo."""

DEMO_TRACK = (
    Path(mmdiffpose.__file__).parent / 'data' / 'demo_track_coco17.json')


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    prose = read_prose()
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='path of the config, in configs/')
    parser.add_argument('checkpoint', help='path of the trained weights')
    parser.add_argument(
        '--name', help="of the model and its files (default: the config's)")
    parser.add_argument(
        '--alias', nargs='+', help='short names (default: those it has)')
    parser.add_argument(
        '--collection',
        required=True,
        choices=list(prose['methods']),
        help='of the metafiles: the method')
    parser.add_argument(
        '--data',
        nargs='+',
        required=True,
        choices=list(prose['data']),
        help='what the model was trained on')
    parser.add_argument(
        '--log',
        nargs='+',
        metavar='[STAGE=]FILE',
        help="vis_data/scalars.json of the training's runs, in their order "
        '(default: the log that is there)')
    parser.add_argument(
        '--command',
        help='that trained it (default: train.py with the config and seed)')
    parser.add_argument(
        '--seed', type=int, help="of the training (default: the checkpoint's)")
    parser.add_argument(
        '--license',
        default='CC-BY-SA-3.0',
        help='of the weights, an SPDX identifier (default: CC-BY-SA-3.0, as '
        "HDM05's)")
    parser.add_argument(
        '--half',
        action='store_true',
        help='round the weights to float16 and store them so, half as large')
    parser.add_argument(
        '--note', default='', help='for the card: what this model is')
    parser.add_argument(
        '--note-commands',
        nargs='+',
        default=(),
        metavar='COMMAND',
        help="that make the note's figures (mm, %%), each in quotes; they "
        'stand beside them')
    parser.add_argument(
        '--root',
        type=Path,
        default=Path(__file__).resolve().parents[2],
        help='checkout that gets the model (default: this one)')
    return parser.parse_args(argv)


def publish(args: argparse.Namespace) -> List[Path]:
    """Write a model's files and its entry: all of them or none.

    Returns:
        list[Path]: The files written.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If something does not fit; the zoo is as it was then.
    """
    root = args.root.resolve()
    config = Path(args.config).resolve()
    if config.parent != root / 'configs' or not config.is_file():
        raise ValueError(f'{args.config}: expected a config in '
                         f'{root / "configs"}, to be found by others')
    name = args.name or config.stem
    metafile = find_metafile(root, args.collection)
    check_aliases(root, name, args.alias or ())
    files = {
        suffix: root / 'mmdiffpose' / 'zoo' / f'{name}{suffix}'
        for suffix in ('.safetensors', '.log.json', '.md')
    }
    if args.log is None and not files['.log.json'].is_file():
        raise ValueError(f'{name} has no training log: name one with --log')

    note = note_section(args.note, args.note_commands)
    model = init_model(config, args.checkpoint)
    if args.half:
        round_to_half(model)
    meta = read_checkpoint(args.checkpoint)[1]
    if args.seed is not None:
        meta = dict(meta, seed=args.seed)
    with ExitStack() as stack:
        # In this order: the entry takes its place last, when its files are
        # there. (The stack leaves in the opposite order.)
        parts = {'metafile': stack.enter_context(replacing(metafile))}
        for suffix, path in files.items():
            parts[suffix] = stack.enter_context(replacing(path))
        weights = parts['.safetensors']
        write_weights(weights, weights_of(model, args.half),
                      provenance(name, config, meta, model))
        check_size(root, name, weights)
        check_same_poses(model, init_model(config, weights))
        entry = make_entry(args, name, config, meta, model, weights)
        text = updated_metafile(metafile, entry)
        parts['metafile'].write_text(text, encoding='utf-8')
        log = (
            files['.log.json'].read_text(encoding='utf-8')
            if args.log is None else format_log(read_logs(args.log)))
        parts['.log.json'].write_text(log, encoding='utf-8')
        card = make_card(
            dict(entry, Alias=entry.get('Alias') or aliases_of(root, name)),
            collection_of(metafile, args.collection), args.data, note,
            results_section(files['.md']), views_of(model))
        parts['.md'].write_text(card, encoding='utf-8')
    published = next(m for m in list_models(root) if m.name == name)
    verified_weights(published)
    return [*files.values(), metafile]


def views_of(model: Any) -> str:
    """Which cameras saw a model's training data: ``'drawn'`` or ``'fixed'``.
    """
    dataset = model.cfg.train_dataloader.dataset
    return 'drawn' if str(
        dataset.type).endswith('MocapViewDataset') else 'fixed'


def make_entry(args: argparse.Namespace, name: str, config: Path,
               meta: Dict[str,
                          Any], model: Any, weights: Path) -> Dict[str, Any]:
    """The model's entry in the metafile.

    Raises:
        ValueError: If nobody knows the seed.
    """
    seed = meta.get('seed')
    if seed is None:
        raise ValueError(f'{args.checkpoint} does not say its seed: name it '
                         'with --seed')
    prose = read_prose()['data']
    command = args.command or (
        f'python tools/train.py configs/{config.name} --seed {seed}')
    entry: Dict[str, Any] = dict(Name=name)
    if args.alias:
        entry['Alias'] = list(args.alias)
    entry.update({
        'Config': f'configs/{config.name}',
        'In Collection': args.collection,
        'Metadata': {
            'Training Data': [prose[key]['name'] for key in args.data],
            'Seed': int(seed),
            'Parameters': sum(p.numel() for p in model.parameters()),
            'Precision': 'float16' if args.half else 'float32',
            'SHA256': sha256_of(weights),
            'License': args.license,
            'Training Command': command,
        },
        'Weights': f'mmdiffpose/zoo/{name}.safetensors',
    })
    return entry


def aliases_of(root: Path, name: str) -> Sequence[str]:
    """The aliases that a model has already."""
    return next((m.aliases for m in list_models(root) if m.name == name), ())


def check_size(root: Path, name: str, weights: Path) -> None:
    """Check that the zoo stays small enough to be installed with the code.

    Raises:
        ValueError: If all weights together are larger.
    """
    others = sum(m.weights.stat().st_size for m in list_models(root)
                 if m.name != name and m.weights.is_file())
    size = others + weights.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f'the zoo would have {size / 1e6:.1f} MB, expected '
                         f'at most {MAX_BYTES / 1e6:.0f}')


def check_same_poses(model: Any, loaded: Any) -> None:
    """Check that two models lift the bundled track to the same numbers.

    Raises:
        ValueError: If they do not.
    """
    track = read_keypoint_file(DEMO_TRACK)
    before, after = lift_track(model, track), lift_track(loaded, track)
    for key in ('keypoints_3d', 'scores', 'std', 'hypotheses'):
        old, new = getattr(before, key), getattr(after, key)
        if old is None and new is None:
            continue
        if old is None or new is None or not np.array_equal(old, new):
            raise ValueError(f'{key} of the written file differ from those of '
                             'the checkpoint: it is not published')


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Publish, and say what was written."""
    args = parse_args(argv)
    require_mmpose()
    try:
        paths = publish(args)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    for path in paths:
        print(f'written: {path}')


if __name__ == '__main__':
    main()
