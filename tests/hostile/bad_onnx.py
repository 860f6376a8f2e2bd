# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bad ONNX files: reader, what is wrong, file, sentence."""
import importlib.util
import json

from making import nested, pickled, planted, zipped

LIFTER, MOVENET = 'exported lifter', 'MoveNet'
KEY = 'mmdiffpose'
DEEP = 100_000
NAN = float('nan')


def model(change):
    """The sound model with something changed."""

    def make(path, seed):
        import onnx
        found = onnx.load_from_string(seed)
        change(found)
        return found.SerializeToString()

    return make


def said(text):
    """The sound model with other text as what it says of itself."""

    def change(found):
        entry, = found.metadata_props
        entry.value = text if isinstance(text, str) else json.dumps(text)

    return model(change)


def fact(*keys_and_value):
    """The sound model with a value of what it says changed."""
    *places, last, value = keys_and_value

    def change(found):
        entry, = found.metadata_props
        facts = part = json.loads(entry.value)
        for place in places:
            part = part[place]
        part[last] = value
        entry.value = json.dumps(facts)

    return model(change)


def unsaid(key):
    """The sound model without one of the things that it says."""

    def change(found):
        entry, = found.metadata_props
        facts = json.loads(entry.value)
        del facts[key]
        entry.value = json.dumps(facts)

    return model(change)


def meta(key, value):
    """The sound model with a value of its data set changed, or added."""

    def change(found):
        entry, = found.metadata_props
        facts = json.loads(entry.value)
        items = facts['dataset_meta']['items']
        items[:] = [pair for pair in items if pair[0] != key] + [[key, value]]
        entry.value = json.dumps(facts)

    return model(change)


def shape(side, number, sizes):
    """The sound model with another shape declared of an input or output."""

    def change(found):
        declared = getattr(found.graph, side)[number].type.tensor_type.shape
        del declared.dim[:]
        for size in sizes:
            declared.dim.add(**({
                'dim_param': size
            } if isinstance(size, str) else {
                'dim_value': size
            }))

    return model(change)


def renamed(side, number, name):
    """The sound model whose input or output has another name."""

    def change(found):
        value = getattr(found.graph, side)[number]
        for node in found.graph.node:
            for names in (node.input, node.output):
                for place, one in enumerate(names):
                    if one == value.name:
                        names[place] = name
        value.name = name

    return model(change)


def typed(side, number, kind):
    """The sound model with another type declared of an input or output."""

    def change(found):
        value = getattr(found.graph, side)[number]
        value.type.tensor_type.elem_type = kind

    return model(change)


def say(message, told):
    """Let fields of a part of a model say something else."""
    for name, value in told.items():
        if isinstance(value, list):
            del getattr(message, name)[:]
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)


def weights(**told):
    """The sound model whose first weights say something else."""

    def change(found):
        say(found.graph.initializer[0], told)

    return model(change)


def elsewhere(*location):
    """The sound model whose first weights lie in another file."""

    def change(found):
        tensor = found.graph.initializer[0]
        tensor.ClearField('raw_data')
        tensor.data_location = 1
        for key, value in zip(('location', 'offset', 'length'), location):
            tensor.external_data.add(key=key, value=value)

    return model(change)


def operator(number, **told):
    """The sound model with another operator in a place."""

    def change(found):
        say(found.graph.node[number], told)

    return model(change)


def constant(value):
    """The sound model whose first weights are all of one value."""

    def change(found):
        import numpy as np
        from onnx import numpy_helper
        tensor = found.graph.initializer[0]
        old = numpy_helper.to_array(tensor)
        tensor.CopyFrom(
            numpy_helper.from_array(
                np.full_like(old, value), name=tensor.name))

    return model(change)


def filled(*sizes):
    """The sound model with the largest of so many zeros added to what it says
    last."""

    def change(found):
        import numpy as np
        from onnx import helper, numpy_helper
        last = found.graph.node[-1]
        name = last.output[0]
        last.output[0] = 'before'
        found.graph.initializer.append(
            numpy_helper.from_array(np.array(sizes), 'sizes'))
        found.graph.node.extend([
            helper.make_node('ConstantOfShape', ['sizes'], ['zeros']),
            helper.make_node('ReduceMax', ['zeros'], ['zero'], keepdims=0),
            helper.make_node('Add', ['before', 'zero'], [name])
        ])

    return model(change)


