# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pages of the documentation, and the code and commands that they show."""

import ast
import re
import shlex
from pathlib import Path
from typing import Iterator, List

ROOT = Path(__file__).parents[2]
PAGES = sorted([
    *ROOT.glob('*.md'), *ROOT.glob('docs/*.md'), *ROOT.glob('configs/*.md'),
    *ROOT.glob('tools/*/README.md'), *ROOT.glob('projects/*/README.md'),
    *ROOT.glob('resources/*.md'), *ROOT.glob('findings/*.md')
])
CARDS = sorted(ROOT.glob('mmdiffpose/zoo/*.md'))
BLOCK = re.compile(r'^```(\w+)([^\n]*)\n(.*?)^```', re.MULTILINE | re.DOTALL)
STARTS = ('bash', 'mmdiffpose', 'python')
RUN = 'notest'
"""Python blocks with this word beside the language need what is not here."""


def page_name(page: Path) -> str:
    """Of a test's case."""
    return str(page.relative_to(ROOT))


def blocks(language: str, page: Path) -> List[str]:
    """Snippets of a page, without those that cannot run."""
    return [
        code for name, words, code in BLOCK.findall(page.read_text('utf-8'))
        if name == language and RUN not in words
    ]


def split_commands(code: str) -> Iterator[List[str]]:
    """Commands of shell code as lists of words, without variables before
    them."""
    for line in code.replace('\\\n', ' ').splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=';&|')
        lexer.whitespace_split = True
        words: List[str] = []
        for word in [*lexer, ';']:
            if not set(word) <= set(';&|'):
                if words or not re.match(r'[A-Za-z_]+=', word):
                    words.append(word)
            elif words:
                yield words
                words = []


def commands(page: Path) -> List[List[str]]:
    """Commands in the blocks of a page."""
    return [
        words for code in blocks('bash', page)
        for words in split_commands(code)
    ]


def mentions(page: Path) -> List[List[str]]:
    """Commands within the sentences of a page, perhaps not complete."""
    text = BLOCK.sub('', page.read_text('utf-8'))
    return [
        words for code in re.findall(r'`([^`]+)`', text)
        if code.split(' ')[0] in STARTS and '|' not in code
        for words in split_commands(' '.join(code.split()))
    ]


def docstring_commands(script: Path) -> List[List[str]]:
    """Commands on lines of their own in the first docstring of a script."""
    text = ast.get_docstring(ast.parse(script.read_text('utf-8'))) or ''
    code = '\n'.join(
        line for line in text.replace('\\\n', ' ').splitlines()
        if line.startswith('    ') and line.split()[0] in STARTS)
    return list(split_commands(code))
