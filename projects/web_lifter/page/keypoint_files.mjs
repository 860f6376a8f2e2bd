// Copyright (c) mmdiffpose contributors. All rights reserved.
// JSON files of 2D joints: MMPose's (the bundled track is one), frames of
// arrays, COCO's annotations and results, AlphaPose's. As
// mmdiffpose/files/keypoint_files reads them; "mmdiffpose infer" reads more.

import {quantile} from './arrays.mjs';
import {countedFrames} from './frame_numbers.mjs';
import {peopleById} from './people.mjs';
import {dense, makeTrack, markUnseen, stepOf} from './tracks.mjs';

export class MissingSize extends Error {}

const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value);

const describe = value => {
  if (isObject(value)) return `keys ${Object.keys(value).sort().slice(0, 5).join(', ')}`;
  return Array.isArray(value) ? 'a list' : JSON.stringify(value)?.slice(0, 40);
};

function expect(where, value, key) {
  if (!isObject(value) || !(key in value))
    throw new Error(`${where}: expected a key '${key}', found ${describe(value)}`);
  return value[key];
}

function expectList(where, value, name) {
  if (!Array.isArray(value))
    throw new Error(`${where}: expected ${name} as a list, found ${describe(value)}`);
  return value;
}

function whole(where, value, name) {
  let found = value;
  while (Array.isArray(found) && found.length === 1) [found] = found;
  if (typeof found === 'string' && found.trim()) found = Number(found);
  if (!Number.isSafeInteger(found))
    throw new Error(`${where}: expected a whole number as ${name}, found ${describe(value)}`);
  return found;
}

// A person's id; null where a tool says that it has none.
function trackIdOf(where, value) {
  const found = [value].flat(Infinity).filter(id => id !== null && id !== undefined);
  const ids = new Set(found.map(id => whole(where, id, 'track id')));
  const [id] = ids;
  return ids.size === 1 && id >= 0 ? id : null;
}

// The text of a document in UTF-8 or UTF-16, or in Latin-1.
export function decodeText(bytes) {
  const mark = bytes[0] << 8 | bytes[1];
  if (mark === 0xfffe) return new TextDecoder('utf-16le').decode(bytes);
  if (mark === 0xfeff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}

// JSON, also with the NaN and Infinity that Python writes, as null.
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    const token = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;
    const plain = text.replace(token, found => found[0] === '"' ? found : 'null');
    if (plain === text) throw new Error(`not a JSON file (${error.message})`);
    return JSON.parse(plain);
  }
}

const number = (where, value) => {
  if (value === null) return NaN;
  if (typeof value !== 'number')
    throw new Error(`${where}: expected numbers, found ${describe(value)}`);
  return value;
};

// Whether null, or an object without any keypoints, stands where a person
// should.
const holdsNobody = item => {
  const joints = isObject(item) && 'keypoints' in item ? item.keypoints : item;
  return joints === null || (typeof joints === 'object' && !Object.keys(joints).length);
};

// A person of joints [[x, y], ...] or [[x, y, score], ...].
function makePerson(where, joints, scores, trackId, warn) {
  const width = expectList(where, joints, 'keypoints').find(Array.isArray)?.length ?? 2;
  const rows = joints.map(
    row => row === null ? Array(width).fill(null) : expectList(where, row, 'a joint'));
  const channels = rows.length ? rows[0].length : 0;
  if ((channels !== 2 && channels !== 3) || rows.some(row => row.length !== channels))
    throw new Error(`${where}: expected keypoints as a list of [x, y] or [x, y, score]`);
  let sure = rows.map(row => row[2]);
  if (scores !== undefined && scores !== null) sure = expectList(where, scores, 'scores').flat();
  else if (channels === 2) {
    warn('there are no keypoint scores: every joint counts as surely seen');
    sure = rows.map(() => 1);
  }
  if (sure.length !== rows.length)
    throw new Error(`${where}: expected ${rows.length} keypoint scores, found ${sure.length}`);
  const person = {
    keypoints: Float64Array.from(rows.flatMap(row => [row[0], row[1]]), v => number(where, v)),
    scores: Float64Array.from(sure, v => number(where, v)),
    trackId: trackIdOf(where, trackId),
  };
  markUnseen(person.keypoints, person.scores);
  return person;
}

// ---- MMPose, and frames of arrays

function jointNames(meta) {
  const byNumber = meta.keypoint_id2name;
  if (isObject(byNumber)) {
    const places = Object.keys(byNumber).map(Number).sort((a, b) => a - b);
    if (places.some((place, i) => place !== i))
      throw new Error('keypoint_id2name: expected numbers from 0 on');
    if (places.length) return places.map(place => byNumber[place]);
  }
  return [meta.joints, meta.keypoint_names].find(
    names => Array.isArray(names) && names.length) ?? null;
}

