"""Golden values: what real Keras 3 answers, kept as data, and whether Neurona answers the same.

    specs/<family>.py   the cases of one family, and how one case is run (to record, and to compare)
    make_golden.py      runs every case on real Keras and writes data/<family>.json and data/<family>.npz
    reader.py           reads the cases back, builds objects from their descriptions, compares numbers
    bridge.py           the few things that an engine does in its own way: arrays out, variables, gradients

The same function runs a case on both sides, so both answer the same question by construction.
"""
