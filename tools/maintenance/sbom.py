# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write what an environment is made of, as CycloneDX 1.5 JSON.

    .venv/bin/python tools/maintenance/sbom.py --out sbom.json

A component for each installed package that mmdiffpose needs, directly or
through others, with its version, package URL, licence and what it depends
on; where ``requirements/lock.txt`` pins that version, the SHA-256 of its
files, too. Which packages are needed is what they say themselves, and the
lists in ``requirements``: MMPose's packages are installed without what they
ask for. Needs no package but ``packaging``, and no network.
"""
import argparse
import json
import re
import sys
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LISTS = ('runtime.txt', 'openmmlab.txt', 'mmcv.txt', 'xtcocotools.txt')
"""Files in ``requirements`` of what runs; those of tests are left out."""
OF_ITS_OWN = ('torch', 'opencv-python-headless', 'opencv-python', 'mmcv')
"""What the set-up installs beside the lists, where it is there."""
UNBOUND = {'mmengine', 'mmdet', 'mmpose', 'mmcv-lite', 'mmcv', 'xtcocotools'}
"""Installed without dependencies: theirs are in the lists."""


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--out', type=Path, help='the file; standard output without it')
    return parser.parse_args(argv)


def requirements(text: str) -> Iterator[Requirement]:
    """Those of a requirements file that hold here."""
    for line in text.replace('\\\n', ' ').splitlines():
        line = re.split(r'\s+--hash|(?:^|\s)#', line)[0].strip()
        try:
            found = Requirement(line)
        except InvalidRequirement:
            continue
        if found.marker is None or found.marker.evaluate():
            yield found


def installed(name: str) -> Optional[metadata.Distribution]:
    """A package, if it is there."""
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def needs(found: metadata.Distribution) -> Set[str]:
    """Names of what an installed package asks for and is there."""
    if canonicalize_name(found.metadata['Name']) in UNBOUND:
        return set()
    asked = requirements('\n'.join(line for line in found.requires or ()
                                   if 'extra ==' not in line))
    names = {canonicalize_name(one.name) for one in asked}
    return {name for name in names if installed(name)}


def closure(names: Set[str]) -> Dict[str, metadata.Distribution]:
    """Packages and what they need, by name."""
    known: Dict[str, metadata.Distribution] = {}
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found = installed(name)
        if found is not None and name not in known:
            known[name] = found
            waiting |= needs(found)
    return dict(sorted(known.items()))


def locked_hashes() -> Dict[str, List[str]]:
    """``name==version`` to the SHA-256 of its files, from the lock."""
    hashes: Dict[str, List[str]] = {}
    text = (ROOT / 'requirements' / 'lock.txt').read_text(encoding='utf-8')
    for entry in re.split(r'\n(?=[a-zA-Z])', text):
        match = re.match(r'([\w.-]+)==([^\s;\\]+)', entry)
        if match:
            key = f'{canonicalize_name(match[1])}=={match[2]}'
            hashes.setdefault(key, []).extend(
                re.findall(r'--hash=sha256:([0-9a-f]{64})', entry))
    return hashes


def licence(found: metadata.Distribution) -> List[Dict[str, Any]]:
    """What a package says of its licence, in CycloneDX's form."""
    expression = found.metadata.get('License-Expression')
    if expression:
        return [dict(expression=expression)]
    names = [
        value.rpartition(' :: ')[2]
        for value in found.metadata.get_all('Classifier', [])
        if value.startswith('License :: ') and value.count(' :: ') > 1
    ]
    text = found.metadata.get('License', '')
    if not names and text and len(text) < 80 and '\n' not in text:
        names = [text]
    return [dict(license=dict(name=name)) for name in names]


def component(name: str, found: metadata.Distribution,
              hashes: Dict[str, List[str]]) -> Dict[str, Any]:
    """A package, in CycloneDX's form."""
    version = found.version
    purl = f'pkg:pypi/{name}@{version}'
    entry: Dict[str, Any] = {
        'type': 'library',
        'bom-ref': purl,
        'name': name,
        'version': version,
        'purl': purl
    }
    if licence(found):
        entry['licenses'] = licence(found)
    # A component has hashes of one file; a release has several files.
    files = hashes.get(f'{name}=={version}', [])
    if files:
        entry['externalReferences'] = [
            dict(
                type='distribution',
                url=f'https://pypi.org/project/{name}/{version}/#files',
                hashes=[dict(alg='SHA-256', content=digest)])
            for digest in files
        ]
    return entry


def bill_of_materials() -> Dict[str, Any]:
    """The document."""
    names = {
        canonicalize_name(one.name)
        for file in LISTS
        for one in requirements((ROOT / 'requirements' /
                                 file).read_text(encoding='utf-8'))
    }
    found = closure(names | set(OF_ITS_OWN))
    hashes = locked_hashes()
    scope: Dict[str, Any] = {}
    exec((ROOT / 'mmdiffpose' / 'version.py').read_text(encoding='utf-8'),
         scope)
    version = scope['__version__']
    own = f'pkg:pypi/mmdiffpose@{version}'
    components = [
        component(name, package, hashes) for name, package in found.items()
    ]
    refs = {entry['name']: entry['bom-ref'] for entry in components}
    direct = sorted(refs[n] for n in names | set(OF_ITS_OWN) if n in refs)
    depends = [dict(ref=own, dependsOn=direct)]
    depends += [
        dict(
            ref=refs[name], dependsOn=sorted(refs[n] for n in needs(package)))
        for name, package in found.items()
    ]
    content = json.dumps([components, depends], sort_keys=True)
    return {
        '$schema':
        'http://cyclonedx.org/schema/bom-1.5.schema.json',
        'bomFormat':
        'CycloneDX',
        'specVersion':
        '1.5',
        # Of its content: the same environment gives the same file.
        'serialNumber':
        uuid.uuid5(uuid.NAMESPACE_URL, content).urn,
        'version':
        1,
        'metadata':
        dict(
            component={
                'type': 'library',
                'bom-ref': own,
                'name': 'mmdiffpose',
                'version': version,
                'purl': own,
                'licenses': [dict(license=dict(id='Apache-2.0'))]
            }),
        'components':
        components,
        'dependencies':
        depends
    }


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Write the document."""
    args = parse_args(argv)
    text = json.dumps(bill_of_materials(), indent=1) + '\n'
    if args.out is None:
        sys.stdout.write(text)
    else:
        args.out.write_text(text, encoding='utf-8')


if __name__ == '__main__':
    main()