const isPerson = entry => isObject(entry) && !('instances' in entry) &&
  Array.isArray(entry.keypoints) && entry.keypoints.length > 0 &&
  !Array.isArray(entry.keypoints[0]?.[0]);

function ofArrays(where, entry) {
  const people = expectList(where, entry.keypoints, 'keypoints');
  const scores = entry.scores ?? entry.keypoint_scores ?? people.map(() => null);
  if (expectList(where, scores, 'scores').length !== people.length)
    throw new Error(`${where}: expected scores of ${people.length} people, found ${scores.length}`);
  return people.map((keypoints, i) => ({keypoints, keypoint_scores: scores[i]}));
}

function parseMmpose(document, warn) {
  const meta = isObject(document) ? document.meta_info ?? {} : {};
  let entries = isObject(document) ? expect('the document', document, 'instance_info') : document;
  expectList('the document', entries, 'frames');
  if (entries.length && entries.every(isPerson)) entries = [{frame_id: 0, instances: entries}];
  const frames = new Map();
  entries.forEach((given, place) => {
    const entry = holdsNobody(given) && !given?.keypoints ? {instances: []} : given;
    const here = `frame number ${place}`;
    const instances = isObject(entry) && !('instances' in entry) && 'keypoints' in entry
      ? ofArrays(here, entry) : expect(here, entry, 'instances');
    const id = whole(here, entry.frame_id ?? place, 'frame id');
    if (frames.has(id)) throw new Error(`${here}: expected frame ids that differ, found ${id} again`);
    frames.set(id, expectList(here, instances ?? [], 'instances')
      .filter(item => !holdsNobody(item))
      .map(item => makePerson(`frame ${id}`, expect(`frame ${id}`, item, 'keypoints'),
                              item.keypoint_scores, item.track_id, warn)));
  });
  const stated = [meta.skeleton, meta.dataset_name].find(name => typeof name === 'string');
  return {frames, names: jointNames(meta), stated, imageSize: meta.image_size, fps: meta.fps};
}

// ---- COCO and AlphaPose

function triples(where, flat) {
  const values = expectList(where, flat, 'keypoints');
  if (!values.length || values.length % 3)
    throw new Error(`${where}: expected keypoints as numbers x, y, score, x, y, score, ...`);
  return Array.from({length: values.length / 3}, (_, j) => values.slice(3 * j, 3 * j + 3));
}

// People by frame. COCO's flags 0, 1, 2 become 0, 1/2, 1.
function peopleOf(items, frameOf, trackKey, warn) {
  const joints = items.map(item => triples(
    `image ${item.image_id}`, expect(`image ${item.image_id}`, item, 'keypoints')));
  const thirds = new Set(joints.flatMap(rows => rows.map(row => row[2])));
  const flags = thirds.has(2) && [...thirds].every(v => v === 0 || v === 1 || v === 2);
  const frames = new Map();
  items.forEach((item, i) => {
    const rows = flags ? joints[i].map(([x, y, v]) => [x, y, v / 2]) : joints[i];
    const id = frameOf(item.image_id);
    if (!frames.has(id)) frames.set(id, []);
    frames.get(id).push(makePerson(`image ${item.image_id}`, rows, null, item[trackKey], warn));
  });
  return frames;
}

function parseResults(document, trackKey, facts, warn) {
  const items = document.filter(item => !holdsNobody(item));
  items.forEach(item => expect('each person', item, 'image_id'));
  const names = items.map(item => item.image_id);
  let frameOf = name => whole('each person', name, 'image id');
  if (names.some(name => typeof name === 'string')) {
    const images = [...new Set(names.map(String))];
    // Tools write image after image.
    const numbers = countedFrames(images, facts) ?? [...images.keys()];
    const places = new Map(images.map((name, i) => [name, numbers[i]]));
    frameOf = name => places.get(String(name));
  }
  return {frames: peopleOf(items, frameOf, trackKey, warn)};
}

const VIDEO_KEYS = ['video_id', 'vid_id'], FRAME_KEYS = ['frame_id', 'frame_index', 'frame_number'];

function imageFrames(images, facts) {
  for (const key of VIDEO_KEYS)
    if (new Set(images.map(image => image[key])).size > 1)
      throw new Error(`images: expected those of one video, found several ${key}`);
  const key = FRAME_KEYS.find(one => images.every(image => (image[one] ?? null) !== null));
  const names = images.map(image => image.file_name);
  const named = names.every(name => typeof name === 'string') &&
    new Set(names).size === names.length;
  let numbers = images.map(image => image.id);
  if (key) numbers = images.map(image => whole('images', image[key], 'frame id'));
  else if (named) numbers = countedFrames(names, facts) ?? numbers;
  if (new Set(numbers).size < numbers.length)
    throw new Error('images: expected frame ids that differ; a file of several videos has to be split');
  return new Map(images.map((image, i) => [image.id, numbers[i]]));
}

