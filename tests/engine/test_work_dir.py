# Copyright (c) mmdiffpose contributors. All rights reserved.
import json
import os

import pytest
import torch
from mmengine.config import Config

from mmdiffpose.engine.work_dir import (LOCK, META_KEY, check_work_dir,
                                        describe_training,
                                        find_last_checkpoint, lock_work_dir,
                                        remove_leftovers)


def save(path, **meta):
    torch.save(dict(state_dict=dict(w=torch.ones(99)), meta=meta), path)
    return str(path)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def test_the_recorded_checkpoint_wherever_the_folder_is(tmp_path):
    assert find_last_checkpoint(str(tmp_path / 'none')) is None
    assert find_last_checkpoint(str(tmp_path)) is None
    record = tmp_path / 'last_checkpoint'
    record.write_text('/an/older/place/epoch_3.pth')
    assert find_last_checkpoint(str(tmp_path)) is None
    third = save(tmp_path / 'epoch_3.pth')
    save(tmp_path / 'epoch_5.pth')
    assert find_last_checkpoint(str(tmp_path)) == third


@pytest.mark.parametrize(
    'record', [None, b'', b'epoch_11.pth', b'\x93\xff\0\xfe' * 99,
               bytes(512)])
def test_without_a_record_the_one_with_the_highest_number(tmp_path, record):
    """Or where it is of noise, or of zeros, as power cuts leave files."""
    if record is not None:
        (tmp_path / 'last_checkpoint').write_bytes(record)
    save(tmp_path / 'epoch_9.pth')
    tenth = save(tmp_path / 'epoch_10.pth')
    save(tmp_path / 'best_MPJPE_mm_epoch_12.pth')
    assert find_last_checkpoint(str(tmp_path)) == tenth


def test_a_checkpoint_cut_short_gives_way_to_the_one_before(tmp_path):
    first = save(tmp_path / 'epoch_1.pth')
    second = save(tmp_path / 'epoch_2.pth')
    (tmp_path / 'last_checkpoint').write_text(second)
    cut(tmp_path / 'epoch_2.pth')
    assert find_last_checkpoint(str(tmp_path)) == first
    (tmp_path / 'epoch_1.pth').write_bytes(b'')
    with pytest.raises(
            ValueError,
            match='epoch_2.pth is cut short.* has no '
            'other checkpoint to go on from'):
        find_last_checkpoint(str(tmp_path))


def config(folder, depth=2, **changes):
    return Config(
        dict(
            work_dir=str(folder),
            model=dict(type='Lifter', backbone=dict(depth=depth), head=[1, 2]),
            train_dataloader=dict(dataset=dict(type='Mini', ann_file='a')),
            **changes))


def test_the_folder_of_another_config_is_refused(tmp_path):
    trained = config(tmp_path)
    save(tmp_path / 'epoch_1.pth', **{META_KEY: describe_training(trained)})
    before = (tmp_path / 'epoch_1.pth').read_bytes()
    check_work_dir(trained)
    # What only a test reads, another place of the data, another schedule.
    other = config(tmp_path, train_cfg=dict(max_epochs=9))
    other.model.test_cfg = dict(num_hypotheses=3)
    other.train_dataloader.dataset.ann_file = 'b'
    check_work_dir(other)
    for resume in (False, True):
        with pytest.raises(
                ValueError, match='model.backbone.depth is 2, 3 here'):
            check_work_dir(config(tmp_path, 3, resume=resume))
    data = config(tmp_path)
    data.train_dataloader.dataset.type = 'Maxi'
    with pytest.raises(ValueError, match="dataset.type is 'Mini', 'Maxi' h"):
        check_work_dir(data)
    # A checkpoint of another folder is meant.
    check_work_dir(config(tmp_path, 3, resume=True, load_from='x/epoch_7.pth'))
    with pytest.raises(ValueError, match='depth is 2, 3 here'):
        named = str(tmp_path / 'epoch_1.pth')
        check_work_dir(config(tmp_path, 3, resume=True, load_from=named))
    assert (tmp_path / 'epoch_1.pth').read_bytes() == before
    assert json.loads(describe_training(trained))['model']['head'] == [1, 2]


def test_a_checkpoint_of_no_known_config_is_of_any(tmp_path):
    save(tmp_path / 'epoch_1.pth')
    check_work_dir(config(tmp_path))
    cut(tmp_path / 'epoch_1.pth')
    check_work_dir(config(tmp_path))  # a new training, which overwrites it
    (tmp_path / 'epoch_1.pth').write_bytes(b'PK\x03\x04')
    check_work_dir(config(tmp_path))
    with pytest.raises(ValueError, match='cut short'):
        check_work_dir(config(tmp_path, resume=True))


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError, match='no checkpoint could be written there'):
        check_work_dir(config(tmp_path / 'file' / 'folder'))

    def full(**kwargs):
        raise OSError(30, 'Read-only file system')

    monkeypatch.setattr('tempfile.TemporaryFile', full)
    with pytest.raises(OSError, match=r'\(Read-only file system\); choose'):
        check_work_dir(config(tmp_path))


def test_one_training_at_a_time(tmp_path):
    pytest.importorskip('fcntl')

    def other():
        """What another process is told that wants the folder."""
        answer = tmp_path / 'answer'
        answer.write_text('')
        child = os.fork()
        if child == 0:
            try:
                lock_work_dir(str(tmp_path))
            except RuntimeError as error:
                answer.write_text(str(error))
            os._exit(0)
        os.waitpid(child, 0)
        return answer.read_text()

    lock = lock_work_dir(str(tmp_path))
    assert f'another training (process {os.getpid()} on ' in other()
    assert 'another training' in other()
    # A worker that outlives its training inherits the file, not the lock.
    ready, go = os.pipe(), os.pipe()
    if os.fork() == 0:
        os.write(ready[1], b'.')
        os.read(go[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    lock.close()
    assert other() == ''
    os.write(go[1], b'.')
    os.wait()
    assert (tmp_path / LOCK).exists()


def try_to_lock(folder, held):
    """What a process gets of a folder; ``held`` keeps a lock."""
    try:
        check_work_dir(config(folder))
        held.append(lock_work_dir(str(folder)))
        return b'+' if held[0] else b'?'
    except RuntimeError as error:
        return b'-' if 'another training' in str(error) else b'?'
    except BaseException:
        return b'?'


def test_of_trainings_that_start_at_once_one_gets_the_folder(tmp_path):
    """Whatever the others find of what it has written so far."""
    pytest.importorskip('fcntl')
    for turn in range(4):
        start, end, answers = os.pipe(), os.pipe(), os.pipe()
        for _ in range(4):
            if os.fork() == 0:
                for pipe in (start, end):
                    os.close(pipe[1])
                # A pipe ends when the parent lets go of it.
                os.read(start[0], 1)
                held = []
                os.write(answers[1], try_to_lock(tmp_path / str(turn), held))
                os.read(end[0], 1)
                os._exit(0)
        os.close(start[1])
        found = b''
        while len(found) < 4:
            found += os.read(answers[0], 4)
        os.close(end[1])
        for _ in range(4):
            os.wait()
        for pipe in (start[0], end[0], *answers):
            os.close(pipe)
        assert sorted(found) == sorted(b'+---')


def test_what_a_kill_has_left_is_removed(tmp_path):
    left = ['.epoch_3.pth.ab12_x9z.pth', '.last_checkpoint.abcdefgh']
    kept = ['epoch_3.pth', '.epoch_3.pth', '.notes.abcdefgh', '.x.pth.a.pth']
    for name in left + kept:
        (tmp_path / name).touch()
    remove_leftovers(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == sorted(kept)
