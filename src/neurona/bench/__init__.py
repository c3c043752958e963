"""The benchmark: Neurona beside TensorFlow, JAX and PyTorch on this machine, in one run.

peers.py     the engines that are compared, and an environment of its own for each
worker/      what runs in those environments: the same networks by each engine's ordinary training interface
race.py      processes that wait for their turn: the engines are timed one after the other, round by round
lines.py     what is measured: training steps, applying, starting, size, time to an accuracy, growth
machine.py   the machine, and the fastest product it was seen to do
results.py   measurements kept as JSON; medians, ratios and tables made from them
plot.py      the same as a picture
"""
