"""Tensor streams for filters in Python: a block of rows at a time, however long the stream.

See tensor-stream(5). Needs NumPy, and nothing else.
"""

import math
import os
import signal
import sys

import numpy as np
from numpy.lib import format as npy


def blocks(file, rows=1024):
    """Yields (rows still to come, block) for the blocks of every array of a stream.

    The first block of an array has all of its rows still to come; an array without rows is one
    block without rows.
    """
    while file.peek(1):
        version = npy.read_magic(file)
        read_header = (
            npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        )
        (left, *shape), fortran, dtype = read_header(file)
        if fortran or dtype.hasobject:
            raise ValueError("expected numbers in row order")
        more = True
        while more:
            count = min(rows, left)
            size = count * math.prod(shape) * dtype.itemsize
            data = file.read(size)
            if len(data) < size:
                raise EOFError(f"cut: {left} rows are missing, or parts of them")
            yield left, np.frombuffer(data, dtype).reshape(count, *shape)
            left -= count
            more = left > 0


def numbers(block):
    """The block as f4: bytes stand for value/255, all else is taken as it is."""
    return block.astype("<f4") / np.float32(255 if block.dtype == np.uint8 else 1)


def run(function):
    """Makes a filter of a function from blocks to blocks of as many rows, u1 or f4."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end in silence when nobody reads on
    end = 0
    try:
        for left, block in blocks(sys.stdin.buffer):
            result = np.ascontiguousarray(function(block))
            if end == 0:  # the header of an array comes before its first block
                header = {
                    "descr": npy.dtype_to_descr(result.dtype),
                    "fortran_order": False,
                    "shape": (left, *result.shape[1:]),
                }
                npy.write_array_header_1_0(sys.stdout.buffer, header)
            sys.stdout.buffer.write(result.tobytes())
            end = left - len(block)
    except (ValueError, EOFError) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: standard input: {error}")
