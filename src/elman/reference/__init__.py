"""The definition of truth: each recurrent cell in NumPy float64, forward and backward.

Plain loops, the equations above the code, no framework. Everything faster in this package is
tested against what is here, and what is here is tested against finite differences.

Letters: B batch, T timesteps, I input features, H units, G gates (1 SimpleRNN, 4 LSTM `i f c o`,
3 GRU `z r h`).

>>> import numpy as np
>>> from elman.reference import SimpleRNN, backward, forward
>>> cell = SimpleRNN(kernel=[[1.0]], recurrent_kernel=[[0.5]], activation="linear")
>>> run = forward(cell, np.ones((1, 3, 1)))
>>> run.outputs[0, :, 0]
array([1.  , 1.5 , 1.75])
>>> backward(cell, run, d_last_output=np.ones((1, 1))).x[0, :, 0]
array([0.25, 0.5 , 1.  ])
"""

from elman.reference.activations import ACTIVATIONS, Activation
from elman.reference.cell import Cell
from elman.reference.crf import CRF
from elman.reference.gru import GRU
from elman.reference.loop import Gradients, Run, backward, forward
from elman.reference.lstm import LSTM
from elman.reference.simple_rnn import SimpleRNN

__all__ = [
    "ACTIVATIONS",
    "CRF",
    "GRU",
    "LSTM",
    "Activation",
    "Cell",
    "Gradients",
    "Run",
    "SimpleRNN",
    "backward",
    "forward",
]
