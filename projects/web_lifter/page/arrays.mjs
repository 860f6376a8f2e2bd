// Copyright (c) mmdiffpose contributors. All rights reserved.
// Numbers in arrays, as NumPy has them.

export function bytesOf(base64) {
  const raw = atob(base64), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

export function floatsOf(base64) {
  return new Float32Array(bytesOf(base64).buffer);
}

export function base64Of(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const parts = [];
  for (let i = 0; i < bytes.length; i += 0x8000)
    parts.push(String.fromCharCode(...bytes.subarray(i, i + 0x8000)));
  return btoa(parts.join(''));
}

// Halves go to the even number.
export function round(value) {
  const low = Math.floor(value), over = value - low;
  if (over !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

const sorted = values => Float64Array.from(values).sort();

// Linear between the two nearest; NaN of nothing.
export function quantile(values, share) {
  if (!values.length) return NaN;
  const order = sorted(values), place = share * (order.length - 1);
  const low = Math.floor(place), high = Math.min(low + 1, order.length - 1);
  return order[low] + (place - low) * (order[high] - order[low]);
}

export const median = values => quantile(values, 0.5);

export const sum = values => values.reduce((total, value) => total + value, 0);

export const mean = values => sum(values) / values.length;

export const largest = values =>
  values.reduce((most, value) => Math.max(most, value), -Infinity);

export const smallest = values =>
  values.reduce((least, value) => Math.min(least, value), Infinity);

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export const range = (count, make = i => i) => Array.from({length: count}, (_, i) => make(i));

// The last of increasing places that is not above one; 0 if all are.
export function lastUpTo(places, place) {
  let low = 0, high = places.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (places[middle] <= place) low = middle; else high = middle;
  }
  return low;
}

// A value at a place between those of the values, which increase.
export function interpolate(place, places, values) {
  const last = places.length - 1;
  if (place <= places[0]) return values[0];
  if (place >= places[last]) return values[last];
  const low = lastUpTo(places, place);
  const share = (place - places[low]) / (places[low + 1] - places[low]);
  return values[low] + share * (values[low + 1] - values[low]);
}

export const gcd = (a, b) => b ? gcd(b, a % b) : Math.abs(a);

// Products of 3 x 3 matrices, rows of rows, with vectors.
export const times = (matrix, v) => matrix.map(
  row => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);

export const transposed = matrix => matrix[0].map((_, i) => matrix.map(row => row[i]));

export const product = (a, b) => transposed(transposed(b).map(column => times(a, column)));
