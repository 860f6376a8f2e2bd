# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the fixes found and did, for :func:`mmdiffpose.compat.report`."""

import sys
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, List, Tuple

APPLIED = 'applied'
NOT_NEEDED = 'not needed'
WAITING = 'waiting'
OFF = 'off'


@dataclass(frozen=True)
class Fix:
    """One guarded fix of an upstream package.

    Attributes:
        apply: Looks for the break and mends it, or waits for the import of
            the module that has it. Its name is the fix's.
        module: The module that is changed, or shown something while it is
            imported.
        issue: The break upstream, ``owner/repository#number``; empty where
            no issue is known.
    """
    apply: Callable[[], None]
    module: str
    issue: str = ''

    @property
    def name(self) -> str:
        """Name of the fix."""
        return self.apply.__name__


@dataclass(frozen=True)
class FixReport:
    """What became of a fix in this process.

    Attributes:
        name: Of the fix, a function of :mod:`mmdiffpose.compat`.
        done: ``'applied'``; ``'not needed'``, where nothing is broken;
            ``'waiting'`` for the import of the module that may be; ``'off'``.
        condition: What was found, and so decided.
        issue: The break upstream; empty where no issue is known.
    """
    name: str
    done: str
    condition: str
    issue: str

    def __str__(self) -> str:
        """The report in one line."""
        issue = f' ({self.issue})' if self.issue else ''
        return f'{self.done:<10} {self.name}: {self.condition}{issue}'


class CompatReport(List[FixReport]):
    """What became of each fix; prints as a line each."""

    def __str__(self) -> str:
        """The report as text."""
        return '\n'.join(map(str, self))


_found: Dict[str, Tuple[str, str]] = {}


def note(fix: Callable[[], None], needed: bool, condition: str) -> None:
    """Say what a fix found.

    Args:
        fix (Callable): The fix.
        needed (bool): Whether it mends anything here.
        condition (str): What decided that, in the past tense.
    """
    _found[fix.__name__] = (APPLIED if needed else NOT_NEEDED, condition)


def describe(fixes: Iterable[Fix], switched_off: str = '') -> CompatReport:
    """Report on fixes.

    Args:
        fixes (iterable[Fix]): In the order of the report.
        switched_off (str): Why none was applied; empty where they were.
    """
    return CompatReport(_describe(fix, switched_off) for fix in fixes)


def _describe(fix: Fix, switched_off: str) -> FixReport:
    if fix.name in _found:
        done, condition = _found[fix.name]
    elif switched_off:
        done, condition = OFF, switched_off
    elif fix.module in sys.modules:
        done = NOT_NEEDED
        condition = f'{fix.module} had been imported without it'
    else:
        done, condition = WAITING, f'{fix.module} is not imported'
    return FixReport(fix.name, done, condition, fix.issue)
