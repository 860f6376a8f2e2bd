# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What `fit_gmm` is made of.

Axis letters: P problems, n samples, M components, D dimensions, in J blocks
of b dimensions that a covariance correlates (b = 1 for 'diag', 3 for 'joint',
D for 'full').

Samples are (P, D, n), so that elementwise work runs along the samples, and
n is padded with samples whose rows are all zero. What EM carries from one
iteration to the next are the moments of each component: the sums, over the
samples, of mass, mass times x and mass times the products of x within a
block.
"""
