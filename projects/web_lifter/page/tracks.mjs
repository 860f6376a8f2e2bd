// Copyright (c) mmdiffpose contributors. All rights reserved.
// One person's 2D joints over a clip.
//
// A track is {frames: F, joints: J, keypoints: (F, J, 2) pixels, scores:
// (F, J), 0 for a joint that was not seen, frameIds, step, fps or null,
// trackId or null, imageSize}; arrays are flat Float32Arrays.

import {gcd, range, round, smallest} from './arrays.mjs';

// Joints not seen at (0, 0) with scores of 0, in place. Tools mark them by NaN,
// (0, 0), or a negative whole number twice.
export function markUnseen(keypoints, scores) {
  for (let i = 0; i < scores.length; i++) {
    const x = keypoints[2 * i], y = keypoints[2 * i + 1];
    const seen = scores[i] > 0 && Number.isFinite(scores[i]) &&
      Number.isFinite(x) && Number.isFinite(y) && !(x === y && x <= 0 && Number.isInteger(x));
    if (!seen) scores[i] = keypoints[2 * i] = keypoints[2 * i + 1] = 0;
  }
}

export function makeTrack(track) {
  markUnseen(track.keypoints, track.scores);
  for (let i = 0; i < track.scores.length; i++)
    track.scores[i] = Math.min(track.scores[i], 1);
  return track;
}

// Rows from `start` to before `stop`.
export function partOf(track, start, stop) {
  const {joints} = track;
  return {
    ...track,
    frames: stop - start,
    keypoints: track.keypoints.slice(2 * joints * start, 2 * joints * stop),
    scores: track.scores.slice(joints * start, joints * stop),
    frameIds: track.frameIds.slice(start, stop),
  };
}

// Seconds of the frames; null where nobody knows.
export function secondsOf(track) {
  if (track.fps === null) return null;
  return track.frameIds.map(id => id / (track.step * track.fps));
}

// Step from frame to frame in a clip: a file of every n-th has no gaps.
export function stepOf(frameIds) {
  const ids = [...frameIds].sort((a, b) => a - b);
  return ids.slice(1).reduce((step, id, i) => gcd(step, id - ids[i]), 0) || 1;
}

// With a row for each frame from the first to the last.
export function dense(track, facts) {
  const {frameIds, step, joints} = track;
  const rows = frameIds.map(id => Math.floor((id - frameIds[0]) / step));
  const frames = rows[rows.length - 1] + 1;
  if (frames > facts.keypoint_track.MAX_MISSING * rows.length)
    throw new Error(`expected a clip, found ${rows.length} frames between frame ` +
      `${frameIds[0]} and ${frameIds[frameIds.length - 1]}`);
  const keypoints = new Float32Array(2 * frames * joints);
  const scores = new Float32Array(frames * joints);
  rows.forEach((row, i) => {
    keypoints.set(track.keypoints.subarray(2 * joints * i, 2 * joints * (i + 1)),
                  2 * joints * row);
    scores.set(track.scores.subarray(joints * i, joints * (i + 1)), joints * row);
  });
  return {...track, frames, keypoints, scores,
          frameIds: range(frames, i => frameIds[0] + step * i)};
}

// The lifter's joints as weighted means of a detector's: the first way whose
// parts were all seen. Null if nothing was seen that makes one.
export function toLifter(track, skeleton) {
  const joints = skeleton.ways.length;
  const keypoints = new Float32Array(2 * track.frames * joints);
  const scores = new Float32Array(track.frames * joints);
  for (let frame = 0; frame < track.frames; frame++) {
    const score = i => track.scores[frame * track.joints + i];
    skeleton.ways.forEach((ways, joint) => {
      const at = frame * joints + joint;
      const usable = ({parts}) => smallest(parts.map(([i]) => score(i))) > 0;
      const way = ways.find(usable);
      if (!way) return;
      scores[at] = smallest(way.parts.map(([i]) => score(i))) * way.trust;
      for (const axis of [0, 1])
        keypoints[2 * at + axis] = way.parts.reduce((total, [i, weight]) => total +
          weight * track.keypoints[2 * (frame * track.joints + i) + axis], 0);
    });
  }
  if (!scores.some(value => value > 0)) return null;
  return makeTrack({...track, joints, keypoints, scores});
}

// Pieces [start, stop) between gaps of more than `longest` frames.
export function splitAtGaps(track, longest) {
  const seen = range(track.frames).filter(frame => track.scores
    .subarray(frame * track.joints, (frame + 1) * track.joints)
    .some(score => score > 0));
  const pieces = [];
  seen.forEach((frame, i) => {
    if (i && frame - seen[i - 1] - 1 <= longest)
      pieces[pieces.length - 1][1] = frame + 1;
    else pieces.push([frame, frame + 1]);
  });
  return pieces;
}

// Frames of the longest gap that is bridged.
export function longestGap(length, fps, facts) {
  return Math.max(1, Math.min(Math.floor(length / 2), round(
    facts.gaps.LONGEST_GAP * (fps ?? facts.keypoint_track.DEFAULT_FPS))));
}
