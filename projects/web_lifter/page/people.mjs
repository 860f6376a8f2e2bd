// Copyright (c) mmdiffpose contributors. All rights reserved.
// Who is who in detections of several people:
// mmdiffpose/files/person_selection.py.
//
// A person of a frame is {keypoints: (J, 2), scores: (J), trackId or null}.

import {largest, mean, median, range, smallest} from './arrays.mjs';

const seenJoints = person => range(person.scores.length).filter(j => person.scores[j] > 0);

const at = (person, j) => [person.keypoints[2 * j], person.keypoints[2 * j + 1]];

const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

const both = (one, other) => seenJoints(one).filter(j => other.scores[j] > 0);

// Longer side of the box around the joints seen, pixels.
function boxSide(person) {
  const points = seenJoints(person).map(j => at(person, j));
  if (!points.length) return 0;
  return largest([0, 1].map(axis => {
    const values = points.map(point => point[axis]);
    return largest(values) - smallest(values);
  }));
}

// Mean distance of some joints from their centre, pixels.
function extent(person, joints) {
  if (joints.length < 2) return 0;
  const points = joints.map(j => at(person, j));
  const center = [0, 1].map(axis => mean(points.map(point => point[axis])));
  return mean(points.map(point => apart(point, center)));
}

// Mean joint distance as a share of the person's size.
function distance(seen, other) {
  const joints = both(seen.person, other);
  const middle = person => [0, 1].map(
    axis => median(seenJoints(person).map(j => at(person, j)[axis])));
  const gap = joints.length
    ? mean(joints.map(j => apart(at(seen.person, j), at(other, j))))
    : apart(middle(seen.person), middle(other));
  return gap / Math.max(seen.size, 1);
}

// Whether a detection may be a person who was seen before.
function mayBe(seen, other, away, frame, step, facts) {
  const {MAX_JUMP, WALK, MAX_REACH, MAX_GROWTH} = facts.person_selection;
  const gone = frame - seen.frame;
  if (away > Math.min(MAX_JUMP + WALK * (gone - 1), MAX_REACH)) return false;
  if (gone <= step) return true;
  const joints = both(seen.person, other);
  const sizes = [extent(seen.person, joints), extent(other, joints)];
  return Math.max(...sizes) <= MAX_GROWTH * Math.max(Math.min(...sizes), 1);
}

// People numbered in order of appearance, nearest pairs first.
function linked(frames, step, facts) {
  const {MAX_LOST, SIZE_MEMORY} = facts.person_selection;
  const crowded = [...frames.values()].some(people => people.length > 1);
  const people = new Map(), last = new Map();
  for (const frame of [...frames.keys()].sort((a, b) => a - b)) {
    if (crowded)
      for (const [key, seen] of last)
        if (Math.floor((frame - seen.frame) / step) - 1 > MAX_LOST) last.delete(key);
    const waiting = frames.get(frame), pairs = [];
    for (const [key, seen] of last)
      waiting.forEach((person, i) => {
        const away = distance(seen, person);
        if (mayBe(seen, person, away, frame, step, facts)) pairs.push([away, key, i]);
      });
    pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    const owner = new Map(), taken = new Set();
    for (const [, key, i] of pairs)
      if (!owner.has(i) && !taken.has(key)) { owner.set(i, key); taken.add(key); }
    waiting.forEach((person, i) => {
      const key = owner.get(i) ?? people.size;
      if (!people.has(key)) people.set(key, new Map());
      people.get(key).set(frame, person);
      const known = last.has(key) ? last.get(key).size : 0;
      last.set(key, {frame, person, size: Math.max(boxSide(person), SIZE_MEMORY * known)});
    });
  }
  return people;
}

// Whether track ids are numbers of detections, and not of people: with them
// people jump about, or hardly anybody is there twice, and following people by
// where they are finds no more of them.
function nameNobody(frames, step, facts) {
  const {MAX_JUMP, JUMPING, PASSING} = facts.person_selection;
  if (frames.size < 3) return false;
  const last = new Map();
  let steps = 0, jumps = 0, sightings = 0;
  for (const frame of [...frames.keys()].sort((a, b) => a - b))
    for (const person of frames.get(frame)) {
      const before = last.get(person.trackId);
      if (before && frame - before.frame === step) {
        steps++;
        if (distance(before, person) > MAX_JUMP) jumps++;
      }
      last.set(person.trackId, {frame, person, size: boxSide(person)});
      sightings++;
    }
  const doubted = (jumps >= 3 && jumps > JUMPING * steps) || last.size > PASSING * sightings;
  return doubted &&
    linked(frames, step, facts).size <= Math.min(last.size, PASSING * sightings);
}

// Everybody's detections, by number and frame id. `frames` maps frame ids to
// people of whom a joint was seen. Where somebody has no track id, or two of a
// frame have one, people are followed by where they are.
export function peopleById(frames, step, facts, warn) {
  const found = new Map([...frames].filter(([, people]) => people.length));
  let named = true;
  for (const [frame, people] of found) {
    const ids = people.map(person => person.trackId);
    if (ids.includes(null)) named = false;
    const known = ids.filter(id => id !== null);
    const twice = known.find((id, i) => known.indexOf(id) < i);
    if (twice === undefined) continue;
    warn(`several people have the track id ${twice} in frame ${frame}: the ids name nobody, ` +
         'people are followed by where they are');
    named = false;
    break;
  }
  if (named && nameNobody(found, step, facts)) {
    warn('people with the same track id jump from place to place: the ids name nobody, ' +
         'people are followed by where they are');
    named = false;
  }
  if (!named) return {named, people: linked(found, step, facts)};
  const people = new Map();
  for (const [frame, persons] of found)
    for (const person of persons) {
      if (!people.has(person.trackId)) people.set(person.trackId, new Map());
      people.get(person.trackId).set(frame, person);
    }
  return {named, people};
}
