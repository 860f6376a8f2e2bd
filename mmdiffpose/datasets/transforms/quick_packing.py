# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MMPose's packing of lifting samples, in a tenth of its time."""

from copy import deepcopy
from typing import Any, Dict

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.datasets.transforms import PackPoseInputs
from mmpose.datasets.transforms.formatting import keypoints_to_tensor
from mmpose.structures import PoseDataSample

from mmdiffpose.registry import TRANSFORMS

_IMMUTABLE = (str, int, float, bool, bytes, type(None))


@TRANSFORMS.register_module()
class QuickPackPoseInputs(PackPoseInputs):
    """``PackPoseInputs`` for windows of keypoints: equal samples, sooner.

    A window has some twenty small arrays. MMPose's packing compares the
    lengths of all whenever one is added, copies what it then converts, and
    copies metainfo with ``deepcopy``: that takes longer than drawing a
    window's detections. Samples with pictures or heatmaps take MMPose's way.

    Pipelines of this package's data sets and of lifting have it in place of
    ``PackPoseInputs`` (:func:`~mmdiffpose.registry.quick_step`). Arguments
    are the same.
    """

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Pack a window.

        Args:
            results (dict): Of the pipeline, with ``keypoint_labels`` or
                ``keypoints`` (T, J, C).

        Returns:
            dict: ``inputs`` and ``data_samples``.

        Raises:
            ValueError: If labels differ in their number of frames.
        """
        tables = {
            name:
            results.get(f'{name}_mapping_table',
                        getattr(self, f'{name}_mapping_table'))
            for name in ('field', 'instance', 'label')
        }
        if ('img' in results or any(key in results for key in tables['field'])
                or 'lifting_target' not in results
                or 'keypoints' not in results):
            return super().transform(results)
        instances, labels = InstanceData(), InstanceData()
        for key, name in tables['instance'].items():
            if key in results:
                instances.set_field(results[key], name)
        if self.pack_transformed and 'transformed_keypoints' in results:
            instances.set_field(results['transformed_keypoints'],
                                'transformed_keypoints')
        lengths: Dict[str, int] = {}
        for key, name in tables['label'].items():
            if key not in results:
                continue
            value = results[key]
            if isinstance(value, list):
                value = np.stack(value)
            lengths[key] = len(value)
            if isinstance(value, np.ndarray):
                value = torch.from_numpy(value)
            labels.set_field(value, name)
        if len(set(lengths.values())) > 1:
            raise ValueError('labels of a window should have as many frames '
                             f'each, found {lengths}')
        sample = PoseDataSample()
        sample.gt_instances, sample.gt_instance_labels = instances, labels
        for key in self.meta_keys:
            if key in results:
                sample.set_field(
                    own_copy(results[key]), key, field_type='metainfo')
        return dict(
            inputs=keypoints_to_tensor(
                results.get('keypoint_labels', results['keypoints'])),
            data_samples=sample)


def own_copy(value: Any) -> Any:
    """As ``deepcopy`` of what stands in metainfo, but for values that occur
    in it twice, which become two."""
    if isinstance(value, _IMMUTABLE):
        return value
    if type(value) is np.ndarray and value.dtype != object:
        return value.copy()
    if type(value) is list:
        return [own_copy(item) for item in value]
    if type(value) is dict:
        return {key: own_copy(item) for key, item in value.items()}
    return deepcopy(value)
