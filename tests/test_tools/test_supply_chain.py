# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pins with hashes, and the list of what an environment is made of."""

import json
import re
import sys
from pathlib import Path

import audit
import pytest
import sbom
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / 'requirements' / 'lock.txt').read_text()
ENTRIES = [
    entry for entry in re.split(r'\n(?=\S)', LOCK) if not entry.startswith('#')
]
PINS = [
    Requirement(entry.split('\\')[0].strip()) for entry in ENTRIES
    if entry.strip()
]
FILES = [
    'build.txt', 'runtime.txt', 'tests.txt', 'openmmlab.txt', 'mmcv.txt',
    'xtcocotools.txt'
]
PYTHONS = ('3.10', '3.11', '3.12', '3.13')


def wanted(name):
    return [
        Requirement(line)
        for line in (ROOT / 'requirements' / name).read_text().splitlines()
        if line[:1] not in ('', '#')
    ]


def pins_for(python, name):
    environment = dict(
        python_version=python, python_full_version=f'{python}.5')
    return [
        pin for pin in PINS
        if canonicalize_name(pin.name) == canonicalize_name(name) and (
            pin.marker is None or pin.marker.evaluate(environment))
    ]


def test_every_pin_is_exact_and_has_hashes():
    for entry, pin in zip(ENTRIES, PINS):
        assert [one.operator for one in pin.specifier] == ['=='], entry[:60]
        assert re.search(r'--hash=sha256:[0-9a-f]{64}', entry), entry[:60]
    assert '://' not in LOCK


@pytest.mark.parametrize('python', PYTHONS)
def test_the_lock_holds_what_the_lists_ask_for(python):
    for file in [*FILES, 'constraints.txt']:
        for one in wanted(file):
            if one.marker and not one.marker.evaluate(
                    dict(python_version=python)):
                continue
            pins = pins_for(python, one.name)
            if file == 'constraints.txt' and not pins:
                continue
            assert len(pins) == 1, (file, one.name)
            version, = (s.version for s in pins[0].specifier)
            assert one.specifier.contains(version), (file, str(one), version)


def test_bill_of_materials_says_what_is_installed():
    document = sbom.bill_of_materials()
    assert (document['bomFormat'], document['specVersion']) == ('CycloneDX',
                                                                '1.5')
    parts = {entry['name']: entry for entry in document['components']}
    for name in ('torch', 'numpy', 'mmpose', 'mmengine', 'scipy'):
        version = sbom.metadata.version(name)
        assert parts[name]['version'] == version
        assert parts[name]['purl'] == f'pkg:pypi/{name}@{version}'
    # Of tests alone, and of nothing that is needed.
    assert not {'hypothesis', 'pytest'} & set(parts)
    refs = [entry['ref'] for entry in document['dependencies']]
    assert len(set(refs)) == len(refs) == len(parts) + 1
    known = {entry['bom-ref'] for entry in document['components']}
    for entry in document['dependencies']:
        assert set(entry['dependsOn']) <= known
    needs = {e['ref']: e['dependsOn'] for e in document['dependencies']}
    assert parts['numpy']['bom-ref'] in needs[parts['scipy']['bom-ref']]


def test_the_same_environment_gives_the_same_file(tmp_path):
    texts = []
    for name in 'ab':
        sbom.main(['--out', str(tmp_path / name)])
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    assert json.loads(texts[0])['serialNumber'].startswith('urn:uuid:')


def answer(tmp_path, monkeypatch, said, status=0):
    """Let pip-audit be a program that says something."""
    program = tmp_path / 'pip-audit'
    program.write_text(f'#!{sys.executable}\nimport sys\nprint({said!r})\n'
                       f'sys.exit({status})\n')
    program.chmod(0o755)
    monkeypatch.setenv('PIP_AUDIT', str(program))


GOOD = dict(name='six', version='1.17.0', vulns=[])
UNKNOWN = dict(name='six', version='1.17.0', skip_reason='not found')
BAD = dict(
    name='pillow',
    version='1.0',
    vulns=[dict(id='PYSEC-1', fix_versions=['1.1'])])


@pytest.mark.parametrize('entries, status, said', [
    ([GOOD], 0, '1 of 1 pins looked up, 0 known'),
    ([GOOD, UNKNOWN], 0, '1 of 2 pins looked up, 0 known'),
    ([GOOD, BAD], 1, 'pillow 1.0: PYSEC-1, mended in 1.1'),
    ([UNKNOWN, UNKNOWN], 0, 'skipped: its service knew none of the 2'),
])
def test_audit(tmp_path, monkeypatch, capsys, entries, status, said):
    answer(tmp_path, monkeypatch, json.dumps(dict(dependencies=entries)),
           status)
    assert audit.main() == status
    assert said in capsys.readouterr().out


def test_audit_without_an_answer(tmp_path, monkeypatch, capsys):
    answer(tmp_path, monkeypatch, 'connection refused', 1)
    assert audit.main() == 0
    assert 'skipped' in capsys.readouterr().out
    monkeypatch.setattr(audit, 'find_tool', lambda: None)
    assert audit.main() == 0
    assert 'not installed' in capsys.readouterr().out
