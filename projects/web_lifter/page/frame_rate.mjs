// Copyright (c) mmdiffpose contributors. All rights reserved.
// A track at the frame rate of training, and poses back at its own frames:
// mmdiffpose/lifting/frame_rate.py.

import {clamp, interpolate, lastUpTo, median, range, round} from './arrays.mjs';
import {partOf, secondsOf} from './tracks.mjs';

// The rate at which to show the lifter frames at these times; null: as they
// are. `rates` is one of training or the ends of a range.
export function wantedRate(times, rates, facts) {
  const {TOLERANCE, MIN_FPS, MAX_FACTOR} = facts.frame_rate;
  const own = 1 / median(times.slice(1).map((time, i) => time - times[i]));
  const fps = Array.isArray(rates) ? clamp(own, ...rates) : rates;
  if (Math.abs(own / fps - 1) <= TOLERANCE) return null;
  return own < MIN_FPS || fps > MAX_FACTOR * own ? null : fps;
}

// A cubic spline through (times, values), not a knot at the second and the
// last but one; as a function of time. At least four points.
export function cubicSpline(times, values) {
  const last = times.length - 1;
  const h = range(last, i => times[i + 1] - times[i]);
  const slope = h.map((step, i) => (values[i + 1] - values[i]) / step);
  // Slopes s at the points, from a tridiagonal system.
  const low = new Float64Array(last + 1), middle = new Float64Array(last + 1);
  const high = new Float64Array(last + 1), right = new Float64Array(last + 1);
  for (let i = 1; i < last; i++) {
    [low[i], middle[i], high[i]] = [h[i], 2 * (h[i - 1] + h[i]), h[i - 1]];
    right[i] = 3 * (h[i] * slope[i - 1] + h[i - 1] * slope[i]);
  }
  const end = (a, b, one, other) => ((a + 2 * (a + b)) * b * one + a * a * other) / (a + b);
  [middle[0], high[0]] = [h[1], h[0] + h[1]];
  right[0] = end(h[0], h[1], slope[0], slope[1]);
  [middle[last], low[last]] = [h[last - 2], h[last - 1] + h[last - 2]];
  right[last] = end(h[last - 1], h[last - 2], slope[last - 1], slope[last - 2]);
  for (let i = 1; i <= last; i++) {
    const factor = low[i] / middle[i - 1];
    middle[i] -= factor * high[i - 1];
    right[i] -= factor * right[i - 1];
  }
  const s = right;
  s[last] /= middle[last];
  for (let i = last - 1; i >= 0; i--) s[i] = (right[i] - high[i] * s[i + 1]) / middle[i];
  return time => {
    const i = Math.min(lastUpTo(times, time), last - 1);
    const t = time - times[i];
    const bend = (s[i] + s[i + 1] - 2 * slope[i]) / h[i];
    return values[i] + t * (s[i] + t * ((slope[i] - s[i]) / h[i] - bend + t * bend / h[i]));
  };
}

// A joint's coordinate where it was seen, and between on straight lines.
function filled(track, joint, axis) {
  const at = frame => frame * track.joints + joint;
  const seen = range(track.frames).filter(frame => track.scores[at(frame)] > 0);
  if (!seen.length) return null;
  const values = seen.map(frame => track.keypoints[2 * at(frame) + axis]);
  return range(track.frames, frame => interpolate(frame, seen, values));
}

