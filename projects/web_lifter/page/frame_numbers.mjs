// Copyright (c) mmdiffpose contributors. All rights reserved.
// Frame numbers from the names of images: where one number counts, and all else
// is the same. What mmdiffpose/structures/frame_numbers.py reads beside that
// (clocks, hashes, several videos) is refused.

import {gcd, largest, median, range, smallest} from './arrays.mjs';
import {stepOf} from './tracks.mjs';

const different = values => new Set(values).size === values.length;

// A name without folders and the suffix of an image.
function stemOf(name, facts) {
  let stem = name.split(/[/\\]/).pop();
  for (;;) {
    const dot = stem.lastIndexOf('.');
    const tail = stem.slice(dot + 1).toLowerCase();
    if (dot < 0 || !facts.frame_numbers.SUFFIXES.includes(tail)) return stem;
    stem = stem.slice(0, dot);
  }
}

// Whether numbers take enough of the values in reach, and are no times.
function count(values, facts) {
  if (!different(values)) return false;
  const order = [...values].sort((a, b) => a - b);
  const steps = range(order.length - 1, i => order[i + 1] - order[i]);
  // Steps that are nearly but not exactly equal count time.
  const beat = median(steps);
  if (beat >= 8 && steps.reduce(gcd, 0) * 2 <= beat) return false;
  const reach = Math.floor((largest(values) - smallest(values)) / stepOf(values)) + 1;
  return values.length / reach >= facts.frame_numbers.MIN_DENSITY;
}

// What the names of a clip's images count; null if there is no number in them.
export function countedFrames(names, facts) {
  const stems = names.map(name => stemOf(name, facts));
  const digits = stems.map(stem => stem.match(/\d+/g) ?? []);
  if (names.length < 2) return digits.map(found => Number(found.pop() ?? 0));
  if (digits.every(found => !found.length)) return null;
  const around = new Set(stems.map(stem => stem.replace(/\d+/g, '0')));
  const columns = range(digits[0].length, place => digits.map(found => found[place]));
  const changing = columns.filter(column => new Set(column).size > 1);
  const values = (changing[0] ?? []).map(Number);
  // Ten digits and more are the time since 1970.
  if (around.size > 1 || changing.length !== 1 || changing[0].some(text => text.length > 9) ||
      !count(values, facts))
    throw new Error('expected names of images in which one number counts the frames, found ' +
      `${names.slice(0, 3).join(', ')}; "mmdiffpose infer" reads more`);
  return values;
}
