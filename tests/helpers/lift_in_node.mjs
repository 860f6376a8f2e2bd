// Copyright (c) mmdiffpose contributors. All rights reserved.
// The web lifter's script without a browser: a job on the command line, what
// the page would show as the last line. Each batch of windows is a line of the
// network's inputs, which is answered by a line of its outputs.

import {readFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {pathToFileURL} from 'node:url';

const job = JSON.parse(readFileSync(process.argv[2]));
const load = name => import(pathToFileURL(`${job.folder}/${name}.mjs`));
const {decodeText, parseJson, readTracks} = await load('keypoint_files');
const {liftTracks} = await load('lift');
const {sceneData, scenePage} = await load('scene');
const {lifter, facts, scene_page, placeholder} = JSON.parse(readFileSync(job.facts));

const lines = createInterface({input: process.stdin})[Symbol.asyncIterator]();
const say = value => console.log(JSON.stringify(value));
const list = array => array && [...array];

async function run(inputs) {
  say({inputs: Object.entries(inputs).map(([name, {data, dims}]) => [name, [...data], dims])});
  const answer = JSON.parse((await lines.next()).value);
  return Object.fromEntries(Object.entries(answer).map(
    ([name, values]) => [name, Float32Array.from(values)]));
}

try {
  const document = parseJson(decodeText(readFileSync(job.file)));
  const {tracks, warnings} = readTracks(document, lifter, facts, job.options);
  const read = tracks.map(track => ({
    ...track, keypoints: list(track.keypoints), scores: list(track.scores)}));
  let lifted = [], page = null;
  if (job.lift) {
    lifted = await liftTracks(tracks, lifter, facts, run, job.options);
    page = scenePage(scene_page, placeholder, sceneData(lifted, '', lifter, facts));
  }
  say({
    warnings, page, tracks: read,
    lifted: lifted.map(({poses, scores, std, hypotheses, track}) => ({
      poses: list(poses), scores: list(scores), std: list(std), hypotheses: list(hypotheses),
      frameIds: track.frameIds, trackId: track.trackId})),
  });
} catch (error) {
  say({error: error.message});
}
lines.return();
