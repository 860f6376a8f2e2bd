# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bad checkpoints, configs, lists and pictures: reader, what is wrong, file,
sentence."""
import io
import json
import struct
import zipfile
import zlib

import torch
from making import bomb, nested, pickled, planted, zipped

PTH, SAFE, OFFICIAL = 'checkpoint', 'safetensors', 'published weights'
PY, JSON, YAML = 'config: Python', 'config: JSON', 'config: YAML'
DEEP = 100_000
NAN = float('nan')


def saved(value):
    """A file of ``torch.save``; callables are given the path."""

    def make(path, seed):
        buffer = io.BytesIO()
        torch.save(value(path) if callable(value) else value, buffer)
        return buffer.getvalue()

    return make


def tensors(head, data=b'', length=None):
    """A safetensors file with any header."""
    text = head if isinstance(head, str) else json.dumps(head)
    size = len(text) if length is None else length
    return struct.pack('<Q', size) + text.encode() + data


def entry(shape, offsets, dtype='F32'):
    return dict(weight=dict(dtype=dtype, shape=shape, data_offsets=offsets))


def record(change):
    """The checkpoint's zip with other members."""

    def make(path, seed):
        with zipfile.ZipFile(io.BytesIO(seed)) as archive:
            members = {n: archive.read(n) for n in archive.namelist()}
        return zipped(change(members))

    return make


def other_pickle(content):
    return record(lambda members: {
        n: content if n.endswith('data.pkl') else b
        for n, b in members.items()
    })


def skeleton(text):
    """Safetensors whose metadata describe joints."""
    head = {
        **entry([1], [0, 4]), '__metadata__':
        dict(skeleton=text if isinstance(text, str) else json.dumps(text))
    }
    return tensors(head, b'\0' * 4)


def picture(side):
    """The header of a PNG, and no pixels."""
    head = b'IHDR' + struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + head + struct.pack(
        '>I', zlib.crc32(head)) + b'\0\0\0\0IDAT\0\0\0\0'


def data_set(value):
    """A checkpoint with something else as its data set."""
    return saved(
        dict(
            state_dict=dict(weight=torch.ones(1)),
            meta=dict(dataset_meta=value)))


HUGE_VIEW = torch.ones(1).expand(10**12)
META = torch.ones(3, device='meta')
LAUGHS = 'a0: &a0 [x, x]\n' + ''.join(f'a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n'
                                      for i in range(1, 60))

