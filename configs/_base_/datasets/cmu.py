_base_ = ['virtual_cameras.py']

# All subjects that were downloaded: additional training data only.
splits = dict(train=None)
