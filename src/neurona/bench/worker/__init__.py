"""What runs in a process of its own for each engine; also in environments where Neurona is not installed.

The folder is run as a program (``python worker TASK ...``), so its files import each other by their plain names.
"""
