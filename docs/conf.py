# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How tools/build_docs.sh makes HTML of the repository's Markdown files.

The source folder is the repository, not ``docs``: README, converters' and
studies' pages link to each other as on a code host, and every one of these
links is checked. The API reference is read from the docstrings of the package
as it is imported.
"""

import pydoc
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config, GoogleDocstring

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'mmdiffpose'
API = ROOT / 'docs' / 'api'

# Before autodoc imports it with TYPE_CHECKING on, which it does not survive:
# a build that reads few pages anew may meet it in any of them.
import matplotlib.pyplot  # noqa: E402, F401, I100

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: E402

project = 'mmdiffpose'
author = 'mmdiffpose contributors'
copyright = 'mmdiffpose contributors'  # noqa: A001
version = release = mmdiffpose.__version__

extensions = ['myst_parser', 'sphinx.ext.autodoc']
root_doc = 'docs/index'
include_patterns = [
    'README.md', '*.md', 'docs/*.md', 'docs/api/*.rst', 'configs/*.md',
    'projects/*/*.md', 'tools/*/*.md', 'resources/*.md', 'examples/*.md',
    'mmdiffpose/data/*.md', 'mmdiffpose/zoo/*.md', 'findings/**.md'
]
# Pruned before they are walked.
exclude_patterns = [
    '.*', 'build', 'data', 'dist', 'docs/_build', 'outputs', 'work_dirs',
    'shared', '**/__pycache__', 'tests'
]
html_theme = 'furo'
html_title = f'mmdiffpose {release}'
myst_heading_anchors = 3
myst_enable_extensions = ['deflist', 'dollarmath']
suppress_warnings = [
    # The repository is no Git checkout in a source archive.
    'myst.header',
]

autodoc_default_options = {
    'members': True,
    'member-order': 'bysource',
    'show-inheritance': True,
    # A name is documented where it is defined, not where it is re-exported.
    'ignore-module-all': True,
}
autodoc_typehints = 'signature'
python_display_short_literal_types = True
python_use_unqualified_type_names = True
# Types in docstrings are for readers; signatures have those that are checked.
GOOGLE_STYLE = Config(
    napoleon_use_param=False, napoleon_use_rtype=False, napoleon_use_ivar=True)

nitpicky = True
# What other projects document: their indices are not at hand offline. There
# is no other exception.
nitpick_ignore_regex = [
    (r'py:.*', r'(cv2|mmcv|mmdet|mmengine|mmpose|numpy|torch)(\..*)?'),
    (r'py:exc', r'PackageNotFoundError'),
]


def write_api_pages(app: Sphinx) -> None:
    """A page for each room, with all its modules; written only if new."""
    API.mkdir(exist_ok=True)
    pages = dict(room_pages())
    pages['index'] = '\n'.join([
        'API reference', '=============', '',
        'From the docstrings; what users call is re-exported by '
        ':mod:`mmdiffpose.apis`.', '', '.. toctree::', '   :maxdepth: 1', '',
        *(f'   {name}' for name in pages)
    ]) + '\n'
    for path in API.glob('*.rst'):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = API / f'{name}.rst'
        if not path.is_file() or path.read_text(encoding='utf-8') != text:
            path.write_text(text, encoding='utf-8')


def room_pages() -> Iterator[Tuple[str, str]]:
    """Names and texts of the pages."""
    rooms = sorted(path.parent for path in PACKAGE.glob('*/__init__.py'))
    yield 'mmdiffpose', page('mmdiffpose', sorted(PACKAGE.glob('*.py')))
    for room in rooms:
        yield f'mmdiffpose.{room.name}', page(f'mmdiffpose.{room.name}',
                                              sorted(room.rglob('*.py')))


def page(title: str, files: List[Path]) -> str:
    """A page with all modules of a room; packages only say what they are."""
    lines = [title, '=' * len(title), '']
    for path in files:
        name = module_name(path)
        if name != title:
            lines += [name, '-' * len(name), '']
        lines += [f'.. automodule:: {name}']
        if path.name == '__init__.py':
            lines += ['   :no-members:']
        lines += ['']
    return '\n'.join(lines)


def module_name(path: Path) -> str:
    """The module that a file of the package is."""
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def free_from_menu(app: Sphinx, doctree: nodes.document) -> None:
    """Only the pages of docs have to be in a table of contents."""
    name = app.env.docname
    if not name.startswith('docs/'):
        app.env.metadata[name]['orphan'] = 'true'


def link_modules(app: Sphinx, doctree: nodes.document) -> None:
    """Links to the package's files lead to their docstrings."""
    for node in list(doctree.findall(addnodes.download_reference)):
        folder = (ROOT / app.env.docname).parent
        path = (folder / node['reftarget']).resolve()
        if path.suffix != '.py' or PACKAGE not in path.parents:
            continue
        link = addnodes.pending_xref(
            '',
            *node.children,
            refdomain='py',
            reftype='mod',
            reftarget=module_name(path),
            refdoc=app.env.docname,
            refexplicit=True)
        node.replace_self(link)


def read_google_style(app: Sphinx, what: str, name: str, obj: Any,
                      options: Any, lines: List[str]) -> None:
    """Turn docstrings into reStructuredText.

    Not through napoleon's own hook: it takes what stands before a colon in
    the docstring of a constant for the constant's type.
    """
    if what not in ('attribute', 'data', 'property'):
        docstring = GoogleDocstring(lines, GOOGLE_STYLE, app, what, name, obj,
                                    options)
        lines[:] = docstring.lines()


def resolve_name(app: Sphinx, env: BuildEnvironment,
                 node: addnodes.pending_xref,
                 contnode: nodes.Element) -> Optional[nodes.Element]:
    """Find names where they are defined, from wherever they are named.

    A name may be short, or that of a package that re-exports it; it has to
    mean one thing. What exists but has no docstring, a private function or a
    constant, stays without a link. What does not exist is an error.
    """
    target = node['reftarget'].lstrip('.')
    if node.get('refdomain') != 'py' or not target:
        return None
    domain = env.get_domain('py')
    home, _, name = target.rpartition('.')
    if not home.startswith('mmdiffpose.'):
        home, name = 'mmdiffpose', target
    found = [
        full for full in domain.objects
        if full.startswith(f'{home}.') and full.endswith(f'.{name}')
    ]
    if len(found) == 1:
        return domain.resolve_xref(env, node['refdoc'], app.builder, 'obj',
                                   found[0], node, contnode)
    here = node.get('py:module') or ''
    owner = node.get('py:class')
    return contnode if exists(target, here, owner) else None


def exists(target: str, module: str, owner: Optional[str]) -> bool:
    """Whether a name means something where it stands.

    Args:
        target (str): The name, as it is in the docstring.
        module (str): Of the docstring.
        owner (str, optional): The docstring's class.
    """
    parts = module.split('.')
    places = [f'{module}.{owner}'] if owner else []
    places += ['.'.join(parts[:n]) for n in range(len(parts), 0, -1)] + ['']
    for place in places:
        try:
            if pydoc.locate(f'{place}.{target}'.lstrip('.')) is not None:
                return True
        except pydoc.ErrorDuringImport:
            continue
    return False


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect('builder-inited', write_api_pages)
    app.connect('autodoc-process-docstring', read_google_style)
    app.connect('doctree-read', free_from_menu)
    app.connect('doctree-read', link_modules)
    app.connect('missing-reference', resolve_name)