function parseCoco(document, facts, warn) {
  const images = expectList('the document', expect('the document', document, 'images'), 'images');
  images.forEach(image => whole('images', expect('images', image, 'id'), 'image id'));
  const numbers = imageFrames(images, facts);
  const items = expectList('the document', document.annotations, 'annotations')
    .filter(item => !holdsNobody(item) && (!isObject(item) || 'keypoints' in item));
  items.forEach(item => {
    if (!numbers.has(expect('each annotation', item, 'image_id')))
      throw new Error(`annotations: found none of the images with the id ${item.image_id}`);
  });
  const frames = new Map([...numbers.values()].map(id => [id, []]));
  for (const [id, people] of peopleOf(items, image => numbers.get(image), 'track_id', warn))
    frames.set(id, people);
  const sizes = new Set(images.map(image => `${image.width} ${image.height}`));
  if (sizes.size > 1) throw new Error('images: expected those of one size, as of one video');
  const {width, height} = images[0] ?? {};
  const named = (document.categories ?? []).find(one => Array.isArray(one?.keypoints));
  return {frames, names: named?.keypoints ?? null,
          imageSize: width && height ? [width, height] : null};
}

// ---- all formats

// {format, clip: {frames, names, stated, imageSize, fps}} of a document.
function parse(document, facts, warn) {
  const first = Array.isArray(document) ? document[0] : null;
  if (isObject(document) && 'annotations' in document)
    return {format: 'coco', clip: parseCoco(document, facts, warn)};
  if (isObject(first) && 'image_id' in first) {
    const tracked = typeof first.image_id === 'string' || 'idx' in first;
    return tracked ? {format: 'alphapose', clip: parseResults(document, 'idx', facts, warn)}
      : {format: 'coco', clip: parseResults(document, 'track_id', facts, warn)};
  }
  if (Array.isArray(document) || (isObject(document) && 'instance_info' in document))
    return {format: 'mmpose', clip: parseMmpose(document, warn)};
  throw new Error("expected MMPose's, COCO's or AlphaPose's JSON, found " + describe(document) +
    '; "mmdiffpose infer" reads more formats');
}

// What scores have to be divided by to lie between 0 and 1.
function scoreScale(scores, facts, warn) {
  const {SCORE_REACH} = facts.seen_joints;
  const seen = scores.filter(score => score > 0);
  const bulk = seen.length ? quantile(seen, 0.9) : 0;
  if (bulk <= SCORE_REACH) return 1;
  const scale = seen.every(score => score === 1 || score === 2) ? 2
    : [10, 100].find(one => bulk <= SCORE_REACH * one);
  if (!scale)
    throw new Error('expected scores from 0 to 1, 0 to 10 or in percent, found most of them up ' +
      `to ${bulk.toPrecision(3)}`);
  warn(`scores are divided by ${scale}`);
  return scale;
}

function checkPixels(people, [width, height], facts) {
  const known = facts.seen_joints;
  const points = people.flatMap(({keypoints, scores}) => [...scores.keys()]
    .filter(j => scores[j] > 0).map(j => [keypoints[2 * j], keypoints[2 * j + 1]]));
  if (points.length < known.MIN_JOINTS) return;
  const expected = `expected keypoints in pixels of a picture of ${width} x ${height}, found`;
  const bulk = quantile(points.flat().map(Math.abs), 0.9);
  const isShare = Math.max(width, height) > 2 * known.SHARES_REACH && bulk <= known.SHARES_REACH;
  const isPercent = Math.min(width, height) >= known.PERCENT_SIZE && bulk <= known.PERCENT_REACH;
  if (isShare || isPercent)
    throw new Error(`${expected} nearly all within ${bulk.toPrecision(3)}`);
  const within = (value, side) => Math.abs(value - side / 2) <= side * (0.5 + known.MARGIN);
  const inside = points.filter(([x, y]) => within(x, width) && within(y, height));
  if (inside.length < known.MIN_INSIDE * points.length)
    throw new Error(`${expected} most of them outside of it`);
}

// Joints more than a side of the picture outside of it count as not seen.
function dropFarOutside(people, size, warn) {
  for (const {keypoints, scores} of people)
    scores.forEach((score, j) => {
      const isFar = size.some((side, axis) =>
        keypoints[2 * j + axis] < -side || keypoints[2 * j + axis] > 2 * side);
      if (!(score > 0) || !isFar) return;
      scores[j] = 0;
      warn('joints that lie more than a side of the picture outside of it count as not seen');
    });
}

