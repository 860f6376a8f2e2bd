# Copyright (c) mmdiffpose contributors. All rights reserved.
import json
import sys
from types import SimpleNamespace

import pytest
import report_zoo
import yaml
from report_zoo import CONFIGS, DATA, make_model

from mmdiffpose.checkpoints import model_zoo

PAGE = """# Model zoo

<!-- zoo results: begin -->
old
<!-- zoo results: end -->

## The end
"""
CARD = 'A model.\n\n<!-- results: begin -->\n<!-- results: end -->\nBye.\n'
NAMES = ('mixste_zoo', 'wrapper_zoo', 'wrapper_zoo_occluded')


@pytest.fixture
def tool(monkeypatch, request, tmp_path):
    """The report in a folder with data and a zoo, tests being invented."""
    root = request.config.rootpath
    monkeypatch.syspath_prepend(root / 'tools' / 'analysis_tools')
    import report
    from reporting import evaluation, measuring
    zoo = tmp_path / 'zoo'
    zoo.mkdir()
    configs = ('mixste_hdm05-27', *['diffhpe-wrapper_mixste_hdm05-27'] * 2)
    models = [
        make_model(zoo, name, CONFIGS / f'{config}.py')
        for name, config in zip(NAMES, configs)
    ]
    for module in (report, model_zoo):
        monkeypatch.setattr(module, 'list_models', lambda: models)
    for name in DATA:
        path = tmp_path / 'data' / 'hdm05' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    page = tmp_path / 'docs' / 'model_zoo.md'
    page.parent.mkdir()
    page.write_text(PAGE)
    for name in NAMES[:2]:
        (zoo / f'{name}.md').write_text(CARD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, 'ROOT', tmp_path)
    monkeypatch.setattr(report, 'PAGE', page)
    monkeypatch.setattr(report, 'ZOO', zoo)
    monkeypatch.setattr(report, 'VIEWS', tmp_path / 'views.json')
    monkeypatch.setattr(report, 'VIEWS_PAGE', tmp_path / 'docs' / 'views.md')
    monkeypatch.setattr(measuring, 'build', report_zoo.network)
    monkeypatch.setattr(measuring, 'measure_costs', report_zoo.costs)
    tests = []

    def run_test(cell, cfg, weights, folder, metrics):
        tests.append((cell.model.name, cell.name))
        folder.mkdir(parents=True)
        if cell.title in state.failing:
            raise RuntimeError(f'{cell.title}: the log ends with: oh')
        diffusion = not cell.model.name.startswith('mixste')
        metrics.write_text(
            json.dumps(report_zoo.metrics(diffusion, mpjpe=state.mpjpe)))

    monkeypatch.setattr(evaluation, '_run_test', run_test)
    state = SimpleNamespace(
        main=report.main,
        tests=tests,
        failing=set(),
        mpjpe=50.04,
        folder=tmp_path,
        page=page,
        results=zoo / 'results.json',
        card=zoo / 'wrapper_zoo.md',
        models=models)
    return state


def test_tables_and_results_are_written_where_they_belong(tool):
    assert tool.main([]) == 0
    text = tool.page.read_text()
    assert text.startswith('# Model zoo\n\n<!-- zoo results: begin -->\n')
    assert text.endswith('<!-- zoo results: end -->\n\n## The end\n')
    assert 'old' not in text.split('What the papers')[0].split('\n')
    assert ('| `wrapper`, mean of 5, 50 steps | 27 | 50.0 | 36.2 | 8.3 | 2.2 '
            '| 88.8 % | 0.057 | 612 k (400 k) | 900 M |') in text
    assert '*oracle: `wrapper`, best of 5* | 27 | *42.2* | *31.1* |' in text
    assert 'JPMA with the true root* | 27 | *44.4* |' in text
    assert '| encoder of `wrapper` alone | 27 | 55.5 | 40.4 | 9.9 |' in text
    assert 'root solved' not in text, 'the card has it'
    card = tool.card.read_text()
    assert card.startswith('A model.') and card.endswith('-->\nBye.\n')
    assert '| `wrapper`, joint by joint (JPMA), root solved |' in card
    assert 'configs/' not in card, 'links would not lead anywhere'
    document = json.loads(tool.results.read_text())
    cell = document['models']['wrapper_zoo']['test_sets']['hdm05']
    assert cell['environment']['threads'] == 1
    assert 'hdm05_test.npz' in cell['data']
    assert 'MPJPE_mm/action_mean' in cell['metrics']
    assert not {'MPJPE_mm/squat', 'MPJPE_mm/sequence_mean'} & set(
        cell['metrics'])


