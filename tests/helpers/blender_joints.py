# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where Blender puts the bones of a file: run by a Python that has bpy.

    python blender_joints.py FILE OUT.json [PICTURE.png]

Writes {"fps", "frames", "joints": {bone: [[x, y, z] a frame]}}, places of the
bones' heads in Blender's axes (z up), metres, and renders the middle frame. A
GLB is read at its own frame rate, which stands in its extras.
"""

import json
import struct
import sys

import bpy
import mathutils

path, out, *picture = sys.argv[1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
if path.endswith('.bvh'):
    bpy.ops.import_anim.bvh(
        filepath=path,
        update_scene_fps=True,
        update_scene_duration=True,
        rotate_mode='QUATERNION')
else:
    # glTF's seconds become frames at the scene's rate.
    with open(path, 'rb') as file:
        size, _ = struct.unpack('<I4s', file.read(20)[12:])
        asset = json.loads(file.read(size))['asset']
    scene.render.fps = round(asset['extras']['fps'])
    bpy.ops.import_scene.gltf(filepath=path)
armature = next(o for o in scene.objects if o.type == 'ARMATURE')
first, last = map(round, armature.animation_data.action.frame_range)
joints = {bone.name: [] for bone in armature.pose.bones}
for frame in range(first, last + 1):
    scene.frame_set(frame)
    for bone in armature.pose.bones:
        head = armature.matrix_world @ bone.head
        joints[bone.name].append(list(head))
with open(out, 'w') as file:
    json.dump(
        dict(
            fps=scene.render.fps / scene.render.fps_base,
            frames=[first, last],
            joints=joints), file)
if picture:
    scene.frame_set((first + last) // 2)
    for bone in armature.pose.bones:
        # A rod a bone, from the joint above: armatures are not rendered, and
        # where a bone of a GLB ends is a guess of the importer.
        if bone.parent is None:
            continue
        start, end = (
            armature.matrix_world @ p for p in (bone.parent.head, bone.head))
        middle, along = (start + end) / 2, end - start
        if along.length < 0.001:
            continue
        bpy.ops.mesh.primitive_cylinder_add(
            radius=0.02, depth=along.length, location=middle)
        bpy.context.object.rotation_euler = along.to_track_quat(
            'Z', 'Y').to_euler()
    center = armature.matrix_world @ armature.pose.bones[0].head
    camera = bpy.data.objects.new('camera', bpy.data.cameras.new('camera'))
    camera.location = center + mathutils.Vector((1, -3.5, 0.6))
    camera.rotation_euler = (center - camera.location).to_track_quat(
        '-Z', 'Y').to_euler()
    light = bpy.data.objects.new('sun', bpy.data.lights.new('sun', 'SUN'))
    light.rotation_euler = (0.7, 0.2, 0)
    light.data.energy = 4
    for thing in (camera, light):
        scene.collection.objects.link(thing)
    scene.camera = camera
    scene.render.engine = 'CYCLES'
    scene.cycles.samples = 4
    scene.render.resolution_x, scene.render.resolution_y = 320, 400
    scene.render.filepath = picture[0]
    bpy.ops.render.render(write_still=True)