def sparse(found):
    from onnx import TensorProto
    found.graph.sparse_initializer.add(
        values=TensorProto(
            name='ghost', data_type=1, dims=[1], float_data=[1.]),
        indices=TensorProto(data_type=7, dims=[1], int64_data=[0]),
        dims=[10**12])


def branches(levels):
    """The sound model with branches in each other, so deep."""

    def make(path, seed):
        # A graph (6) of an attribute (5) of an operator (1), and so on.
        inner = b''
        for _ in range(levels):
            for field in (6, 5, 1):
                inner = field_of(field, inner)
        return seed + field_of(7, inner)

    return make


def field_of(number, content):
    """A field of protobuf."""
    size, head = len(content), bytearray([number << 3 | 2])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes([*head, size]) + content


def own_domain(found):
    found.graph.node[0].domain = 'com.stranger'
    found.opset_import.add(domain='com.stranger', version=1)


def circle(found):
    found.graph.node[0].input[0] = found.graph.node[-1].output[0]


def no_network(found):
    found.ClearField('graph')


READ = 'metadata cannot be read.*'
LIFTERS = [
    ('a model of another project',
     model(lambda found: found.ClearField('metadata_props')),
     'without its metadata'),
    ('metadata of text', said('hip'), READ),
    ('metadata of a list', said([1]), READ + 'lacks'),
    ('metadata of null', said('null'), READ + 'lacks'),
    ('metadata in lists 10^5 deep', said(nested(DEEP)), READ + 'too deep'),
    ('metadata that are no text',
     lambda path, seed: seed.replace(b'"seed"', b'\xff\xfe\xfdxx"'),
     'cannot read.*utf-8'),
    ('metadata with a key twice', said('{"seed": 1, "seed": 2}'),
     READ + 'twice'),
    *((f'metadata without {key}', unsaid(key), f'lacks.*{key}')
      for key in ('model', 'dataset_meta', 'draws', 'seed', 'root_index')),
    ('a model of text', fact('model', '</script>'), READ + 'model: expected'),
    ('another model', fact('model', 'type', 'TwoStage'),
     "another config: model.type is 'TwoStage'"),
    ('a model of ten thousand letters', fact('model', 'type', 'a' * 10_000),
     'another config: model.type'),
    ('a data set of a number', fact('dataset_meta',
                                    5), READ + 'dataset_meta: expected dict'),
    ('a data set of a list', fact('dataset_meta',
                                  []), READ + 'dataset_meta: expected dict'),
    ('a data set without joints', fact('dataset_meta', dict(items=[])),
     READ + 'keypoint_id2name'),
    ('a data set of numbers for pairs', fact('dataset_meta',
                                             dict(items=[1, 2])), READ),
    ('a data set of other keys', fact('dataset_meta',
                                      dict(ghost=1)), READ + 'ghost'),
    ('a data set in lists 900 deep', meta('ghost', json.loads(nested(900))),
     'metadata|recursion'),
    ('an array of objects', meta('sigmas',
                                 dict(array=[1],
                                      dtype='object')), READ + 'numbers'),
    ('an array of elements of gigabytes',
     meta('sigmas', dict(array=[1], dtype='V1000000000')), READ + 'numbers'),
    ('an array of text for numbers',
     meta('sigmas', dict(array=['x'], dtype='float32')), READ),
    ('an array of no type', meta('sigmas', dict(array=[1],
                                                dtype='ghost')), READ),
    ('joints of a number', meta('keypoint_id2name', 5), READ),
    ('a joint of a script',
     meta('keypoint_id2name',
          dict(items=[[i, f'</script>\0{i}']
                      for i in range(17)])), READ + 'control characters'),
    ('a joint twice',
     meta('keypoint_id2name',
          dict(items=[[i, 'hip']
                      for i in range(17)])), READ + 'different names'),
    ('joints of 10^18', meta('keypoint_id2name',
                             dict(items=[[10**18, 'hip']])), READ + 'keys'),
    ('a mirror image of 10^18', meta('flip_indices', [10**18] * 17), READ),
    ('mirror images of text', meta('flip_indices', 'left'), READ),
    ('links of 10^18', meta('skeleton_links', [[0, 10**18]]), READ),
    ('one joint of 17', meta('keypoint_id2name',
                             dict(items=[[0, 'hip']])), READ),
    ('a root that is not there', fact('root_index', 99), READ + 'root'),
    ('a root of -1', fact('root_index', -1), READ + 'root_index'),
    ('a root of text', fact('root_index', 'hip'), READ + 'root_index'),
    ('a seed of text', fact('seed', 'x'), READ + 'seed'),
    ('draws without a seed', fact('seed', None), READ + 'seed'),
    ('a seed of 10^30', fact('seed', 10**30), READ + 'seed'),
    ('draws of a list', fact('draws', []), READ + 'draws'),
    ('draws without an order', fact('draws', {}), READ + 'order'),
    ('draws of 10^9 channels', fact('draws', 'order',
                                    [10**9]), READ + 'at most'),
    ('draws of -3 channels', fact('draws', 'order',
                                  [-3]), READ + 'draws.order'),
    ('10^12 hypotheses', fact('draws', 'num_hypotheses',
                              10**12), READ + 'at most'),
    ('no hypotheses', fact('draws', 'num_hypotheses',
                           0), READ + 'num_hypotheses'),
    ('half a hypothesis', fact('draws', 'num_hypotheses',
                               .5), READ + 'num_hypotheses'),
    ('hypotheses that are true', fact('draws', 'num_hypotheses',
                                      True), READ + 'num_hypotheses'),
    ('frames that share by text', fact('draws', 'share_frames',
                                       'yes'), READ + 'share_frames'),
    ('an order of one joint', fact('draws', 'joint_order',
                                   [0]), READ + 'each of 17 joints'),
    ('an order of text', fact('draws', 'joint_order', ['a'] * 17), READ),
    ('people of text', meta('stats_info', 'x'), READ + 'stats_info'),
    ('people nowhere', meta('stats_info', dict(items=[['bbox_scale', 1]])),
     READ + 'bbox_center'),
    ('people of no size',
     meta('stats_info',
          dict(items=[['bbox_center', [1, 1]], ['bbox_scale', 0]])),
     READ + 'bbox_scale'),
    ('people at NaN',
     meta('stats_info',
          dict(items=[['bbox_center', [NAN, 1]], ['bbox_scale', 1]])),
     READ + 'bbox_center'),
    ('another number of hypotheses than is drawn',
     fact('draws', 'num_hypotheses', 3), r'noise of shape \(None, 3, 3, 17'),
    ('other frames', shape('input', 0, ['batch', 9, 17, 2]),
     r'keypoints of shape \(None, 3, 17'),
    ('other joints', shape('input', 0,
                           ['batch', 3, 99, 2]), r'keypoints of shape'),
    ('joints of five axes', shape('input', 0,
                                  [1, 1, 3, 17, 2]), 'keypoints of shape'),
    ('one window alone', shape('input', 0, [7, 3, 17, 2]), 'the model fails'),
    ('another name of its input', renamed('input', 0, 'picture'),
     "expected the inputs .* found .*'picture'"),
    ('an input of a script', renamed('input', 0, '</script>\x1b[2J'),
     r'expected the inputs .* found .*x1b'),
    ('no poses', renamed('output', 0, 'boxes'),
     r"outputs \['poses', 'std'\], found .* and \['hypotheses', 'std'\]"),
    ('draws that it does not have', fact('draws', 'order', [0, 3]),
     "expected the inputs .*'uniform'"),
    ('draws that it has and does not say', fact('draws', 'order',
                                                []), 'expected the inputs'),
    ('poses of one axis less',
     operator(0, op_type='ReduceSum', input=['keypoints'],
              output=['poses']), 'cannot read|poses of shape|the model fails'),
    ('poses of text', typed('output', 0, 8), 'cannot read|and outputs'),
    ('poses of whole numbers', typed('output', 0,
                                     7), 'cannot read|and outputs'),
    ('a std below 0',
     operator(4, op_type='ReduceMin', input=['keypoints'],
              output=['std']), 'finite std .* none below 0'),
    ('hypotheses of another number',
     operator(3, op_type='Identity', input=['one'],
              output=['hypotheses']), 'finite hypotheses of shape'),
    ('poses of NaN', constant(NAN), 'finite'),
    ('poses at infinity', constant(float('inf')), 'finite'),
]
BOTH = [
    ('a name that is no text', lambda path, seed: seed.replace(
        b'keypoints', b'\xff' * 9).replace(b'picture', b'\xff' * 7),
     'cannot read.*utf-8'),
    ('a pickle of planted code', pickled(planted), 'expected an ONNX'),
    ('an archive', zipped({'model.onnx': b'x'}), 'expected an ONNX'),
    ('a model of ORT', b'\x18\0\0\0ORTM' + bytes(64), 'expected an ONNX'),
    ('JSON', '{"graph": {}}', 'expected an ONNX'),
    ('its last byte missing', lambda path, seed: seed[:-1], 'cut short'),
    ('a length of exabytes', b'\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f',
     'cut short'),
    ('a length without an end', b'\x3a' + b'\xff' * 40, 'another format'),
    ('no network', model(no_network), 'cannot read'),
    ('weights in /etc/passwd', elsewhere('/etc/passwd', '0',
                                         '24'), 'another file'),
    ('weights in a folder above', elsewhere('../../weights.bin', '0',
                                            '24'), 'another file'),
    ('weights in a file beside it', elsewhere('weights.bin'), 'another file'),
    ('weights nowhere', elsewhere(), 'another file'),
    ('weights at an offset of exabytes', elsewhere('x', str(1 << 60),
                                                   '24'), 'another file'),
    ('weights of terabytes', weights(dims=[10**12]), '1000000000000|says'),
    ('weights of a negative size', weights(dims=[-1, 3]), 'says'),
    ('weights of 10^5 axes', weights(dims=[1] * DEEP), 'axes'),
    ('weights of another size', weights(dims=[5, 5]), 'cannot read|says'),
    ('weights of no type', weights(data_type=77), 'cannot read'),
    ('weights of text', weights(data_type=8), 'cannot read'),
    ('a sparse tensor of terabytes', model(sparse), 'sparse'),
    ('forty terabytes of zeros', filled(10**7, 10**6), 'the model fails'),
    ('an operator of a stranger', model(own_domain), 'cannot read'),
    ('an operator that is not there', operator(0, op_type='Ghost'),
     'cannot read'),
    ('an input that is not there', operator(0,
                                            input=['ghost']), 'cannot read'),
    ('a circle', model(circle), 'cannot read'),
    ('a version of operators of 10^6',
     model(lambda found: setattr(found.opset_import[0], 'version', 10**6)),
     'cannot read'),
    ('a version of the format of 10^6',
     model(lambda found: setattr(found, 'ir_version', 10**6)), 'cannot read'),
    ('1,000 branches in each other', branches(1000), 'cannot read'),
]
MOVENETS = [
    ('a picture of terabytes', shape('input', 0, [1, 10**6, 10**6, 3]),
     r'expected an input \(1, S, S, 3\)'),
    ('a picture of negative size', shape('input', 0, [1, -5, -5, 3]),
     r'expected an input \(1, S, S, 3\)|cannot read'),
    ('a picture of any size', shape('input', 0, [1, 'h', 'w', 3]),
     r'expected an input \(1, S, S, 3\)'),
    ('a picture of three axes', shape('input', 0, [32, 32, 3]),
     r'expected an input \(1, S, S, 3\)|cannot read'),
    ('a batch of seven', shape('input', 0, [7, 32, 32, 3]),
     'the model fails|joints|cannot read'),
    ('joints at NaN', constant(NAN), 'finite'),
    ('one joint', weights(dims=[1, 1, 1, 3],
                          raw_data=bytes(12)), 'joints|cannot read'),
]
INSTALLED = all(map(importlib.util.find_spec, ('onnx', 'onnxruntime')))
CASES = [(name, *case) for name, cases in ((LIFTER, LIFTERS + BOTH),
                                           (MOVENET, MOVENETS + BOTH))
         for case in cases] if INSTALLED else []
