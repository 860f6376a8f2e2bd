# Copyright (c) mmdiffpose contributors. All rights reserved.
import threading

import pytest
from PIL import Image


@pytest.fixture
def profile(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    from benchmarks import profile
    return profile


class Clock:
    """Seconds that pass where the work says so."""

    def __init__(self):
        self.now = 0.

    def pass_by(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(profile, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(profile.time, 'thread_time', lambda: clock.now)
    return clock


def test_a_stage_has_no_time_of_those_inside_it(profile, clock):
    stages = profile.Stages()
    with stages.stage('whole'):
        clock.pass_by(1)
        for _ in range(2):
            with stages.stage('part'):
                clock.pass_by(3)
        clock.pass_by(5)
    assert stages.seconds == dict(whole=6, part=6)
    assert profile.with_rest(stages.seconds, 20) == dict(
        whole=6, part=6, rest=8)


def test_methods_and_items_are_watched(profile, clock):

    class Worker:

        def work(self, seconds):
            clock.pass_by(seconds)
            return seconds

    stages, worker = profile.Stages(), Worker()
    undo = [
        stages.watch(worker, 'work', 'object'),
        stages.watch(Worker, 'work', 'class')
    ]
    assert worker.work(2) == 2 and Worker().work(3) == 3
    for function in undo:
        function()
    assert 'work' not in vars(worker)
    worker.work(9), Worker().work(9)

    def items():
        for seconds in (1, 4):
            yield worker.work(seconds)

    assert list(stages.each(items(), 'items')) == [1, 4]
    assert stages.seconds == {'object': 2, 'class': 3, 'items': 5}


def test_threads_have_stages_of_their_own(profile, clock):
    stages = profile.Stages()

    def other():
        with stages.stage('drawing'):
            clock.pass_by(2)

    with stages.stage('whole'):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    # One clock for both here: the thread's seconds stay in the whole, too.
    assert stages.seconds == dict(drawing=2, whole=2)


def test_imports_by_package(profile):
    said = ('import time: self [us] | cumulative | imported package\n'
            'import time:       100 |        100 |   torch._C\n'
            'a warning\n'
            'import time:       300 |        400 | torch\n'
            'import time:        50 |         50 | numpy\n'
            'import time:         7 |          7 | one\n'
            'import time:         3 |          3 | two\n')
    assert profile.import_shares(
        said,
        number=2) == pytest.approx(dict(torch=4e-4, numpy=5e-5, rest=1e-5))


def test_rows_and_pictures(profile, monkeypatch, tmp_path):
    found = dict(
        train_mixste=dict(loading=.1, gradients=.3), infer=dict(drawing=.2))
    monkeypatch.setattr(profile, 'measure', lambda job, args: found[job])
    import argparse
    parser = argparse.ArgumentParser()
    profile.add_arguments(parser)
    rows = profile.run(
        parser.parse_args(
            ['--jobs', *found, '--out-dir',
             str(tmp_path / 'out')]))
    assert [(row['name'], row['ours'], row['ratio']) for row in rows
            ] == [('profile-train_mixste: gradients', 300, pytest.approx(.75)),
                  ('profile-train_mixste: loading', 100, pytest.approx(.25)),
                  ('profile-infer: drawing', 200, 1)]
    sizes = {
        path.stem: Image.open(path).size
        for path in (tmp_path / 'out').iterdir()
    }
    assert set(sizes) == {'profile', 'profile_train_mixste', 'profile_infer'}
    assert sizes['profile'][0] == pytest.approx(
        2 * sizes['profile_infer'][0], abs=2)
