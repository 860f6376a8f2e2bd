# Copyright (c) mmdiffpose contributors. All rights reserved.
import subprocess
import sys

import torch

from mmdiffpose.diffusion.noise import HypothesisNoise, seed_from


def test_a_sample_sees_the_same_noise_in_any_batch_and_number():
    big = HypothesisNoise([7, 8, 9], 5, 4, 17)
    small = HypothesisNoise([8], 2, 4, 17)
    for _ in range(3):
        normal, uniform = big.normal(), big.uniform()
        assert normal.shape == (3, 5, 4, 17, 3)
        assert uniform.shape == (3, 5, 4, 17)
        torch.testing.assert_close(small.normal()[0], normal[1, :2])
        torch.testing.assert_close(small.uniform()[0], uniform[1, :2])


def test_hypotheses_samples_frames_and_draws_differ():
    noise = HypothesisNoise([0, 1], 2, 3, 17)
    first, second = noise.normal(), noise.normal()
    flat = torch.cat([first, second]).reshape(-1, 17 * 3)
    assert len(flat.unique(dim=0)) == len(flat)


def test_shared_frames_are_equal_and_still_standard_normal():
    noise = HypothesisNoise(range(40), 5, 6, 17, share_frames=True)
    normal = noise.normal()
    assert normal.shape == (40, 5, 6, 17, 3)
    torch.testing.assert_close(normal[:, :, 0], normal[:, :, -1])
    assert abs(normal[:, :, 0].mean()) < 0.03
    assert abs(normal[:, :, 0].std() - 1) < 0.03


def test_seeds_are_stable_across_processes():
    code = ('from mmdiffpose.diffusion.noise import seed_from;'
            'print(seed_from(0, "S1", 3))')
    out = subprocess.run([sys.executable, '-c', code],
                         capture_output=True,
                         text=True,
                         check=True).stdout
    assert int(out) == seed_from(0, 'S1', 3)
    assert seed_from(0, 'S1', 3) != seed_from(0, 'S1', 4)