def test_metafiles_get_the_models_own_rows(tool):
    index = tool.folder / 'model-index.yml'
    index.write_text('Import: [configs/mine.yml]\n')
    metafile = tool.folder / 'configs' / 'mine.yml'
    metafile.parent.mkdir()
    other = dict(Name='other', Results=['kept'], Weights='b')
    metafile.write_text(
        yaml.safe_dump(
            dict(
                Collections=[dict(Name='Mine')],
                Models=[dict(Name='wrapper_zoo', Weights='a'), other])))
    assert tool.main([]) == 0
    content = yaml.safe_load(metafile.read_text())
    assert content['Collections'] == [dict(Name='Mine')]
    mine = content['Models'][0]
    assert content['Models'][1] == other
    assert list(mine) == ['Name', 'Results', 'Weights']
    own = next(r for r in mine['Results'] if r['Dataset'].startswith('HDM05'))
    assert own['Task'] == 'Body 3D Keypoint'
    # Not its encoder's figures, 55.5, nor the oracle's, 42.2.
    assert own['Metrics'] == {
        'MPJPE': 50.0,
        'P-MPJPE': 36.2,
        'symmetry gap': 8.3,
        'segment std': 2.2,
        '90 % intervals hold': 88.8,
        'calibration error': 0.057
    }
    assert tool.main(['--report-only', '--check']) == 0
    metafile.write_text(metafile.read_text().replace('50.0', '49.0'))
    assert tool.main(['--report-only', '--check']) == 1


def test_what_is_tested(tool):
    tool.main([])
    assert tool.tests == [
        ('mixste_zoo', 'hdm05'), ('mixste_zoo', 'mocap-mini'),
        ('mixste_zoo', 'hdm05+flip'),
        *((name, test_set) for name in NAMES[1:]
          for test_set in ('hdm05', 'hdm05-occluded', 'mocap-mini'))
    ], 'mirrored windows where cheap, occlusions where trained for'


def test_a_second_report_tests_nothing_and_changes_nothing(tool):
    tool.main([])
    files = [tool.page, tool.results, tool.card]
    before = [path.read_bytes() for path in files]
    number = len(tool.tests)
    tool.main([])
    assert len(tool.tests) == number
    assert [path.read_bytes() for path in files] == before
    tool.main(['--fresh'])
    assert len(tool.tests) == 2 * number
    assert [path.read_bytes() for path in files] == before


def test_other_data_is_tested_again(tool):
    tool.main(['--test-sets', 'hdm05', '--models', 'wrapper'])
    number = len(tool.tests)
    (tool.folder / 'data' / 'hdm05' / DATA[0]).write_bytes(b'other')
    tool.main(['--test-sets', 'hdm05', '--models', 'wrapper'])
    assert len(tool.tests) == 2 * number > 0


def test_check_passes_and_finds_a_changed_digit(tool, capsys):
    tool.main([])
    before = tool.results.read_bytes()
    number = len(tool.tests)
    assert tool.main(['--check']) == 0
    assert len(tool.tests) == 2 * number, 'all of it again'
    tool.mpjpe = 50.06
    capsys.readouterr()
    assert tool.main(['--check']) == 1
    assert len(tool.tests) == 3 * number, 'and again'
    assert ('mixste_zoo: hdm05: `mixste`: MPJPE: committed 50.0, found 50.1'
            in capsys.readouterr().err)
    assert tool.results.read_bytes() == before


def test_check_finds_tables_that_are_not_those_of_the_results(tool, capsys):
    tool.main([])
    assert tool.main(['--check', '--report-only']) == 0
    tool.card.write_text(tool.card.read_text().replace('50.0', '49.0'))
    assert tool.main(['--check', '--report-only']) == 1
    assert 'wrapper_zoo.md' in capsys.readouterr().err
    assert tool.main(['--report-only']) == 0
    assert tool.main(['--check', '--report-only']) == 0


