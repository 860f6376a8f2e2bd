// Copyright (c) mmdiffpose contributors. All rights reserved.
// How much less is known of joints that were hardly, or not, seen, by a
// lifter that is told which are missing: mmdiffpose/lifting/unseen_joints.py.

import {clamp, largest, median, range, sum} from './arrays.mjs';

// Std of a detector's joint as a share of the person's size.
export function shareOfScore(score, [atOne, atZero]) {
  return atZero * (atOne / atZero) ** clamp(score, 0, 1);
}

// Median over frames of the RMS distance of joints to their centre, x and y.
function personSize(poses, frames, joints) {
  return median(range(frames, frame => {
    const square = [0, 1].map(axis => {
      const values = range(joints, j => poses[3 * (frame * joints + j) + axis]);
      const middle = sum(values) / joints;
      return sum(values.map(value => (value - middle) ** 2)) / joints;
    });
    return Math.sqrt(square[0] + square[1]);
  }));
}

function ofScore(score, size, facts) {
  const share = one => shareOfScore(one, facts.score_width.SCORE_SIGMA);
  const usual = share(facts.unseen_joints.USUAL_SCORE);
  return size * Math.sqrt(Math.max(share(score) ** 2 - usual ** 2, 0));
}

// A detector's score of a joint as what it adds to the std: a lifter that is
// told which joints are missing says itself how far off those may be.
function besideMissing(score, least, facts) {
  const {USUAL_SCORE, TOLD} = facts.unseen_joints, room = USUAL_SCORE - least;
  if (score < least) return least;
  if (score >= USUAL_SCORE) return score;
  return USUAL_SCORE - (USUAL_SCORE - score) * Math.max(room - TOLD, 0) / room;
}

// Frames that the root was not seen for, as a Brownian bridge counts them.
function bridged(seen, frame) {
  const before = frame - seen.lastIndexOf(true, frame);
  const next = seen.indexOf(true, frame);
  const known = before <= frame, after = next - frame;
  if (next < 0) return known ? before : Infinity;
  return known ? before * after / (before + after) : after;
}

// Root mean squared step per axis of the liveliest joint, metres a frame; the
// poses do not show the root's own.
function liveliest(poses, scores, frames, joints, root, facts) {
  const step = j => {
    let square = 0, count = 0;
    for (let frame = 1; frame < frames; frame++) {
      const at = frame * joints + j, before = at - joints;
      if (!(scores[at] > 0 && scores[before] > 0)) continue;
      for (let axis = 0; axis < 3; axis++)
        square += (poses[3 * at + axis] - poses[3 * before + axis]) ** 2 / 3;
      count++;
    }
    return Math.sqrt(square / Math.max(count, 1));
  };
  return Math.max(facts.unseen_joints.MIN_STEP, largest(range(joints, step)));
}

// Usual distances from the root; of joints that motion capture does not know,
// the poses' own.
function usualDistances(poses, frames, joints, usual) {
  return usual.map((distance, j) => distance ?? Math.sqrt(sum(range(frames, frame =>
    sum(range(3, axis => poses[3 * (frame * joints + j) + axis] ** 2)))) / (3 * frames)));
}

// Poses (F, J, 3), std (F, J), hypotheses (F, N, J, 3) or null and the detector's
// scores (F, J), to {std, hypotheses, rootOff: (F, ) how far the root may be
// from where it was taken to be}.
export function widenUnsure(poses, std, hypotheses, scores, believed, lifter, facts) {
  const joints = lifter.joints.length, frames = scores.length / joints, {root} = lifter;
  const size = personSize(poses, frames, joints);
  const usual = usualDistances(poses, frames, joints, lifter.usual_distances);
  const rootSeen = range(frames, frame => scores[frame * joints + root] > 0);
  const pace = liveliest(poses, scores, frames, joints, root, facts);
  const wide = new Float64Array(std.length), rootOff = new Float64Array(frames);
  const moved = hypotheses && hypotheses.slice();
  for (let frame = 0; frame < frames; frame++) {
    const ofRoot = rootSeen[frame]
      ? ofScore(scores[frame * joints + root], size, facts)
      : Math.sqrt(bridged(rootSeen, frame)) * pace;
    for (let j = 0; j < joints; j++) {
      const at = frame * joints + j, common = Math.min(ofRoot, usual[j]);
      const most = Math.sqrt(Math.max(usual[j] ** 2 - common ** 2, 0));
      const added = j === root ? 0
        : Math.min(ofScore(besideMissing(scores[at], believed, facts), size, facts), most);
      const own = Math.hypot(std[at], added);
      if (moved) move(moved, poses, frame, j, joints, common,
                      std[at] > 1e-9 ? own / std[at] : 1, lifter.directions);
      wide[at] = Math.hypot(own, common);
      rootOff[frame] = Math.max(rootOff[frame], common);
    }
  }
  return {std: wide, hypotheses: moved, rootOff};
}

// The error function, to 1.5e-7 (Abramowitz and Stegun, 7.1.26); x >= 0.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * x);
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592]
    .reduce((total, part) => total * t + part, 0);
  return 1 - series * t * Math.exp(-x * x);
}

// The chance that a joint of a std lies within the radius of a score.
function chance(std, facts) {
  const ratio = facts.score_radius / Math.max(std, 1e-6);
  const tail = Math.sqrt(2 / Math.PI) * ratio * Math.exp(-ratio * ratio / 2);
  return clamp(erf(ratio / Math.SQRT2) - tail, 0, 1);
}

// Scores (F, J) of poses: the network's, no surer than the std lets them be,
// and less where the detector's are below those that are believed.
export function scoresOf(own, known, scores, believed, {joints, root}, facts) {
  return own.map((score, at) => {
    const trust = Math.sqrt(clamp(scores[at] / believed, 0, 1));
    const most = at % joints.length === root
      ? chance(known.rootOff[Math.floor(at / joints.length)], facts) : 1;
    return trust * Math.min(clamp(score, 0, 1), chance(known.std[at], facts), most);
  });
}

// One joint of a frame's hypotheses, away from the pose.
function move(hypotheses, poses, frame, joint, joints, common, factor, directions) {
  directions.forEach((direction, n) => {
    const at = 3 * ((frame * directions.length + n) * joints + joint);
    for (let axis = 0; axis < 3; axis++) {
      const center = poses[3 * (frame * joints + joint) + axis];
      hypotheses[at + axis] = center + (hypotheses[at + axis] - center) * factor +
        common * direction[axis];
    }
  });
}
