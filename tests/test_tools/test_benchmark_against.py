# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One benchmark on two revisions of a repository."""
import subprocess
import textwrap

import pytest
import revisions

SCRIPT = '''
import json, sys, pathlib
import package
rows = [dict(name='work', ours=package.SECONDS, reference=None, ratio=None,
             unit='s', note=''),
        dict(name='rate', ours=1 / package.SECONDS, reference=None,
             ratio=None, unit='frames/s', note=''),
        dict(name='edge', ours=package.SECONDS, reference=8.,
             ratio=8. / package.SECONDS, unit='', note='')]
if package.SECONDS < 3:
    rows.append(dict(rows[0], name='new'))
assert sys.argv[1] in ('job', 'edge', 'lost'), sys.argv
if sys.argv[1] == 'edge':
    rows = rows[2:3]
if sys.argv[1] == 'lost' and package.SECONDS > 3:
    raise LookupError('there was no such thing')
with open(pathlib.Path(__file__).parent / 'log', 'a') as log:
    log.write(f'{package.SECONDS} ')
pathlib.Path(sys.argv[sys.argv.index('--json') + 1]).write_text(
    json.dumps(rows))
'''


@pytest.fixture
def repository(tmp_path):
    """Two commits of a package: the first takes 4 s, the second 2 s."""
    root = tmp_path / 'repository'
    (root / 'package').mkdir(parents=True)

    def git(*arguments):
        subprocess.run([
            'git', '-C', root, '-c', 'user.name=a', '-c', 'user.email=a@b.c',
            *arguments
        ],
                       check=True,
                       capture_output=True)

    git('init', '-q')
    for seconds in (4., 2.):
        (root / 'package/__init__.py').write_text(f'SECONDS = {seconds}\n')
        git('add', '.')
        git('commit', '-qm', 'work')
    script = tmp_path / 'script.py'
    script.write_text(textwrap.dedent(SCRIPT))
    return root, script


def test_figures_stand_side_by_side(repository, tmp_path):
    root, script = repository
    rows = revisions.against(script, root, 'HEAD~1', 2, ['job'])
    assert [row['name'] for row in rows] == ['work', 'rate', 'edge']
    work, rate, edge = rows
    assert (work['ours'], work['reference'], work['ratio']) == (2, 4, 2)
    # More frames a second are better, fewer seconds, too.
    assert (rate['ours'], rate['reference'], rate['ratio']) == (.5, .25, 2)
    assert edge['ratio'] == 2
    assert 'now 2 to 2' in work['note'] and 'HEAD~1 4 to 4' in work['note']
    # In turn, and nothing is left.
    assert (tmp_path / 'log').read_text() == '2.0 4.0 2.0 4.0 '
    listed = subprocess.run(['git', '-C', root, 'worktree', 'list'],
                            capture_output=True,
                            text=True).stdout
    assert len(listed.splitlines()) == 1


def test_what_goes_wrong_is_said(repository):
    root, script = repository
    with pytest.raises(ValueError, match='--against nonesuch: git says'):
        revisions.against(script, root, 'nonesuch', 1, ['job'])
    with pytest.raises(ValueError, match='(?s)fails in .*AssertionError'):
        revisions.against(script, root, 'HEAD', 1, ['other'])


def test_the_front_hands_on_the_other_arguments(monkeypatch, tmp_path, capsys):
    import benchmark
    seen = []
    row = dict(name='a', ours=1., reference=2., ratio=2., unit='s', note='')

    def against(*given):
        seen.append(given)
        return [row]

    monkeypatch.setattr(benchmark, 'against', against)
    benchmark.main([
        'infer', '--frames', '9', '--against', 'v1', '--rounds', '5', '--json',
        str(tmp_path / 'rows.json')
    ])
    (script, root, revision, rounds, rest), = seen
    assert script.name == 'benchmark.py' and (root / 'setup.cfg').is_file()
    assert (revision, rounds) == ('v1', 5)
    assert rest == ['infer', '--frames', '9']
    assert (tmp_path /
            'rows.json').is_file() and 'a' in capsys.readouterr().out


@pytest.fixture
def needed(repository, tmp_path):
    """Rows of a job that is compared where it has to be; and the log."""
    root, script = repository

    def run(job):
        with revisions.checkout(root, 'HEAD~1') as other:
            rows = revisions.where_needed(script, root, other, 'HEAD~1', 3,
                                          [job])
        return rows, (tmp_path / 'log').read_text()

    return run


def test_a_reference_of_one_s_own_stays(needed):
    """`edge` is measured against 8: now in 2 s, which is 4 times as fast."""
    rows, log = needed('job')
    assert [row['name'] for row in rows] == ['work', 'rate', 'edge', 'new']
    work, _, edge, new = rows
    assert (work['ours'], work['reference'], work['ratio']) == (2, 4, 2)
    assert (edge['ours'], edge['reference'], edge['ratio']) == (2, 8, 4)
    assert edge['note'].startswith('3 runs: ratio 4 to 4')
    # A row that is new is there, and says that it is.
    assert (new['ours'], new['reference'], new['ratio']) == (2, None, None)
    assert new['note'].startswith('not in HEAD~1: no such row')
    assert log == '2.0 4.0 ' * 3


def test_what_needs_no_other_revision_is_not_run_there(needed):
    (edge, ), log = needed('edge')
    assert (edge['ours'], edge['reference'], edge['ratio']) == (2, 8, 4)
    assert log == '2.0 '


def test_what_fails_in_the_other_revision_says_so(needed):
    rows, log = needed('lost')
    assert [row['name'] for row in rows] == ['work', 'rate', 'edge', 'new']
    assert [row['reference'] for row in rows] == [None, None, 8, None]
    said = 'not in HEAD~1: LookupError: there was no such thing'
    assert rows[0]['note'].startswith(said)
    assert log == '2.0 '
