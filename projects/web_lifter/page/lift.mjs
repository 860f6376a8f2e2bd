// Copyright (c) mmdiffpose contributors. All rights reserved.
// From 2D tracks to poses: what mmdiffpose/lifting does around the network.

import {floatsOf, median, range, times, transposed} from './arrays.mjs';
import {canonicalView} from './canonical_view.mjs';
import {atOwnFrames, atRate, partAtRate} from './frame_rate.mjs';
import {mixturesOfScores} from './mixtures.mjs';
import {dense, longestGap, partOf, splitAtGaps, toLifter} from './tracks.mjs';
import {scoresOf, widenUnsure} from './unsure.mjs';
import {planWindows} from './windows.mjs';

export function assumedFocal(imageSize, facts) {
  const half = facts.focal_length.ASSUMED_FIELD_OF_VIEW * Math.PI / 360;
  return Math.max(...imageSize) / 2 / Math.tan(half);
}

// Pieces without long gaps, at the lifter's rate: {track, made, maxGap}.
function piecesOf(track, lifter, facts) {
  const skeleton = lifter.skeletons[track.skeleton];
  const mapped = toLifter(track, skeleton);
  if (!mapped) return [];
  const whole = dense(mapped, facts);
  const made = lifter.length > 1 ? atRate(whole, lifter.fps, facts) : null;
  const shown = made ? made.track : whole;
  const gap = longestGap(lifter.length, shown.fps, facts);
  return splitAtGaps(shown, gap).map(([start, stop]) => {
    const part = made && partAtRate(made, start, stop);
    return {track: part ? part.track : partOf(shown, start, stop), made: part};
  });
}

// Score below which the lifter is told that a joint is missing.
function believedScore(track, facts) {
  const seen = track.scores.filter(score => score > 0);
  return Math.min(facts.window_inference.BELIEVED_SCORE, median(seen) / 2);
}

// What the network is shown of a piece: {plan, windows: [{inputs, mixtures,
// rotation}], believed}; mixtures for those networks that read them.
function prepare(track, lifter, focal, facts) {
  const {length} = lifter, {joints} = track;
  const believed = believedScore(track, facts);
  const plan = planWindows(track.frames, length, lifter.overlap);
  const center = track.imageSize.map(side => side / 2);
  const windows = plan.starts.map((_, w) => {
    const keypoints = new Float32Array(2 * length * joints);
    const seen = new Array(length * joints), scores = new Float32Array(length * joints);
    plan.rows(w).forEach((row, i) => {
      keypoints.set(track.keypoints.subarray(2 * row * joints, 2 * (row + 1) * joints),
                    2 * i * joints);
      for (let j = 0; j < joints; j++) {
        const score = track.scores[row * joints + j];
        scores[i * joints + j] = score;
        seen[i * joints + j] = score > 0 && score >= believed;
      }
    });
    const view = canonicalView(keypoints, seen, joints, focal, center, facts.canonical_view);
    return {...view, mixtures: lifter.mixtures &&
      mixturesOfScores(view.inputs, scores, joints, lifter.mixtures)};
  });
  return {plan, windows, believed};
}

// The inputs of a batch of windows, by name: {data, dims}. Noise is that of
// Python's package, the same for all windows.
function batchInputs(windows, lifter) {
  const count = windows.length, frame = [lifter.length, lifter.joints.length];
  const together = (arrays, ...last) => {
    const data = new Float32Array(count * arrays[0].length);
    arrays.forEach((array, w) => data.set(array, w * array.length));
    return {data, dims: [count, ...frame, ...last]};
  };
  const inputs = {keypoints: together(windows.map(window => window.inputs), 3)};
  if (lifter.mixtures)
    inputs.mixtures = together(
      windows.map(window => window.mixtures), lifter.mixtures.components, 5);
  for (const [name, {data, dims}] of Object.entries(lifter.draws)) {
    const one = floatsOf(data), all = new Float32Array(count * one.length);
    range(count, w => all.set(one, w * one.length));
    inputs[name] = {data: all, dims: [count, ...dims]};
  }
  return inputs;
}

// Vectors of a flat array from the turned camera's axes to the real one's.
function turnBack(values, rotation) {
  const back = transposed(rotation), turned = new Float32Array(values.length);
  for (let i = 0; i < values.length; i += 3)
    turned.set(times(back, [values[i], values[i + 1], values[i + 2]]), i);
  return turned;
}

