// Copyright (c) mmdiffpose contributors. All rights reserved.
// Where three.js puts the bones of a file.
//
//     node three_joints.mjs NODE_MODULES FILE FPS FRAMES >OUT.json
//
// Writes {joint: [[x, y, z] a frame]}, places in the world, in the file's
// units. NODE_MODULES is the folder that three was installed into.
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';

const [folder, path, fps, frames] = process.argv.slice(2);
const from = (name) => import(pathToFileURL(`${folder}/three/${name}`).href);
globalThis.self = globalThis;
const THREE = await from('build/three.module.js');
const content = fs.readFileSync(path);

async function load() {
  if (path.endsWith('.bvh')) {
    const { BVHLoader } = await from('examples/jsm/loaders/BVHLoader.js');
    const { skeleton, clip } = new BVHLoader().parse(content.toString());
    return [skeleton.bones[0], clip];
  }
  const { GLTFLoader } = await from('examples/jsm/loaders/GLTFLoader.js');
  const bytes = content.buffer.slice(
    content.byteOffset, content.byteOffset + content.length);
  const gltf = await new GLTFLoader().parseAsync(bytes, '');
  return [gltf.scene, gltf.animations[0]];
}

const [root, clip] = await load();
const mixer = new THREE.AnimationMixer(root);
const action = mixer.clipAction(clip);
// A loop would show the first frame at the last one's time.
action.setLoop(THREE.LoopOnce);
action.clampWhenFinished = true;
action.play();
const joints = {};
for (let frame = 0; frame < Number(frames); frame++) {
  action.paused = false;
  mixer.setTime(frame / Number(fps));
  root.updateMatrixWorld(true);
  root.traverse((node) => {
    if (!node.isBone) return;
    const place = new THREE.Vector3().setFromMatrixPosition(node.matrixWorld);
    (joints[node.name] ??= []).push(place.toArray());
  });
}
process.stdout.write(JSON.stringify(joints));
