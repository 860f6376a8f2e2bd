_base_ = ['virtual_cameras.py']

# Which actor is in which file. For choosing a model, hold one of the training
# actors out with the data set's `subjects`; never choose on mm, tr.
splits = dict(train=['bd', 'bk', 'dg'], test=['mm', 'tr'])
