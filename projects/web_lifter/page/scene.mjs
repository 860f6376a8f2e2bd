// Copyright (c) mmdiffpose contributors. All rights reserved.
// People on a floor, as the scene's page reads them:
// mmdiffpose/visualization/common_scene.py and scene_page.py.

import {base64Of, clamp, largest, mean, median, product, quantile, range, round, smallest, sum,
        times} from './arrays.mjs';

const INT16 = 32767, UINT16 = 65535;

// A number per track: its id, else the least that is free.
export function personNumbers(tracks) {
  const taken = new Set(tracks.map(track => track.trackId));
  let free = 0;
  return tracks.map(({trackId}) => {
    if (trackId !== null) return trackId;
    while (taken.has(free)) free++;
    return free++;
  });
}

// Camera pitch under which people stand upright on average, radians.
function pitchOf(lifted, lifter, facts) {
  const {thorax, left, right} = lifter.shares;
  if (!thorax || !left || !right) return 0;
  const share = thorax.map((part, j) => part - (left[j] + right[j]) / 2);
  const rows = lifted.flatMap(one => range(one.frames, frame => [1, 2].map(axis =>
    sum(share.map((part, j) => part * one.poses[3 * (frame * one.joints + j) + axis])))));
  const pitch = Math.atan2(mean(rows.map(row => row[1])), -mean(rows.map(row => row[0])));
  return Math.abs(pitch) <= facts.scene.MAX_PITCH ? pitch : 0;
}

function upright(lifted, lifter, facts) {
  const pitch = pitchOf(lifted, lifter, facts);
  const cos = Math.cos(pitch), sin = Math.sin(pitch);
  return product(facts.scene.UPRIGHT, [[1, 0, 0], [0, cos, -sin], [0, sin, cos]]);
}

function rotated(values, rotation) {
  const out = new Float64Array(values.length);
  for (let i = 0; i < values.length; i += 3)
    out.set(times(rotation, [values[i], values[i + 1], values[i + 2]]), i);
  return out;
}

// A place [x, z] for each person, in rows from left to right of the view.
function slotsOf(lifted, numbers, azimuth, facts) {
  const {SPACING, MAX_IN_ROW} = facts.common_scene, columns = new Map();
  lifted.forEach(({track}, i) => {
    if (columns.has(numbers[i])) return;
    const seen = [...track.scores.keys()].filter(at => track.scores[at] > 0);
    columns.set(numbers[i], seen.length ? median(seen.map(at => track.keypoints[2 * at])) : 0);
  });
  const order = [...columns.keys()].sort((a, b) => columns.get(a) - columns.get(b) || a - b);
  const rows = Math.ceil(order.length / MAX_IN_ROW);
  const cos = Math.cos(azimuth), sin = Math.sin(azimuth);
  return new Map(order.map((number, place) => {
    const across = SPACING * place / rows, along = -SPACING * (place % rows);
    return [number, [across * cos - along * sin, across * sin + along * cos]];
  }));
}

