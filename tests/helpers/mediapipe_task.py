# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MediaPipe's pose landmarker from the files of npm's ``@mediapipe/pose``.

The package ships the networks of the older solution, which are today's, but
without the metadata that today's tasks want: how a picture is normalised.
"""

import zipfile
from pathlib import Path

import numpy as np

FULL_FRAME_20 = np.array([[.4767, .1969, .9999], [.4806, .1893, .9999],
                          [.4842, .1899, .9998], [.4883, .1906, .9998],
                          [.4710, .1904, .9999], [.4677, .1917, .9998],
                          [.4647, .1931, .9999], [.4933, .2034, .9996],
                          [.4618, .2082, .9998], [.4845, .2121, .9995],
                          [.4729, .2134, .9995], [.5496, .2860, .9931],
                          [.4166, .2934, .9956], [.6361, .2062, .9931],
                          [.3151, .2085, .9953], [.6281, .0813, .9680],
                          [.2967, .0806, .9801], [.6282, .0528, .8831],
                          [.2877, .0538, .9167], [.6112, .0463, .8788],
                          [.3000, .0474, .9101], [.6075, .0562, .8921],
                          [.3073, .0569, .9203], [.5137, .5465, .9984],
                          [.4477, .5418, .9991], [.5910, .6864, .9735],
                          [.3325, .6760, .9926], [.6420, .8438, .9705],
                          [.2907, .8465, .9912], [.6359, .8703, .8620],
                          [.2988, .8737, .9241], [.6799, .8965, .9330],
                          [.2406, .9090, .9658]])
"""What mediapipe 1.2.3 with the full network says of frame 20 of Sports2D's
demonstration, rows 0 to 500 and columns 400 to 900: x, y, shares of that, and
the lesser of visibility and presence."""
CROP = slice(0, 500), slice(400, 900)


def write_task(package: Path, path: Path, variant: str = 'full') -> Path:
    """Write a ``.task`` file.

    Args:
        package (Path): The folder of the npm package.
        path (Path): The file.
        variant (str): Of the landmarks' network.
    """
    parts = {
        'pose_detector.tflite':
        ('pose_solution_packed_assets.data', 127.5, 127.5),
        'pose_landmarks_detector.tflite':
        (f'pose_landmark_{variant}.tflite', 0., 255.)
    }
    # Not compressed: the landmarker reads its parts in place.
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED) as file:
        for name, (source, mean, std) in parts.items():
            content = (package / source).read_bytes()
            file.writestr(name, _with_metadata(content, mean, std))
    return path


def _with_metadata(content: bytes, mean: float, std: float) -> bytes:
    import flatbuffers
    from mediapipe.tasks.metadata import \
        metadata_schema_py_generated as metadata
    from mediapipe.tasks.metadata import schema_py_generated as schema

    unit = metadata.ProcessUnitT()
    unit.optionsType = metadata.ProcessUnitOptions.NormalizationOptions
    unit.options = metadata.NormalizationOptionsT()
    unit.options.mean, unit.options.std = [mean], [std]
    tensor = metadata.TensorMetadataT()
    tensor.content = metadata.ContentT()
    tensor.content.contentPropertiesType = (
        metadata.ContentProperties.ImageProperties)
    tensor.content.contentProperties = metadata.ImagePropertiesT()
    tensor.content.contentProperties.colorSpace = metadata.ColorSpaceType.RGB
    tensor.processUnits = [unit]
    model = metadata.ModelMetadataT()
    model.subgraphMetadata = [metadata.SubGraphMetadataT()]
    model.subgraphMetadata[0].inputTensorMetadata = [tensor]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b'M001')

    network = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    buffer = schema.BufferT()
    buffer.data = list(bytes(builder.Output()))
    network.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = 'TFLITE_METADATA', len(network.buffers) - 1
    network.metadata = [entry]
    builder = flatbuffers.Builder(0)
    builder.Finish(network.Pack(builder), b'TFL3')
    return bytes(builder.Output())
