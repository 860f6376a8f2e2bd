# Copyright (c) mmdiffpose contributors. All rights reserved.
"""ONNX files from elsewhere: opened without reading another one, and without
computing anything."""
import numpy as np
import pytest

from mmdiffpose import onnx_files
from mmdiffpose.onnx_files import check_onnx, open_onnx, run_onnx

onnx = pytest.importorskip(
    'onnx', reason='onnx is not installed (extra "export")')
onnxruntime = pytest.importorskip(
    'onnxruntime', reason='onnxruntime is not installed (extra "export")')


def write(path, *nodes, **weights):
    """A model of one input x (n, ) and one output y (n, )."""
    from onnx import TensorProto, helper, numpy_helper
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ['n'])
        for name in 'xy'
    ]
    graph = helper.make_graph(
        [helper.make_node(*node) for node in nodes], 'm', values[:1],
        values[1:], [
            numpy_helper.from_array(np.array(value), name)
            for name, value in weights.items()
        ])
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid('', 17)])
    onnx.save(model, path)
    return model


def test_a_sound_file_is_opened_and_run(tmp_path):
    path = tmp_path / 'm.onnx'
    write(path, ('Mul', ['x', 'w'], ['y']), w=np.float32(3))
    session = open_onnx(path, onnxruntime, threads=1)
    given = dict(x=np.array([1, 2], np.float32))
    assert run_onnx(session, path, ['y'], given)[0].tolist() == [3, 6]
    assert run_onnx(session, path, None, given)[0].tolist() == [3, 6]


def test_nothing_is_computed_before_it_runs(tmp_path):
    """Forty terabytes are asked for when the model runs, not before."""
    path = tmp_path / 'm.onnx'
    write(
        path, ('ConstantOfShape', ['sizes'], ['zeros']),
        ('ReduceMax', ['zeros'], ['zero']), ('Add', ['x', 'zero'], ['y']),
        sizes=np.array([10**7, 10**6]))
    session = open_onnx(path, onnxruntime, threads=1)
    with pytest.raises(ValueError, match=r"m.onnx: the model fails at \{'x'"):
        run_onnx(session, path, ['y'], dict(x=np.ones(2, np.float32)))


@pytest.mark.parametrize('place', ['weights', 'constant', 'branch'])
def test_weights_elsewhere_are_refused_wherever_they_stand(tmp_path, place):
    """Also where the file is beside it, and could be read."""
    from onnx import TensorProto, helper
    path = tmp_path / 'm.onnx'
    model = write(path, ('Mul', ['x', 'w'], ['y']), w=np.float32(3))
    (tmp_path / 'w.bin').write_bytes(np.float32(3).tobytes())
    tensor = TensorProto(
        name='secret', data_type=TensorProto.FLOAT, data_location=1)
    tensor.external_data.add(key='location', value='w.bin')
    if place == 'weights':
        model.graph.initializer.append(tensor)
    else:
        constant = helper.make_node('Constant', [], ['c'], value=tensor)
        nodes = [constant]
        if place == 'branch':
            inner = helper.make_graph([constant], 'inner', [], [])
            nodes = [helper.make_node('If', ['x'], ['z'], then_branch=inner)]
        model.graph.node.extend(nodes)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="'secret'.*in another file"):
        check_onnx(path)


def test_numbers_of_all_types_are_counted(tmp_path):
    """The smallest ones are two in a byte, and text has its length."""
    from onnx import TensorProto, helper
    path = tmp_path / 'm.onnx'
    model = write(path, ('Identity', ['x'], ['y']))
    many = np.arange(1000)
    model.graph.initializer.extend([
        helper.make_tensor(name, kind, [1000], values)
        for name, kind, values in (('bits', TensorProto.BOOL, many % 2),
                                   ('floats', TensorProto.FLOAT, many),
                                   ('text', TensorProto.STRING, [''] * 1000),
                                   ('halves', TensorProto.INT4, many % 8))
    ])
    path.write_bytes(model.SerializeToString())
    check_onnx(path)
    model.graph.initializer[0].dims[0] = 10**6
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="'bits'.*1000000"):
        check_onnx(path)


def test_a_model_of_too_many_parts_is_refused(tmp_path, monkeypatch):
    path = tmp_path / 'm.onnx'
    write(path, *(('Identity', ['x'], [f'y{i}']) for i in range(100)))
    check_onnx(path)
    monkeypatch.setattr(onnx_files, 'MAX_FIELDS', 300)
    with pytest.raises(ValueError, match='more than 300 parts'):
        check_onnx(path)


def test_what_onnxruntime_says_goes_to_nobodys_terminal(tmp_path, capfd):
    """Names of operators are a stranger's."""
    path = tmp_path / 'm.onnx'
    write(path, ('Reshape', ['x', 'w'], ['y'], '\x1b[2Jevil'), w=[-3])
    with pytest.raises(ValueError, match='m.onnx') as raised:
        run_onnx(
            open_onnx(path, onnxruntime, threads=1), path, None,
            dict(x=np.ones(2, np.float32)))
    assert '\x1b' not in str(raised.value)
    assert '\x1b[2J' not in ''.join(capfd.readouterr())
