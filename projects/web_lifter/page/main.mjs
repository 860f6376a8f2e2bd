// Copyright (c) mmdiffpose contributors. All rights reserved.
// The page: a file in, a scene out.

import {bytesOf, range, round} from './arrays.mjs';
import {decodeText, MissingSize, parseJson, readTracks} from './keypoint_files.mjs';
import {assumedFocal, liftTracks} from './lift.mjs';
import {personNumbers, sceneData, scenePage} from './scene.mjs';

const element = id => document.getElementById(id);

// ---- what the page is made of

// Bytes of a part: inlined, in gzip and base64, else a file beside the page.
async function asset(name, files) {
  const inlined = element(`asset-${name}`);
  if (!inlined) {
    const answer = await fetch(files[name]);
    if (!answer.ok) throw new Error(`${files[name]}: ${answer.status} ${answer.statusText}`);
    return new Uint8Array(await answer.arrayBuffer());
  }
  const packed = new Blob([bytesOf(inlined.textContent)]);
  inlined.remove();
  const stream = packed.stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// A function from the network's inputs to its outputs.
async function openNetwork(files) {
  const [script, wasm, model] = await Promise.all(
    ['runtime', 'wasm', 'model'].map(name => asset(name, files)));
  const url = URL.createObjectURL(new Blob([script], {type: 'text/javascript'}));
  const ort = await import(url);
  URL.revokeObjectURL(url);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm;
  const session = await ort.InferenceSession.create(model);
  const wanted = ['poses', 'scores', 'std', 'hypotheses'].filter(
    name => session.outputNames.includes(name));
  return async inputs => {
    const tensors = Object.entries(inputs).map(
      ([name, {data, dims}]) => [name, new ort.Tensor('float32', data, dims)]);
    const outputs = await session.run(Object.fromEntries(tensors), wanted);
    return Object.fromEntries(wanted.map(name => [name, outputs[name].data]));
  };
}

// ---- what is done with a file

// What the form says, without what it leaves to the file.
function formOptions() {
  const number = id => element(id).valueAsNumber || null;
  const [width, height, fps, focal] = ['width', 'height', 'fps', 'focal'].map(number);
  return {imageSize: width && height ? [width, height] : null, fps, focal,
          skeleton: element('joints').value || null};
}

class Lifting {
  constructor(told, network) {
    Object.assign(this, told, {network, file: null, result: null, turn: 0});
  }

  // Lift a file of bytes and show it; its result, or null where it can't be
  // read, which the page says.
  async open(bytes, name) {
    this.file = {bytes, name};
    const turn = ++this.turn;
    try {
      const result = await this.lift(bytes, name, formOptions(), () => this.turn === turn);
      if (this.turn !== turn) return null;
      this.show(result);
      return result;
    } catch (error) {
      if (this.turn === turn) this.refuse(error, name);
      return null;
    } finally {
      if (this.turn === turn) element('progress').hidden = true;
    }
  }

  async lift(bytes, name, options, current) {
    say(`${name}: reading`);
    const {lifter, facts} = this;
    const read = readTracks(parseJson(decodeText(bytes)), lifter, facts, options);
    const run = await this.network, begin = performance.now();
    const progress = async (done, total) => {
      if (!current()) throw new Error('another file came');
      Object.assign(element('progress'), {hidden: false, value: done / total});
      say(`${name}: lifting`);
      await new Promise(resolve => setTimeout(resolve));
    };
    const lifted = await liftTracks(read.tracks, lifter, facts, run, {...options, progress});
    if (!lifted.length) throw new Error("none of the joints seen makes one of the lifter's");
    const seconds = (performance.now() - begin) / 1000;
    const focal = options.focal ?? assumedFocal(read.tracks[0].imageSize, facts);
    return {...read, name, lifted, seconds, focal, assumed: options.focal === null};
  }

  show(result) {
    this.result = result;
    const frames = result.lifted.reduce((count, one) => count + one.frames, 0);
    const people = new Set(personNumbers(result.lifted.map(one => one.track))).size;
    say(`${result.name}: ${frames} poses of ${people} ${people === 1 ? 'person' : 'people'} ` +
        `in ${result.seconds.toFixed(1)} s`);
    const focal = result.assumed ? [`focal length ${round(result.focal)} px assumed`] : [];
    element('warnings').textContent = [...result.warnings, ...focal].join('; ');
    result.page = scenePage(this.scene_page, this.placeholder,
                            sceneData(result.lifted, result.name, this.lifter, this.facts));
    element('scene').srcdoc = result.page;
    for (const id of ['save-scene', 'save-poses']) element(id).disabled = false;
  }

  refuse(error, name) {
    say(`${name}: ${error.message}`, true);
    element('warnings').textContent = '';
    if (error instanceof MissingSize) {
      element('options').open = true;
      element('width').focus();
    }
  }

  // Poses in metres, relative to the root, in the camera's axes, by frame.
  poses() {
    const {lifted, name, focal, assumed} = this.result, {lifter} = this;
    const numbers = personNumbers(lifted.map(one => one.track)), frames = new Map();
    const digits = value => round(1e4 * value) / 1e4, J = lifter.joints.length;
    lifted.forEach((one, i) => one.track.frameIds.forEach((id, row) => {
      const rows = (values, size) => range(J, j => size === 1 ? digits(values[row * J + j])
        : range(size, axis => digits(values[size * (row * J + j) + axis])));
      if (!frames.has(id)) frames.set(id, []);
      frames.get(id).push({
        track_id: numbers[i], keypoints: rows(one.poses, 3),
        keypoint_scores: rows(one.scores, 1), keypoint_std: rows(one.std, 1),
        keypoint_scores_2d: range(J, j => digits(one.track.scores[row * J + j]))});
    }));
    const {imageSize, fps} = lifted[0].track;
    return {
      meta_info: {axes: 'camera', unit: 'metre', origin: lifter.joints[lifter.root],
                  joints: lifter.joints, image_size: imageSize, fps, source: name,
                  model: this.model, focal_px: focal, focal_assumed: assumed},
      instance_info: [...frames.keys()].sort((a, b) => a - b).map(
        id => ({frame_id: id, instances: frames.get(id)})),
    };
  }
}

// ---- the page's elements

function say(text, isError = false) {
  element('status').textContent = text;
  element('status').className = isError ? 'error' : '';
}

function save(text, name, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const stem = name => name.replace(/\.[^.]*$/, '');

async function openFile(lifting, file) {
  if (file) await lifting.open(new Uint8Array(await file.arrayBuffer()), file.name);
}

// Files may be dropped on the page and on the scene in it.
function takeDrops(target, lifting) {
  const mark = on => document.body.classList.toggle('over', on);
  target.addEventListener('dragover', event => { event.preventDefault(); mark(true); });
  target.addEventListener('dragleave', () => mark(false));
  target.addEventListener('drop', event => {
    event.preventDefault();
    mark(false);
    openFile(lifting, event.dataTransfer.files[0]);
  });
}

function bind(lifting, demo) {
  element('file').onchange = event => {
    openFile(lifting, event.target.files[0]);
    event.target.value = '';
  };
  element('demo').onclick = () => { element('form').reset(); openDemo(lifting, demo); };
  element('form').onsubmit = event => {
    event.preventDefault();
    element('options').open = false;
    if (lifting.file) lifting.open(lifting.file.bytes, lifting.file.name);
  };
  element('save-scene').onclick = () => save(
    lifting.result.page, `${stem(lifting.result.name)}.html`, 'text/html');
  element('save-poses').onclick = () => save(
    JSON.stringify(lifting.poses()), `${stem(lifting.result.name)}_3d.json`, 'application/json');
  takeDrops(window, lifting);
  element('scene').onload = event => takeDrops(event.target.contentWindow, lifting);
  for (const name of Object.keys(lifting.lifter.skeletons)) {
    const option = document.createElement('option');
    option.value = option.textContent = name;
    element('joints').append(option);
  }
  element('about').textContent = lifting.about;
}

const openDemo = async (lifting, demo) => lifting.open(await demo, lifting.demo_name);

const told = JSON.parse(element('facts').textContent);
const demo = asset('demo', told.files);
const lifting = new Lifting(told, openNetwork(told.files));
bind(lifting, demo);
// For scripts: webLifter.open(bytes, name) gives what the page shows.
window.webLifter = lifting;
lifting.ready = openDemo(lifting, demo);
