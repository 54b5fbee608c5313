#!/usr/bin/env python3
"""Turns images to their negatives: python3 invert.py < images.npy > negatives.npy"""

import numpy as np
import tensorstream


def negative(block):
    return 255 - block if block.dtype == np.uint8 else 1 - tensorstream.numbers(block)


tensorstream.run(negative)
