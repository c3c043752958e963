"""Recurrent layers: a state that is carried along a sequence; one idea a file.

`RNN` carries any cell; `SimpleRNN`, `LSTM`, `GRU` and the ConvLSTMs make their cells themselves. `Bidirectional` and
`TimeDistributed` wrap other layers, `Masking` leaves out steps.
"""

from __future__ import annotations

from neurona.layers.recurrent.bidirectional import Bidirectional
from neurona.layers.recurrent.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from neurona.layers.recurrent.gru import GRU, GRUCell
from neurona.layers.recurrent.lstm import LSTM, LSTMCell
from neurona.layers.recurrent.masking import Masking
from neurona.layers.recurrent.rnn import RNN
from neurona.layers.recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from neurona.layers.recurrent.stacked import StackedRNNCells
from neurona.layers.recurrent.time_distributed import TimeDistributed
from neurona.layers.recurrent.wrapper import Wrapper

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "GRUCell",
    "LSTMCell",
    "Masking",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
    "Wrapper",
]
