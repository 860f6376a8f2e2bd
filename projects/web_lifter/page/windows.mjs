// Copyright (c) mmdiffpose contributors. All rights reserved.
// Where overlapping windows of a clip lie: mmdiffpose/lifting/windows.py.

import {clamp, range, round} from './arrays.mjs';

// The fewest windows that cover the clip: {frames, starts, rows(w): the T rows
// that window w reads, weights: (W, T), chosen: (F, ) the window in whose
// middle a frame lies nearest}. A clip shorter than a window stands in its
// middle, with its end frames repeated.
export function planWindows(frames, length, overlap) {
  const spare = frames - length;
  let starts = [-Math.floor(-spare / 2)];
  if (spare > 0) {
    const count = Math.ceil(spare / (length - overlap)) + 1;
    starts = range(count, i => i === count - 1 ? spare
      : round(i * (spare / (count - 1))));
  }
  const bump = range(length, i => Math.sin(Math.PI * (i + 0.5) / length) ** 2);
  const total = new Float64Array(frames), weights = [];
  for (const start of starts) {
    weights.push(bump.map((weight, i) => {
      const inside = start + i >= 0 && start + i < frames;
      if (inside) total[start + i] += weight;
      return inside ? weight : 0;
    }));
  }
  const rows = w => range(length, i => clamp(starts[w] + i, 0, frames - 1));
  starts.forEach((_, w) => rows(w).forEach((row, i) => { weights[w][i] /= total[row]; }));
  const best = new Float64Array(frames), chosen = new Int32Array(frames);
  starts.forEach((_, w) => rows(w).forEach((row, i) => {
    if (weights[w][i] > best[row]) [best[row], chosen[row]] = [weights[w][i], w];
  }));
  return {frames, starts, rows, weights, chosen};
}