CASES = [
    (PTH, 'planted code', saved(lambda path: dict(weight=planted(path))),
     'not plain data|builtins.open|io.open'),
    (PTH, 'planted code in the metadata',
     saved(lambda path: dict(
         state_dict=dict(weight=torch.ones(1)), meta=planted(path))),
     'not plain data'),
    (PTH, 'a bare pickle of planted code', pickled(planted), 'not plain data'),
    (PTH, 'a pickle of protocol 0', pickled(planted, 0), 'weights_only=True'),
    (PTH, 'a list', saved([1, 2]), 'state dict of tensors, found list'),
    (PTH, 'a tensor', saved(torch.ones(3)), 'found Tensor'),
    (PTH, 'no tensors', saved({}), 'state dict of tensors'),
    (PTH, 'numbers for tensors', saved(dict(weight=5)),
     'tensors by name|tensors'),
    (PTH, 'metadata of text',
     saved(dict(state_dict=dict(weight=torch.ones(1)),
                meta='../../etc')), 'keys and values as meta'),
    (PTH, 'a data set of text', data_set('x'), 'no skeleton|dataset_meta'),
    (PTH, 'a data set of a list', data_set([1]), 'no skeleton|dataset_meta'),
    (PTH, 'people of text', data_set(dict(stats_info='x')),
     'dataset_meta.*stats_info: expected keys'),
    (PTH, 'people nowhere', data_set(dict(stats_info=dict(bbox_scale=1))),
     'dataset_meta.*bbox_center: expected 2 numbers'),
    (PTH, 'people at NaN',
     data_set(dict(stats_info=dict(bbox_center=[NAN, 1], bbox_scale=1))),
     'dataset_meta.*bbox_center: expected 2 numbers'),
    (PTH, 'people of no size',
     data_set(dict(stats_info=dict(bbox_center=[1, 1], bbox_scale=0))),
     'dataset_meta.*bbox_scale'),
    (PTH, 'pictures of three sizes',
     data_set(
         dict(
             stats_info=dict(
                 bbox_center=[1, 1], bbox_scale=1, image_size=[1, 2, 3]))),
     'dataset_meta.*image_size'),
    (PTH, 'names that are numbers', saved({5: torch.ones(1)}), 'tensors'),
    (PTH, 'a tensor of terabytes in four bytes', saved(dict(weight=HUGE_VIEW)),
     '1000000000000 numbers of weight'),
    (PTH, 'a tensor without numbers', saved(dict(weight=META)),
     'weight.*meta'),
    (PTH, 'a sparse tensor', saved(dict(weight=torch.ones(3).to_sparse())),
     'weight.*sparse'),
    (PTH, 'a storage that is cut',
     record(lambda members: {
         n: b[:2] if '/data/' in n else b
         for n, b in members.items()
     }), 'changed or holds'),
    (PTH, 'a storage that is not there',
     record(lambda members: {
         n: b
         for n, b in members.items() if '/data/' not in n
     }), 'changed or holds'),
    (PTH, 'no pickle within', zipped({'a/b': b''}), 'changed or holds'),
    (PTH, 'a bomb', bomb('archive/data'), 'changed or holds|unpack'),
    (PTH, 'a memo of two billion entries',
     other_pickle(b'\x80\x02]r\xff\xff\xff\x7f.'), 'found list'),
    (PTH, 'safetensors by another name', tensors(entry([1], [0, 4]), b'1234'),
     'rename it to .safetensors'),
    (PTH, 'JSON', '{"a": 1}', 'a JSON file'),
    (SAFE, 'a header of exabytes', tensors('{}', length=1 << 60),
     'not a safetensors'),
    (SAFE, 'a header that is cut', tensors('{"a"',
                                           length=90_000_000), 'cut short'),
    (SAFE, f'{DEEP} objects in each other',
     tensors('{"a":' * DEEP + '1' + '}' * DEEP), 'too deep|cannot be read'),
    (SAFE, 'a tensor of terabytes', tensors(entry([10**12], [0, 4]),
                                            b'1234'), 'not a safetensors'),
    (SAFE, 'offsets of terabytes', tensors(entry([1], [0, 1 << 42]),
                                           b'1234'), 'cut short'),
    (SAFE, 'offsets of text', tensors(entry([1], ['a', 'b']),
                                      b'1234'), 'header cannot be read'),
    (SAFE, 'offsets of NaN', tensors(entry([1], [0, NAN]),
                                     b'1234'), 'header cannot be read'),
    (SAFE, 'negative offsets', tensors(entry([1], [-4, 4]),
                                       b'1234'), 'not a safetensors'),
    (SAFE, 'tensors that overlap',
     tensors(
         {
             'a': entry([1], [0, 4])['weight'],
             'b': entry([1], [0, 4])['weight']
         }, b'1234'), 'not a safetensors'),
    (SAFE, 'a tensor twice',
     tensors(
         '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":'
         '"F32","shape":[1],"data_offsets":[0,4]}}', b'1234'), 'twice'),
    (SAFE, 'no type of numbers', tensors(entry([1], [0, 4], 'code'),
                                         b'1234'), 'not a safetensors'),
    (SAFE, 'bytes behind the end', lambda path, seed: seed + b'x', 'too long'),
    (SAFE, 'a checkpoint of torch', saved(dict(weight=torch.ones(1))),
     'rename it to .pth'),
    (SAFE, 'no tensors', tensors('{}'), 'at least one tensor'),
    (SAFE, 'joints that are no JSON', skeleton('hip'), 'skeleton'),
    (SAFE, 'joints in lists 10^5 deep', skeleton(nested(DEEP)), 'skeleton'),
    (SAFE, 'joints that are a number', skeleton(5), 'skeleton'),
    (SAFE, 'joints without names', skeleton(dict(name='x')), 'skeleton'),
    (SAFE, 'links of 10^18',
     skeleton(
         dict(joints=['a', 'b'], links=[[0, 10**18]], flip_pairs=[],
              root=0)), 'skeleton'),
    (SAFE, 'a joint of two mirror images',
     skeleton(
         dict(
             joints=['a', 'b'], links=[], flip_pairs=[[0, 0], [0, 1]],
             root=0)), 'skeleton'),
    (SAFE, 'a joint of a script',
     skeleton(
         dict(
             joints=['a', '</script>\x00'],
             links=[[0, 1]],
             flip_pairs=[],
             root=0)), 'control characters'),
    (OFFICIAL, 'planted code',
     saved(lambda path: dict(model_pos=planted(path))), 'not plain data'),
    (OFFICIAL, 'planted code beside the weights',
     saved(lambda path: dict(
         model_pos=dict(w=torch.ones(1)), random_state=planted(path))),
     'not plain data'),
    (OFFICIAL, 'weights of NaN',
     saved(dict(model_pos=dict(w=torch.tensor(NAN)))), 'NaN or infinity'),
    (OFFICIAL, 'weights of text', saved(dict(model_pos=dict(w='x'))),
     'tensors by name'),
    (OFFICIAL, 'a tensor of terabytes in four bytes',
     saved(dict(model_pos=dict(w=HUGE_VIEW))), '1000000000000'),
    (OFFICIAL, 'a damaged member', lambda path, seed: seed.replace(
        b'\x00\x00\x80\x3f', b'\x00\x00\x80\x40', 1), 'is damaged'),
    (OFFICIAL, 'TorchScript', zipped({'a/constants.pkl': b''}), 'TorchScript'),
    (OFFICIAL, 'another archive', zipped({'../evil': b''}), 'zip archive of'),
    (OFFICIAL, 'safe names outside', zipped({'/etc/passwd':
                                             b'x'}), 'zip archive of'),
    (PY, 'a name that is not there', 'model = dict(type=ghost)\n', 'ghost'),
    (PY, 'a base that is not there', "_base_ = ['ghost.py']\n", 'ghost.py'),
    (PY, 'no model', 'a = 1\n', "key 'model'"),
    (PY, 'a model of text', "model = 'x'\n", 'keys and values as model'),
    (PY, 'a base that is itself', "_base_ = ['config.py']\n", 'config.py'),
    (PY, 'an exception', "model = dict()\nassert False, 'no'\n",
     'AssertionError: no'),
    (PY, 'Latin-1', "model = dict(type='\xfc')\n".encode('latin-1'),
     'cannot be read as a config'),
    (PY, 'brackets 10^5 deep', f'model = {nested(DEEP)}\n',
     'cannot be read as a config'),
    (PY, 'ten megabytes', 'a = 1\n' * 2_000_000, 'at most 10000000 bytes'),
    (PY, 'an import of what is not there',
     "model = dict()\ncustom_imports = dict(imports=['ghost_module'])\n",
     'ghost_module'),
    (JSON, f'{DEEP} objects in each other', '{"a":' * DEEP + '1' + '}' * DEEP,
     'too deep'),
    (JSON, 'a list', '[]', 'keys and values'),
    (JSON, 'a model twice', '{"model": {}, "model": {}}', 'twice'),
    (JSON, 'a base that is itself', '{"_base_": "config.json", "model": {}}',
     'inherit from itself'),
    (JSON, 'a base that is a number', '{"_base_": 5, "model": {}}', '_base_'),
    (JSON, 'a base that is not there', '{"_base_": "ghost.json"}', 'ghost'),
    (JSON, 'a model of a number', '{"model": 5}', 'keys and values as model'),
    (YAML, 'planted code', lambda path, seed:
     (f'model: !!python/object/apply:builtins.open ["{path.parent}/planted",'
      ' "w"]\n'), 'python/object/apply'),
    (YAML, 'planted code of a name', 'model: !!python/name:os.system\n',
     'python/name'),
    (YAML, 'a list of 2^60 elements', LAUGHS, 'unfolds to more'),
    (YAML, 'a list that holds itself', 'model: &a [*a]\n', 'holds itself'),
    (YAML, '500 lists in each other', nested(500), 'too deep|recursion'),
    (YAML, 'a number', '5\n', 'keys and values'),
    (YAML, 'a tab', 'model:\n\ttype: a\n', 'not a YAML file'),
    (YAML, 'a base with planted code', lambda path, seed:
     (path.with_name('base.yaml').write_text(
         'a: !!python/object/apply:builtins.open '
         f'["{path.parent}/planted", "w"]\n') and
      '_base_: base.yaml\nmodel: {}\n'), 'python/object/apply'),
    ('metafile', 'planted code', lambda path, seed:
     (f'Models: !!python/object/apply:builtins.open ["{path.parent}/planted"'
      ', "w"]\n'), 'python/object/apply'),
    ('metafile', 'a list of 2^60 elements', LAUGHS, 'unfolds to more'),
    ('metafile', 'a list', '[1, 2]\n', 'expected a mapping'),
    ('list of inputs', 'comments alone', '# nothing\n\n', 'found none'),
    ('list of inputs', 'a name that steers the terminal', 'a\x1b[2J.mp4\n',
     'control characters'),
    ('list of inputs', 'a name with a zero', 'a\0b.mp4\n',
     'control characters'),
    ('video', 'a picture that is cut', b'\x89PNG\r\n\x1a\n' + b'\0' * 100,
     'another format|at least one frame'),
    ('video', 'a sound of no frames', b'RIFF\x24\0\0\0WAVEfmt ' + b'\0' * 28,
     'another format|at least one frame'),
    ('video', 'a list of other files',
     "ffconcat version 1.0\nfile '/etc/passwd'\n",
     'another format|at least one frame'),
    ('image', '60000 x 60000 pixels', lambda path, seed: picture(60000),
     'another format or a broken'),
    ('image', 'SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script>1'
     '</script></svg>', 'another format or a broken'),
    ('EXIF', '60000 x 60000 pixels', lambda path, seed: picture(60000),
     'cannot be read'),
]
