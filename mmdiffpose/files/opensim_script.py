# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint angles from the marker files beside this script, by OpenSim.

Runs by itself, in an environment of its own (OpenSim needs a newer NumPy than
mmdiffpose's environment has)::

    python3.11 -m venv opensim && opensim/bin/pip install opensim==4.6
    opensim/bin/pip install --no-deps pose2sim==0.10.49  # for its models
    opensim/bin/python inverse_kinematics.py [--model MODEL.osim] [--mass KG]

For every ``person<number>.trc`` it puts markers at the model's joint centres,
scales the model to the person, solves inverse kinematics and writes
``person<number>.mot`` (degrees, metres), without the coordinates that the
twelve markers do not determine: feet, hands, the turn of the forearm, the
neck. ``person<number>.osim`` is the scaled model with its markers.

What to make of the angles: those of an arm that points straight up or down
jump, because flexion and rotation are one there; such frames are listed.
Hips, knees and elbows are as good as the lifted joints are.
"""

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

CENTRES = dict(
    Hip=('femur', 'pelvis'),
    Knee=('tibia', 'femur'),
    Ankle=('talus', 'tibia'),
    Shoulder=('humerus', 'torso'),
    Elbow=('ulna', 'humerus'),
    Wrist=('hand', 'radius'))
"""Of each marker: the body whose joint it lies at, and the one it is fixed
to."""
LIMBS = dict(
    femur=('Hip', 'Knee', ('femur', )),
    tibia=('Knee', 'Ankle', ('tibia', 'talus', 'calcn', 'toes')),
    humerus=('Shoulder', 'Elbow', ('humerus', )),
    radius=('Elbow', 'Wrist', ('ulna', 'radius', 'hand')))
"""Bones, the markers at their ends, and the bodies that scale with them."""
UNDETERMINED = ('talus', 'calcn', 'toes', 'radius', 'hand', 'head')
"""Bodies whose joint no marker tells about: it is held."""
BACK_WEIGHT = 0.1
"""Of a straight back, against 1 of each marker."""
JUMP = 60.
"""Degrees from frame to frame beyond which an arm's angles are singular."""
SIDES = dict(r='R', l='L')

Points = Dict[str, np.ndarray]


def read_trc(path: Path) -> Tuple[np.ndarray, Points]:
    """Times (F, ) and markers (F, 3) of a file in metres."""
    lines = path.read_text(encoding='utf-8').split('\n')
    header = dict(zip(lines[1].split('\t'), lines[2].split('\t')))
    if header.get('Units') != 'm':
        sys.exit(f'{path}: expected Units m, found {header.get("Units")}')
    names = lines[3].rstrip('\t').split('\t')[2::3]
    rows = np.array([[float(value) for value in line.split('\t')]
                     for line in lines[6:] if line.strip()])
    points = rows[:, 2:].reshape(len(rows), -1, 3)
    return rows[:, 1], {name: points[:, i] for i, name in enumerate(names)}


def find_model(given: str) -> str:
    """The model's file: the one given, else the one that Pose2Sim brings."""
    if given:
        return given
    spec = importlib.util.find_spec('Pose2Sim')
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, 'OpenSim_Setup', 'Model_Pose2Sim_simple.osim')
        if path.is_file():
            return str(path)
    return sys.exit('no model: give --model MODEL.osim, or install pose2sim')


def joint_of(model: Any, child: str) -> Any:
    """The joint that moves a body.

    Raises:
        SystemExit: If the model has no such body.
    """
    for joint in model.getJointSet():
        if joint.getChildFrame().findBaseFrame().getName() == child:
            return joint
    return sys.exit(f'the model has no body {child}, which the markers need')


def numbers(vector: Any) -> np.ndarray:
    """An OpenSim vector of three."""
    return np.array([vector.get(i) for i in range(3)])


def add_markers(opensim: Any, model: Any) -> Points:
    """Put markers at the joint centres.

    Returns:
        dict: Where they lie in the model's default pose, (3, ) metres.
    """
    state = model.initSystem()
    places, markers = {}, []
    for name, (child, parent) in CENTRES.items():
        for side, letter in SIDES.items():
            centre = joint_of(
                model,
                f'{child}_{side}').getChildFrame().getPositionInGround(state)
            body = parent if parent in ('pelvis',
                                        'torso') else f'{parent}_{side}'
            frame = model.getBodySet().get(body)
            station = model.getGround().findStationLocationInAnotherFrame(
                state, centre, frame)
            places[letter + name] = numbers(centre)
            markers.append(opensim.Marker(letter + name, frame, station))
    model.updMarkerSet().clearAndDestroy()
    for marker in markers:
        model.addMarker(marker)
    model.finalizeConnections()
    return places