def test_figures_stay_where_data_are_missing(tool, capsys):
    tool.main([])
    page = tool.page.read_bytes()
    (tool.folder / 'data' / 'hdm05' / DATA[0]).unlink()
    assert tool.main(['--fresh']) == 0
    assert 'hdm05_test.npz' in capsys.readouterr().out
    assert tool.page.read_bytes() == page
    assert tool.main(['--check']) == 0


def test_labels_are_the_aliases_of_today(tool):
    tool.main([])
    models = json.loads(tool.results.read_text())
    models['models'][NAMES[0]]['label'] = 'of-yesterday'
    tool.results.write_text(json.dumps(models))
    tool.main(['--report-only'])
    assert 'of-yesterday' not in tool.page.read_text()


def test_figures_of_other_weights_go(tool):
    tool.main([])
    tool.models[1].weights.write_bytes(b'trained again')
    tool.models[1] = make_model(tool.results.parent, NAMES[1],
                                tool.models[1].config)
    tool.main(['--test-sets', 'mocap-mini'])
    models = json.loads(tool.results.read_text())['models']
    assert list(models['wrapper_zoo']['test_sets']) == ['mocap-mini']
    assert 'hdm05' in models['mixste_zoo']['test_sets']


def test_a_failed_test_is_reported_after_the_others(tool, capsys):
    tool.failing.add('wrapper_zoo on hdm05')
    assert tool.main([]) == 1
    assert 'wrapper_zoo on hdm05: the log ends with: oh' in (
        capsys.readouterr().err)
    models = json.loads(tool.results.read_text())['models']
    assert 'hdm05' not in models['wrapper_zoo']['test_sets']
    assert 'mocap-mini' in models['wrapper_zoo_occluded']['test_sets']
    tool.failing.clear()
    number = len(tool.tests)
    assert tool.main([]) == 0
    assert tool.tests[number:] == [('wrapper_zoo', 'hdm05')]


def test_weights_that_are_missing_or_not_the_published_ones(tool, capsys):
    tool.models[1].weights.unlink()
    tool.models[2].weights.write_bytes(b'not these')
    assert tool.main([]) == 1
    captured = capsys.readouterr()
    assert 'wrapper_zoo is left out: the weights of' in captured.out
    assert 'expected the SHA-256' in captured.err
    assert {name for name, _ in tool.tests} == {'mixste_zoo'}


def test_a_quick_look_is_not_written(tool, capsys):
    assert tool.main(['--max-sequences', '1', '--models', 'mixste']) == 0
    printed = capsys.readouterr().out
    assert '| `mixste` | 27 | 50.0 |' in printed
    assert '1 sequences of each test set, nothing written' in printed
    assert not tool.results.exists()
    assert tool.page.read_text() == PAGE


def test_speed_is_rounded_and_kept(tool, monkeypatch):
    from reporting import measuring
    speed = dict(
        frames_per_second=1234.5,
        windows=8,
        runs=5,
        environment=dict(cpu='Abacus 3'))
    monkeypatch.setattr(measuring, 'measure_speed', lambda network: speed)
    tool.main(['--speed', '--models', 'mixste'])
    line = '| `mixste` | 1,200 | 8 x 27 | Abacus 3 |'
    assert line in tool.page.read_text()
    tool.main([])
    assert line in tool.page.read_text()
    speed['frames_per_second'] = 9
    assert tool.main(['--check']) == 0


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--models', 'nonesuch'], "found \\['nonesuch'\\]"),
    (['--models', 'mixste'], 'zoo.md: expected "<!-- zoo results: begin'),
])
def test_errors_name_what_is_wrong(tool, arguments, message):
    tool.page.write_text('no markers\n')
    with pytest.raises(ValueError, match=message):
        tool.main(arguments)


def test_foreign_results_are_refused(tool):
    tool.results.write_text('{"format": 99}')
    with pytest.raises(ValueError, match='results.json: expected "format": 1'):
        tool.main([])


@pytest.mark.parametrize('arguments', [
    ['--max-sequences', '0'],
    ['--max-sequences', '2', '--check'],
])
def test_arguments_that_do_not_fit(tool, arguments, capsys):
    with pytest.raises(SystemExit):
        tool.main(arguments)
    assert '--max-sequences' in capsys.readouterr().err
    assert 'report' in sys.modules