// {track: at the lifter's rate, seconds: of its frames, own: the track};
// null where the track is to be lifted as it is.
export function atRate(track, rates, facts) {
  const times = secondsOf(track);
  if (rates === null || times === null || track.frames < 4) return null;
  const fps = wantedRate(times, rates, facts);
  if (fps === null) return null;
  const {joints} = track, long = times[times.length - 1] - times[0];
  const frames = Math.floor(long * fps + 1e-6) + 1;
  // In the middle, so that no frame is far outside of them.
  const first = times[0] + (long - (frames - 1) / fps) / 2;
  const seconds = range(frames, i => first + i / fps);
  const places = seconds.map(time => interpolate(time, times, range(track.frames)));
  const keypoints = new Float32Array(2 * frames * joints);
  for (let joint = 0; joint < joints; joint++)
    for (const axis of [0, 1]) {
      const values = filled(track, joint, axis);
      if (!values) continue;
      const spline = cubicSpline(times, values);
      seconds.forEach((time, i) => { keypoints[2 * (i * joints + joint) + axis] = spline(time); });
    }
  const made = {...track, frames, keypoints, scores: scoresAt(track, seconds, times, places, facts),
                frameIds: range(frames), fps, step: 1};
  for (let i = 0; i < made.scores.length; i++)
    if (made.scores[i] === 0) keypoints[2 * i] = keypoints[2 * i + 1] = 0;
  return {track: made, seconds, own: track};
}

function scoresAt(track, seconds, times, places, facts) {
  const {joints} = track, scores = new Float32Array(seconds.length * joints);
  const own = 1 / median(times.slice(1).map((time, i) => time - times[i]));
  const reach = Math.max(0.75 / own, facts.frame_rate.REACH);
  seconds.forEach((time, i) => {
    const near = round(places[i]);
    if (Math.abs(time - times[near]) > reach) return;
    for (let joint = 0; joint < joints; joint++) {
      const nearest = track.scores[near * joints + joint];
      // Next to a gap one of the two neighbours has no score.
      if (nearest > 0)
        scores[i * joints + joint] = Math.max(
          mixedRow(track.scores, places[i], joints, joint), nearest / 2);
    }
  });
  return scores;
}

// Entry k of a row at a fractional place, on the line between two rows.
function mixedRow(values, place, size, k) {
  const low = Math.floor(place), share = place - low;
  const high = Math.min(low + 1, values.length / size - 1);
  return values[low * size + k] * (1 - share) + values[high * size + k] * share;
}

// Rows `start` to before `stop`, and the track's own frames in them.
export function partAtRate(made, start, stop) {
  const half = 0.5 / made.track.fps, times = secondsOf(made.own);
  const inside = range(times.length).filter(i =>
    times[i] >= made.seconds[start] - half - 1e-6 &&
    times[i] <= made.seconds[stop - 1] + half + 1e-6);
  return {
    track: partOf(made.track, start, stop),
    seconds: made.seconds.slice(start, stop),
    own: partOf(made.own, inside[0], inside[inside.length - 1] + 1),
  };
}

// Poses at the times of the track's own frames: places are interpolated, how
// sure they are and how hypotheses differ come from the nearest frame.
export function atOwnFrames(made, lifted) {
  const {own} = made, {joints, hypotheses} = lifted, size = 3 * joints;
  const times = secondsOf(own), rows = range(made.seconds.length);
  const places = times.map(time => interpolate(time, made.seconds, rows));
  const near = places.map(round);
  const poses = new Float64Array(own.frames * size);
  places.forEach((place, i) => {
    for (let k = 0; k < size; k++) poses[i * size + k] = mixedRow(lifted.poses, place, size, k);
  });
  const nearest = (values, width) => {
    if (!values) return null;
    const rows = new values.constructor(near.length * width);
    near.forEach((row, i) => rows.set(values.subarray(row * width, (row + 1) * width), i * width));
    return rows;
  };
  const moved = nearest(hypotheses, lifted.number * size);
  moved?.forEach((value, i) => {
    const frame = Math.floor(i / (lifted.number * size)), k = i % size;
    moved[i] = value - lifted.poses[near[frame] * size + k] + poses[frame * size + k];
  });
  const scores = nearest(lifted.scores, joints).map((score, i) => own.scores[i] > 0 ? score : 0);
  return {...lifted, frames: own.frames, poses, std: nearest(lifted.std, joints), scores,
          hypotheses: moved, track: own};
}