// Window w of a batch's outputs: poses (T, J, 3) and hypotheses (N, T, J, 3) in
// the camera's axes, scores and std (T, J).
function windowResult(outputs, w, {rotation}, lifter) {
  const size = lifter.length * lifter.joints.length;
  const own = (array, width) => array.subarray(w * width, (w + 1) * width);
  const {poses, scores, std, hypotheses = null} = outputs;
  return {
    poses: turnBack(own(poses, 3 * size), rotation),
    scores: own(scores, size),
    std: own(std, size),
    hypotheses: hypotheses && turnBack(own(hypotheses, 3 * size * lifter.hypotheses), rotation),
  };
}

function withoutRoot(values, joints, root) {
  const size = 3 * joints;
  return values.map((value, i) => value - values[i - i % size + 3 * root + i % 3]);
}

// Poses of a piece, from those of its windows, which come in any order and are
// not kept.
class ClipPoses {
  constructor(piece, prepared, lifter) {
    const size = piece.track.frames * lifter.joints.length;
    Object.assign(this, {piece, prepared, lifter});
    this.poses = new Float64Array(3 * size);
    this.scores = new Float64Array(size);
    this.std = new Float64Array(size);
    // How those of the window that is nearest differ from its pose.
    this.apart = lifter.hypotheses ? new Float32Array(3 * size * lifter.hypotheses) : null;
  }

  add(w, result) {
    const {plan} = this.prepared, J = this.lifter.joints.length;
    plan.rows(w).forEach((row, i) => {
      const weight = plan.weights[w][i];
      for (let k = 0; k < J; k++) {
        this.scores[row * J + k] += weight * result.scores[i * J + k];
        this.std[row * J + k] += weight * result.std[i * J + k];
      }
      for (let k = 0; k < 3 * J; k++)
        this.poses[3 * row * J + k] += weight * result.poses[3 * i * J + k];
      if (this.apart && weight > 0 && plan.chosen[row] === w) this.pick(row, i, result);
    });
  }

  pick(row, i, {poses, hypotheses}) {
    const {length, hypotheses: number} = this.lifter, size = 3 * this.lifter.joints.length;
    for (let n = 0; n < number; n++)
      for (let k = 0; k < size; k++)
        this.apart[(row * number + n) * size + k] =
          hypotheses[(n * length + i) * size + k] - poses[i * size + k];
  }

  lifted(facts) {
    const {piece, lifter} = this, {track} = piece, {root} = lifter;
    const joints = lifter.joints.length, size = 3 * joints, number = lifter.hypotheses;
    const hypotheses = this.apart && withoutRoot(this.apart.map((value, i) => value +
      this.poses[Math.floor(i / (number * size)) * size + i % size]), joints, root);
    const poses = withoutRoot(this.poses, joints, root);
    const {believed} = this.prepared;
    const known = widenUnsure(poses, this.std, hypotheses, track.scores, believed, lifter, facts);
    const scores = scoresOf(this.scores, known, track.scores, believed, lifter, facts);
    const {std, hypotheses: moved} = known;
    const lifted = {track, joints, frames: track.frames, poses, std, scores,
                    hypotheses: moved, number};
    return piece.made ? atOwnFrames(piece.made, lifted) : lifted;
  }
}

// Lift everybody's tracks.
//
// `run` takes inputs by name, {data, dims}, to outputs by name, flat arrays.
// Poses (F, J, 3) are in metres, relative to the root, in the camera's axes
// (x right, y down, z forward); std and scores are (F, J), hypotheses
// (F, N, J, 3). `track` is the 2D track with a row for each pose.
export async function liftTracks(tracks, lifter, facts, run, options = {}) {
  const {focal = null, progress = () => {}} = options;
  const batch = Math.max(1, Math.floor(facts.lift.BATCH_FRAMES.cpu / lifter.length));
  const pieces = tracks.flatMap(track => piecesOf(track, lifter, facts));
  const prepared = pieces.map(({track}) => prepare(
    track, lifter, focal ?? assumedFocal(track.imageSize, facts), facts));
  const total = prepared.reduce((count, {windows}) => count + windows.length, 0);
  let done = 0;
  const lifted = [];
  for (const [number, piece] of pieces.entries()) {
    const {windows} = prepared[number];
    const poses = new ClipPoses(piece, prepared[number], lifter);
    for (let first = 0; first < windows.length; first += batch) {
      const some = windows.slice(first, first + batch);
      const outputs = await run(batchInputs(some, lifter));
      some.forEach((window, w) => poses.add(
        first + w, windowResult(outputs, w, window, lifter)));
      done += some.length;
      await progress(done, total);
    }
    lifted.push(poses.lifted(facts));
  }
  return lifted;
}
