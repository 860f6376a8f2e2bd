# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The command that shows a result in a browser."""

import webbrowser

import pytest
from drawn_people import crowd

from mmdiffpose.cli.view import main
from mmdiffpose.files.result_files import write_results


@pytest.fixture
def opened(monkeypatch):
    """Addresses that a browser was asked for."""
    asked = []
    monkeypatch.setattr(webbrowser, 'open',
                        lambda address: asked.append(address) or True)
    return asked


@pytest.mark.parametrize('kind', ['json', 'npz'])
def test_a_page_is_made_and_opened(tmp_path, opened, capsys, kind):
    path, = write_results(crowd(2), tmp_path / 'walk_3d', (kind, ))
    main([str(path)])
    page = tmp_path / 'walk_3d.html'
    assert opened == [page.as_uri()] and str(page) in capsys.readouterr().out
    assert '"person":1' in page.read_text()
    main([str(page)])
    assert opened == [page.as_uri()] * 2
    main([str(path), '--no-open', '--out', str(tmp_path / 'other.html')])
    assert (tmp_path / 'other.html').is_file() and len(opened) == 2


def test_without_a_browser(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(webbrowser, 'open', lambda address: False)
    path, = write_results(crowd(1), tmp_path / 'a', ('json', ))
    main([str(path), '--hypotheses', '0'])
    assert 'open that file' in capsys.readouterr().out


def test_wrong_files_end_with_a_sentence(tmp_path, opened):
    (tmp_path / 'a.json').write_text('{}')
    for arguments, message in (([tmp_path / 'none.json'],
                                'expected a file of results'),
                               ([tmp_path / 'none.html'], 'no page at'),
                               ([tmp_path / 'a.json'], 'meta_info')):
        with pytest.raises(SystemExit, match=message):
            main(list(map(str, arguments)))
    assert not opened