const canonical = name => String(name).trim().toLowerCase().replace(/[^a-z0-9]+/g, '_');

// {name: of the known set, order: which of the file's joints are its, or null}.
function jointSet(format, clip, count, asked, lifter, warn) {
  const known = Object.entries(lifter.skeletons);
  const names = clip.names?.map(canonical);
  if (names && names.length !== count)
    throw new Error(`the file names ${names.length} joints, but has ${count} of each person`);
  if (names && !asked) {
    const found = known.find(([, {joints}]) => joints.length === count &&
      joints.every(joint => names.includes(joint)));
    if (!found)
      throw new Error(`the file's joints (${names.slice(0, 5).join(', ')}, ...) are of no set that ` +
        'this page knows; choose one whose order they have, or use "mmdiffpose infer"');
    return {name: found[0], order: found[1].joints.map(joint => names.indexOf(joint))};
  }
  const said = asked || clip.stated;
  const name = said || lifter.usual[format][count];
  if (said && !(said in lifter.skeletons))
    throw new Error(`the joint set '${said}' is none of ${known.map(([one]) => one).join(', ')}`);
  if (!name)
    throw new Error(`found ${count} joints without names, which this page knows no set of; ` +
      'choose the joint set');
  const {joints} = lifter.skeletons[name];
  if (joints.length !== count)
    throw new Error(`expected ${joints.length} joints (${name}), found ${count}`);
  const others = known.filter(([, one]) => one.joints.length === count).length > 1;
  if (!said && others) warn(`${count} joints without names are taken as those of ${name}`);
  return {name, order: null};
}

function imageSizeOf(given, stated) {
  const size = given ?? stated;
  if (!size) throw new MissingSize("the file does not say the picture's size");
  if (!Array.isArray(size) || size.length !== 2 || !size.every(side => side > 0))
    throw new Error(`expected a picture's size in pixels, found ${describe(size)}`);
  return size.map(Math.floor);
}

// Those of whom a joint was seen.
const seenPeople = frames => new Map([...frames].map(
  ([id, people]) => [id, people.filter(person => person.scores.some(score => score > 0))]));

// Everybody's tracks in a document. Options that are given win over what the
// file says: imageSize [w, h], fps, skeleton.
export function readTracks(document, lifter, facts, options = {}) {
  const warnings = new Set(), warn = text => warnings.add(text);
  const {format, clip} = parse(document, facts, warn);
  const frames = seenPeople(clip.frames);
  const people = [...frames.values()].flat();
  if (!people.length) throw new Error('no joint was seen in any frame, there is nothing to lift');
  const count = people[0].scores.length;
  if (people.some(person => person.scores.length !== count))
    throw new Error(`expected ${count} joints of everybody, found other numbers, too`);
  const last = facts.keypoint_track.MAX_FRAME;
  for (const id of frames.keys())
    if (id < 0 || id > last) throw new Error(`expected frame ids from 0 to ${last}, found ${id}`);
  const imageSize = imageSizeOf(options.imageSize, clip.imageSize);
  checkPixels(people, imageSize, facts);
  dropFarOutside(people, imageSize, warn);
  const {name, order} = jointSet(format, clip, count, options.skeleton, lifter, warn);
  const scale = scoreScale(people.flatMap(({scores}) => [...scores]), facts, warn);
  const fps = options.fps ?? clip.fps;
  if (fps && !(Number.isFinite(fps) && fps > 0))
    throw new Error(`expected frames a second as a number above 0, found ${describe(fps)}`);
  if (!fps) warn('the file does not say its frames a second: it is lifted as it comes');
  const places = order ?? [...Array(count).keys()];
  const step = stepOf(frames.keys()), found = peopleById(seenPeople(frames), step, facts, warn);
  const tracks = [...found.people.keys()].sort((a, b) => a - b).map(key => {
    const persons = found.people.get(key), ids = [...persons.keys()].sort((a, b) => a - b);
    const rows = ids.map(id => persons.get(id));
    return dense(makeTrack({
      frames: ids.length, joints: count, skeleton: name, frameIds: ids, step, imageSize,
      fps: fps || null, trackId: key,
      keypoints: Float32Array.from(rows.flatMap(
        ({keypoints}) => places.flatMap(j => [keypoints[2 * j], keypoints[2 * j + 1]]))),
      scores: Float32Array.from(rows.flatMap(
        ({scores}) => places.map(j => scores[j] / scale))),
    }), facts);
  });
  return {tracks, format, skeleton: name, warnings: [...warnings]};
}