def lengths(points: Points) -> Dict[str, float]:
    """Median lengths of what a model is scaled by, metres."""
    found: Dict[str, List[np.ndarray]] = {name: [] for name in LIMBS}
    for name, (start, end, _) in LIMBS.items():
        for letter in SIDES.values():
            found[name].append(points[letter + end] - points[letter + start])
    for name in ('Hip', 'Shoulder'):
        found[name] = [points['L' + name] - points['R' + name]]
    found['trunk'] = [(points['LShoulder'] + points['RShoulder'] -
                       points['LHip'] - points['RHip']) / 2]
    result = {}
    for name, bones in found.items():
        size = np.linalg.norm(np.stack(bones), axis=-1)
        if not np.isfinite(size).any():
            sys.exit(f'{name}: its markers are in no frame; the model cannot '
                     'be scaled to this person')
        result[name] = float(np.nanmedian(size))
    return result


def scale(opensim: Any, model: Any, own: Dict[str, float],
          person: Dict[str, float], mass: float) -> Dict[str, np.ndarray]:
    """Give a model the person's lengths.

    Limbs by their length in all directions; pelvis and trunk in width by
    hips and shoulders, else by the trunk's length.
    """
    ratio = {name: person[name] / own[name] for name in own}
    factors = {}
    for name, (_, _, bodies) in LIMBS.items():
        for body in bodies:
            for side in SIDES:
                factors[f'{body}_{side}'] = np.full(3, ratio[name])
    for body, width in (('pelvis', 'Hip'), ('sacrum', 'Hip'),
                        ('torso', 'Shoulder'), ('head', 'Shoulder')):
        factors[body] = np.array(
            [ratio['trunk'], ratio['trunk'], ratio[width]])
    scales = opensim.ScaleSet()
    there = {body.getName() for body in model.getBodySet()}
    for body, values in factors.items():
        if body not in there:
            continue
        one = opensim.Scale()
        one.setSegmentName(body)
        one.setScaleFactors(opensim.Vec3(*values.tolist()))
        one.setApply(True)
        scales.cloneAndAppend(one)
    if not model.scale(model.initSystem(), scales, True, mass):
        sys.exit('OpenSim could not scale the model')
    return factors


def held_coordinates(model: Any) -> List[str]:
    """Names of the coordinates that no marker tells about."""
    held = []
    for joint in model.getJointSet():
        body = joint.getChildFrame().findBaseFrame().getName()
        if body.split('_')[0] in UNDETERMINED:
            held += [
                joint.get_coordinates(i).getName()
                for i in range(joint.numCoordinates())
            ]
    return held


def solve(opensim: Any, model: Any, trc: Path, times: np.ndarray,
          out: Path) -> None:
    """Inverse kinematics of a file, to a .mot."""
    for name in held_coordinates(model):
        model.updCoordinateSet().get(name).set_locked(True)
    tool = opensim.InverseKinematicsTool()
    tool.setModel(model)
    tool.setMarkerDataFileName(str(trc))
    tool.setStartTime(float(times[0]))
    tool.setEndTime(float(times[-1]))
    tool.setOutputMotionFileName(str(out))
    tool.setResultsDir(str(out.parent))
    tool.set_report_errors(False)
    tasks = tool.getIKTaskSet()
    for marker in model.getMarkerSet():
        task = opensim.IKMarkerTask()
        task.setName(marker.getName())
        task.setApply(True)
        task.setWeight(1)
        tasks.cloneAndAppend(task)
    back = joint_of(model, 'torso')
    for i in range(back.numCoordinates()):
        task = opensim.IKCoordinateTask()
        task.setName(back.get_coordinates(i).getName())
        task.setApply(True)
        task.setWeight(BACK_WEIGHT)
        task.setValueType(opensim.IKCoordinateTask.ManualValue)
        task.setValue(0)
        tasks.cloneAndAppend(task)
    if not tool.run():
        sys.exit(f'{trc}: OpenSim solved no inverse kinematics')


