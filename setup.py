# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Put the configs and tools into the wheel; the rest is in setup.cfg."""

import os.path as osp
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithMim(build_py):
    """Copy what OpenMIM looks for into ``mmdiffpose/.mim`` of the wheel.

    An editable install reads the checkout's own folders instead. Scripts
    that set up or check a checkout stay out.
    """

    def run(self) -> None:
        """Build the package, then add configs and tools."""
        super().run()
        if self.editable_mode:
            return
        root = osp.dirname(osp.abspath(__file__))
        target = osp.join(self.build_lib, 'mmdiffpose', '.mim')
        ignore = shutil.ignore_patterns('__pycache__', '*.pyc', 'lint*',
                                        'build_docs.sh', 'setup_env.sh',
                                        'run_tests.sh', 'quickstart.sh',
                                        'api_surface.py', 'maintenance')
        for folder in ('configs', 'tools'):
            shutil.copytree(
                osp.join(root, folder),
                osp.join(target, folder),
                ignore=ignore,
                dirs_exist_ok=True)
        index = osp.join(root, 'model-index.yml')
        if osp.isfile(index):
            shutil.copy(index, target)


setup(cmdclass={'build_py': BuildWithMim})
