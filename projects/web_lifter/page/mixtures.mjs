// Copyright (c) mmdiffpose contributors. All rights reserved.
// What a detector's joints and scores say of where the joints are, for lifters
// that start from it: mixtures_from_scores of
// mmdiffpose/codecs/gmm_diffusion_pose.py.

import {mean, median, range, sum} from './arrays.mjs';
import {shareOfScore} from './unsure.mjs';

// Centre of a frame's seen joints, and their root mean square distance to it.
function placeAndSize(inputs, seen) {
  const centre = [0, 1].map(axis => mean(seen.map(i => inputs[3 * i + axis])));
  const square = mean(seen.map(i => sum(
    centre.map((middle, axis) => (inputs[3 * i + axis] - middle) ** 2))));
  return {centre, size: Math.sqrt(square)};
}

// Inputs (T, J, 3) of u, v and whether a joint is seen, and scores (T, J), to
// (T, J, M, 5) of weight, means and stds: one Gaussian a joint, whose width
// follows from its score, and copies without weight. A joint that is not seen
// is somewhere about the person's middle.
export function mixturesOfScores(inputs, scores, joints, {components, sigma}) {
  const frames = range(scores.length / joints, frame => {
    const seen = range(joints, j => frame * joints + j).filter(i => inputs[3 * i + 2] > 0);
    return seen.length ? placeAndSize(inputs, seen) : null;
  });
  const known = frames.filter(frame => frame);
  const extent = known.length ? Math.max(median(known.map(({size}) => size)), 1e-3) : 1;
  const anywhere = [0, 1].map(
    axis => known.length ? mean(known.map(({centre}) => centre[axis])) : 0);
  const mixtures = new Float32Array(scores.length * components * 5);
  scores.forEach((score, i) => {
    const seen = inputs[3 * i + 2] > 0, frame = frames[Math.floor(i / joints)];
    const [u, v] = seen ? inputs.subarray(3 * i, 3 * i + 2) : frame ? frame.centre : anywhere;
    const std = extent * (seen ? shareOfScore(score, sigma) : 1);
    for (let m = 0; m < components; m++)
      mixtures.set([m ? 0 : 1, u, v, std, std], 5 * (i * components + m));
  });
  return mixtures;
}
