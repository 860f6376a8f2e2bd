# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Test the model zoo and write its tables: one table, one command.

    python tools/analysis_tools/report.py

Every model of the zoo is tested on every test set whose data are there (on
mocap-mini, which is in the package, always), each test once in a process of
its own, on one thread and with a fixed seed; an interrupted report goes on
where it stopped. Written are ``mmdiffpose/zoo/results.json``, the tables in
``docs/model_zoo.md`` and in the model cards, and the metafiles' results;
figures whose data are not there stay as they were measured before. Beside
them stands what the papers report.

    python tools/analysis_tools/report.py --check           # compare
    python tools/analysis_tools/report.py --report-only     # tables only
    python tools/analysis_tools/report.py --speed           # frames/s, too
    python tools/analysis_tools/report.py --views           # hdm05-views, too
    python tools/analysis_tools/report.py --max-sequences 2 # a look
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401

# isort: split
from reporting.documents import (PAGE_MARKERS, differences, merge, put_between,
                                 read_results, write_results)
from reporting.evaluation import RECORD
from reporting.measuring import measure
from reporting.metafiles import metafile_texts
from reporting.tables import card_section, page_section, zoo_tables
from reporting.views_page import (draw_views, measure_views, read_views,
                                  views_document)

from mmdiffpose.atomic_files import replace_text
from mmdiffpose.checkpoints.model_zoo import (INDEX, RESULTS_MARKERS,
                                              list_models)

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs' / 'model_zoo.md'
VIEWS_PAGE = ROOT / 'docs' / 'views.md'
VIEWS = ROOT / 'resources' / 'hdm05_views.json'
ZOO = Path(mmdiffpose.__file__).resolve().parent / 'zoo'


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--models',
        nargs='+',
        metavar='NAME',
        help='only these, by name or alias; all by default')
    parser.add_argument(
        '--test-sets',
        nargs='+',
        metavar='NAME',
        help='only these, for example hdm05 hdm05-occluded mocap-mini')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/report'))
    parser.add_argument(
        '--jobs', type=int, default=1, help='tests at the same time')
    parser.add_argument(
        '--fresh',
        action='store_true',
        help='test again what has been tested with the same inputs')
    parser.add_argument(
        '--speed',
        action='store_true',
        help='measure frames a second, too; other figures of speed stay')
    parser.add_argument(
        '--views',
        action='store_true',
        help='measure and draw hdm05-views, too, for models that have not '
        'been')
    parser.add_argument(
        '--motions',
        type=Path,
        default=Path('data/world_motions.npz'),
        help='motions of hdm05-views')
    parser.add_argument(
        '--max-sequences',
        type=int,
        metavar='N',
        help='N sequences of each test set, for a quick look: printed, not '
        'written')
    parser.add_argument(
        '--check',
        action='store_true',
        help='write nothing; compare all printed figures with results.json, '
        'docs/model_zoo.md and model cards; the exit status is 1 if any '
        'differs')
    parser.add_argument(
        '--report-only',
        '--results-only',
        action='store_true',
        help='test nothing: write (with --check: compare) the tables of '
        'results.json')
    args = parser.parse_args(argv)
    if args.max_sequences is not None:
        if args.max_sequences < 1:
            parser.error('--max-sequences: expected at least 1, found '
                         f'{args.max_sequences}')
        if args.check or args.report_only:
            parser.error('--max-sequences goes with neither --check nor '
                         '--report-only: its figures are not committed')
    return args


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Test, compare or write; returns the exit status."""
    args = parse_args(argv)
    results = ZOO / 'results.json'
    zoo = {model.name: model.sha256 for model in list_models()}
    committed = labelled(merge(read_results(results), {}, zoo))
    if args.report_only:
        return (check_documents if args.check else write_documents)(committed)
    work_dir = args.work_dir / working_folder(args)
    found, failures = measure(args, work_dir)
    stale = 0
    if args.max_sequences is not None:
        print(f'\n{zoo_tables(found)}\n\nA quick look: {args.max_sequences} '
              'sequences of each test set, nothing written.')
    elif args.check:
        stale = check_documents(committed)
        failures += check_figures(committed, found)
        forget(work_dir)
    else:
        merged = labelled(merge(committed, found, zoo))
        write_results(merged, results)
        print(f'written: {results}')
        if args.views:
            failures += measure_views(args.models, args.motions, VIEWS)
            draw_views(read_views(VIEWS), VIEWS.with_suffix('.png'))
        write_documents(merged)
    for failure in failures:
        print(failure, file=sys.stderr)
    return int(bool(failures or stale))


def labelled(models: Dict[str, Any]) -> Dict[str, Any]:
    """Results under the aliases that models have now."""
    return {
        model.name: dict(models[model.name], label=model.label)
        for model in list_models() if model.name in models
    }


def working_folder(args: argparse.Namespace) -> str:
    """Tests that are not to be mixed have folders of their own."""
    if args.check:
        return 'check'
    if args.max_sequences is not None:
        return f'first-{args.max_sequences}'
    return 'full'


def forget(work_dir: Path) -> None:
    """Let the next comparison test everything again; logs stay."""
    for record in work_dir.glob(f'*/*/{RECORD}'):
        record.unlink()


def check_figures(committed: Dict[str, Any], found: Dict[str,
                                                         Any]) -> List[str]:
    """Lines for printed figures that differ from the committed ones."""
    lines, number = differences(committed, found)
    print(f'{number} printed figures compared, {len(lines)} differences')
    return lines


def documents(models: Dict[str, Any]) -> Dict[Path, str]:
    """What the zoo's page, model cards and metafiles should hold; those that
    there are."""
    texts = {}
    if PAGE.is_file():
        texts[PAGE] = put_between(PAGE, PAGE_MARKERS, page_section(models))
    else:
        print(f'no {PAGE}: its tables are not written')
    if VIEWS_PAGE.is_file():
        texts[VIEWS_PAGE] = views_document(VIEWS_PAGE, read_views(VIEWS))
    for name, model in models.items():
        card = ZOO / f'{name}.md'
        if card.is_file():
            texts[card] = put_between(card, RESULTS_MARKERS,
                                      card_section(model))
        else:
            print(f'no {card}: its table is not written')
    if (ROOT / INDEX).is_file():
        texts.update(metafile_texts(ROOT, models))
    return texts


def write_documents(models: Dict[str, Any]) -> int:
    """Put the figures into the page, cards and metafiles; returns 0."""
    for path, text in documents(models).items():
        replace_text(path, text)
        print(f'written: {path}')
    return 0


def check_documents(models: Dict[str, Any]) -> int:
    """1 if the page, a card or metafile is not what results.json gives."""
    stale = [
        path for path, text in documents(models).items()
        if path.read_text(encoding='utf-8') != text
    ]
    for path in stale:
        print(
            f'{path}: its tables are not those of results.json; write them '
            'with: python tools/analysis_tools/report.py --report-only',
            file=sys.stderr)
    return int(bool(stale))


if __name__ == '__main__':
    sys.exit(main())
