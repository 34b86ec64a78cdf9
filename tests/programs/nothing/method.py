"""Learns nothing: what a step takes is what handing its batch over takes. With `BORROW=1` there is no copy of it."""

import os

import numpy as np
import physrep


class Nothing(physrep.Method):
    borrows_clips = os.environ.get("BORROW") == "1"

    def __init__(self, config, setup):
        pass

    def pretrain_step(self, batch, step):
        return 0.0

    def encode(self, batch):
        return np.zeros((len(batch.clips), 1, 1), np.float32)

    def state(self):
        return {}

    def load_state(self, state):
        pass


physrep.run(Nothing)
