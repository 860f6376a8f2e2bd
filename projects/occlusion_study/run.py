# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE's robustness protocol: train, test, write tables and heat maps.

    python -m projects.occlusion_study.run --study hdm05 --jobs 2
    python -m projects.occlusion_study.run --study mini    # no data needed

Each cell is trained and tested once; what is done is kept, and an interrupted
study goes on where it stopped. The README says what the protocol is.
"""

import argparse
from typing import Optional, Sequence

from ..common.arguments import add_study_arguments
from ..common.cells import run_all
from ..common.reports import write_report
from .heat_maps import plot_matrices
from .matrices import METRICS, Results, as_document, as_markdown
from .protocol import METHODS, PATTERNS, STUDIES, cells_of
from .samplers import compare_samplers, samplers_as_markdown


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--study', choices=sorted(STUDIES), default='hdm05')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument(
        '--methods',
        nargs='+',
        choices=list(METHODS),
        default=list(METHODS),
        metavar='METHOD',
        help=f'only these (and what they need) of {", ".join(METHODS)}')
    parser.add_argument(
        '--patterns',
        nargs='+',
        choices=list(PATTERNS),
        default=list(PATTERNS),
        metavar='PATTERN',
        help=f'only these of {", ".join(PATTERNS)}')
    parser.add_argument(
        '--ddim-steps',
        type=int,
        metavar='STEPS',
        help="sample with DDIM and so many steps in place of the configs' "
        'sampler')
    parser.add_argument(
        '--samplers',
        action='store_true',
        help='also compare all 50 steps with DDIM of 10 and of 5: error and '
        'speed of the models without occlusions')
    add_study_arguments(parser, 'occlusion_study')
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Run the protocol and write what it found."""
    args = parse_args(argv)
    if not args.report_only:
        cells = cells_of(args.study, args.seeds, args.work_dir, args.methods,
                         args.patterns, args.ddim_steps, args.samplers)
        run_all(cells, args.jobs, args.cfg_options)
    # What these seeds have so far, whatever was asked for now.
    results = Results(cells_of(args.study, args.seeds, args.work_dir))
    for metric in METRICS:
        name = f'{args.study}_{metric.replace(" ", "_")}.png'
        plot_matrices(
            results.matrices(metric), list(PATTERNS.values()),
            f'{metric} [mm]', args.work_dir / name)
    text, document = as_markdown(results), as_document(results)
    if args.samplers:
        compared = cells_of(
            args.study, args.seeds[:1], args.work_dir, samplers=True)
        document['samplers'] = compare_samplers(compared)
        text += samplers_as_markdown(document['samplers'])
    write_report(args.work_dir / args.study, text, document)


if __name__ == '__main__':
    main()