def read_mot(path: Path) -> Tuple[List[str], List[str], np.ndarray]:
    """Header lines, columns and rows (F, C) of a motion."""
    lines = path.read_text(encoding='utf-8').splitlines()
    end = lines.index('endheader')
    rows = [line.split() for line in lines[end + 2:] if line.strip()]
    return lines[:end], lines[end + 1].split(), np.array(rows, float)


def write_mot(path: Path, header: Sequence[str], columns: Sequence[str],
              rows: np.ndarray) -> None:
    """Write a motion, with the header's number of columns right."""
    head = [
        f'nColumns={len(columns)}' if line.startswith('nColumns') else line
        for line in header
    ]
    lines = [*head, 'endheader', '\t'.join(columns)]
    lines += ['\t'.join(f'{value:.8f}' for value in row) for row in rows]
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def marker_errors(opensim: Any, model: Any, columns: Sequence[str],
                  rows: np.ndarray, times: np.ndarray,
                  points: Points) -> np.ndarray:
    """(F, M) metres between the model's markers and the person's."""
    state = model.initSystem()
    names = list(points)
    errors = np.full((len(rows), len(names)), np.nan)
    coordinates = model.getCoordinateSet()
    turning = opensim.Coordinate.Rotational
    for number, row in enumerate(rows):
        for column, value in zip(columns[1:], row[1:]):
            coordinate = coordinates.get(column)
            if coordinate.getLocked(state):
                continue
            if coordinate.getMotionType() == turning:
                value = np.radians(value)
            coordinate.setValue(state, float(value), False)
        model.assemble(state)
        model.realizePosition(state)
        frame = int(np.abs(times - row[0]).argmin())
        for i, name in enumerate(names):
            place = model.getMarkerSet().get(name).getLocationInGround(state)
            errors[number,
                   i] = np.linalg.norm(numbers(place) - points[name][frame])
    return errors


def one_person(opensim: Any, trc: Path, model_path: str, mass: float) -> None:
    """Angles of one file."""
    times, points = read_trc(trc)
    model = opensim.Model(model_path)
    own = lengths({
        name: place[None]
        for name, place in add_markers(opensim, model).items()
    })
    if not mass:
        mass = model.getTotalMass(model.initSystem())
    scale(opensim, model, own, lengths(points), mass)
    model.setName(trc.stem)
    model.printToXML(str(trc.with_suffix('.osim')))
    mot = trc.with_suffix('.mot')
    solve(opensim, model, trc.resolve(), times, mot.resolve())
    header, columns, rows = read_mot(mot)
    errors = marker_errors(opensim, model, columns, rows, times, points)
    held = set(held_coordinates(model))
    kept = [i for i, column in enumerate(columns) if column not in held]
    columns, rows = [columns[i] for i in kept], rows[:, kept]
    write_mot(mot, header, columns, rows)
    print(f'{mot}: {len(rows)} frames, markers '
          f'{np.sqrt(np.nanmean(errors**2)) * 1000:.1f} mm RMS, at most '
          f'{np.nanmax(errors) * 1000:.1f} mm')
    for side in SIDES:
        arm = [
            i for i, column in enumerate(columns)
            if column.startswith('arm_') and column.endswith(f'_{side}')
        ]
        jumps = np.abs(np.diff(rows[:, arm], axis=0)).max(1) > JUMP
        if len(arm) and jumps.any():
            seconds = ', '.join(f'{t:.2f}' for t in rows[1:, 0][jumps][:20])
            print(f'{mot}: the angles arm_*_{side} jump at {seconds} s; they '
                  'mean nothing there')


def main() -> None:
    """Read the command line; solve every person of the folder."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--model', default='', help="an .osim file (default: pose2sim's)")
    parser.add_argument(
        '--mass',
        type=float,
        default=0,
        help="the person's, kg; angles do not depend on it (default: the "
        "model's)")
    args = parser.parse_args()
    # Imported here, so that --help needs nothing.
    opensim: Any = importlib.import_module('opensim')
    opensim.Logger.setLevelString('Warn')
    opensim.ModelVisualizer.addDirToGeometrySearchPaths('.')
    files = sorted(Path(__file__).parent.glob('person*.trc'))
    if not files:
        sys.exit(f'no person*.trc beside {__file__}')
    for trc in files:
        one_person(opensim, trc, find_model(args.model), args.mass)


if __name__ == '__main__':
    main()