// What the page of a scene reads; people stand side by side, their lowest
// joint on the floor.
export function sceneData(lifted, name, lifter, facts) {
  const numbers = personNumbers(lifted.map(one => one.track));
  const rotation = upright(lifted, lifter, facts);
  const slots = slotsOf(lifted, numbers, lifter.scene.azimuth * Math.PI / 180, facts);
  const {joints} = lifted[0], size = 3 * joints;
  const turned = lifted.map(one => rotated(one.poses, rotation));
  const offsets = turned.map((poses, i) => range(lifted[i].frames, frame => {
    const [x, z] = slots.get(numbers[i]);
    return [x, -smallest(range(joints, j => poses[frame * size + 3 * j + 1])), z];
  }));
  const all = offsets.flat();
  const core = facts.common_scene.CORE.map(percent => [0, 1, 2].map(
    axis => quantile(all.map(offset => offset[axis]), percent / 100)));
  const middle = [0, 1, 2].map(axis => axis === 1 ? 0 : (core[0][axis] + core[1][axis]) / 2);
  const place = (values, i, perFrame) => values.map((value, k) =>
    value + offsets[i][Math.floor(k / (perFrame * size))][k % 3] - middle[k % 3]);
  const poses = turned.map((values, i) => place(values, i, 1));
  const clouds = lifted.map((one, i) => cloudOf(one, rotation, facts, place, i));
  const radius = largest(turned.flatMap(values => range(
    values.length / 3, p => Math.hypot(values[3 * p], values[3 * p + 2]))));
  const tops = poses.flatMap((values, i) => range(lifted[i].frames, frame =>
    largest(range(joints, j => values[frame * size + 3 * j + 1]))));
  const floor = [0, 2].map(axis => radius + largest(all.map(offset => Math.abs(
    clamp(offset[axis], core[0][axis], core[1][axis]) - middle[axis]))));
  const most = largest([...poses, ...clouds].map(
    values => values.reduce((top, value) => Math.max(top, Math.abs(value)), 0)));
  const step = Math.max(most / INT16, 1e-6), {track} = lifted[0];
  const ids = lifted.flatMap(one => one.track.frameIds);
  const [first, last] = [smallest(ids), largest(ids)];
  const metres = value => Math.round(1000 * value) / 1000;
  return {
    ...lifter.scene,
    name,
    people: new Set(numbers).size,
    seconds: null,
    fps: track.fps ?? facts.keypoint_track.DEFAULT_FPS,
    fps_known: track.fps !== null,
    stride: track.step,
    offset: first % track.step,
    frames: [first, last].map(id => Math.floor(id / track.step)),
    rooted: false,
    height: metres(quantile(tops, facts.common_scene.CORE[1] / 100)),
    floor: floor.map(metres),
    step,
    tracks: lifted.map((one, i) => trackData(
      one, numbers[i], poses[i], clouds[i], step, facts)),
  };
}

// At most so many hypotheses of each frame as the page shows, in the scene.
function cloudOf(one, rotation, facts, place, i) {
  const number = Math.min(one.number, facts.scene_page.MAX_HYPOTHESES), size = 3 * one.joints;
  const cloud = new Float64Array(one.frames * number * size);
  for (let frame = 0; number && frame < one.frames; frame++) {
    const from = frame * one.number * size;
    cloud.set(one.hypotheses.subarray(from, from + number * size), frame * number * size);
  }
  return number ? place(rotated(cloud, rotation), i, number) : cloud;
}

function trackData(one, number, pose, cloud, step, facts) {
  const {track} = one;
  const steps = values => base64Of(Int16Array.from(values, value => round(value / step)));
  const colors = facts.palette.PEOPLE;
  return {
    person: number,
    color: colors[number % colors.length],
    runs: runsOf(track.frameIds.map(id => Math.floor(id / track.step))),
    hypotheses: cloud.length / pose.length,
    pose: steps(pose),
    seen: base64Of(Uint8Array.from(
      track.scores, (score, i) => score > 0 && one.scores[i] > 0 ? 1 : 0)),
    score: base64Of(Uint8Array.from(one.scores, score => round(255 * score))),
    cloud: steps(cloud),
    std: base64Of(Uint16Array.from(
      one.std, metres => round(clamp(1000 * metres, 0, UINT16)))),
  };
}

// Rows of frames that follow each other: [frame, row, how many].
function runsOf(frames) {
  const runs = [];
  frames.forEach((frame, row) => {
    if (row && frame === frames[row - 1] + 1) runs[runs.length - 1][2]++;
    else runs.push([frame, row, 1]);
  });
  return runs;
}

// The scene's page with a scene in it.
export function scenePage(template, placeholder, data) {
  const document = JSON.stringify(data).replaceAll('<', '\\u003c');
  return template.replace(placeholder, () => document);
}
