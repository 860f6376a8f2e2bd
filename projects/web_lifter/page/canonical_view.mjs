// Copyright (c) mmdiffpose contributors. All rights reserved.
// A window of 2D joints as a camera that is turned towards the person sees it:
// mmdiffpose/structures/canonical_view.py.

import {median, range, sum} from './arrays.mjs';

function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map(value => value / length);
}

// Rotation from the camera's axes to those of one that looks at (x, y, 1).
export function rotationTowards(x, y) {
  const forward = unit([x, y, 1]), right = unit([1, 0, -x]);
  const down = [
    forward[1] * right[2] - forward[2] * right[1],
    forward[2] * right[0] - forward[0] * right[2],
    forward[0] * right[1] - forward[1] * right[0]];
  return [right, down, forward];
}

// Root mean square distance of a frame's joints [u, v] to their mean.
function radius(points) {
  const count = points.length;
  const square = sum(points.map(([u, v]) => u * u + v * v)) / count;
  const middle = [0, 1].map(axis => sum(points.map(point => point[axis])) / count);
  return Math.sqrt(Math.max(square - middle[0] ** 2 - middle[1] ** 2, 0));
}

function bodySize(frames, joints, facts) {
  const least = Math.min(facts.MIN_JOINTS, joints);
  const radii = frames.filter(points => points.length >= least).map(radius);
  return Math.max(radii.length ? median(radii) : facts.FALLBACK_SIZE, 1e-3);
}

// Joints (T, J, 2) in pixels, seen (T, J), to {inputs: (T, J, 3) of u, v and
// whether a joint is seen, rotation: from the camera's axes}.
export function canonicalView(keypoints, seen, joints, focal, center, facts) {
  const places = range(seen.length).filter(i => seen[i]);
  const rays = places.map(i => [0, 1].map(
    axis => (keypoints[2 * i + axis] - center[axis]) / focal));
  const middle = rays.length
    ? [0, 1].map(axis => median(rays.map(ray => ray[axis]))) : [0, 0];
  const rotation = rotationTowards(...middle);
  const turned = rays.map(([x, y]) => {
    const [across, down, along] = rotation.map(row => row[0] * x + row[1] * y + row[2]);
    const depth = Math.max(along, facts.MIN_COSINE);
    return [across / depth, down / depth];
  });
  const frames = range(seen.length / joints, () => []);
  places.forEach((i, n) => frames[Math.floor(i / joints)].push(turned[n]));
  const scale = facts.CANONICAL_RMS / bodySize(frames, joints, facts);
  const inputs = new Float32Array(3 * seen.length);
  places.forEach((i, n) => inputs.set([...turned[n].map(t => t * scale), 1], 3 * i));
  return {inputs, rotation};
}
