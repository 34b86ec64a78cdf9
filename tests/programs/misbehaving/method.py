"""A method that misbehaves on demand: `FAULT` says how, and `PLACE` in which call, or `hello` for before the first one."""

import ctypes
import os
import subprocess
import sys
import threading
import time

import numpy as np
import physrep
import physrep.arrays
import physrep.lines
import physrep.serve

FAULT, PLACE = os.environ.get("FAULT", "none"), os.environ.get("PLACE", "")
LINES = []


class Lines(physrep.lines.Lines):
    def __init__(self):
        super().__init__()
        LINES.append(self)

    def requests(self):
        for request in super().requests():
            self.request = request
            if os.environ.get("RECORD"):
                print("REQUEST", physrep.lines.json.dumps(request), file=sys.stderr)
            yield request

    def send(self, message):
        if os.environ.get("RECORD"):
            print("ANSWER", physrep.lines.json.dumps(message), file=sys.stderr)
        super().send(message)


class Arrays(physrep.arrays.Arrays):
    def write(self, array, offset=0):
        message = super().write(array, offset)
        if self.fault == "outside":
            message["offset"] = 1 << 40
        if self.fault == "huge":
            message["shape"] = [1 << 40, *message["shape"]]
        if self.fault == "endless":
            message["shape"] = [16, 1, 1 << 60]
        return message

    fault = "none"


physrep.serve.Lines, physrep.serve.Arrays = Lines, Arrays


def raw(text):
    LINES[0]._answers.write(text)
    LINES[0]._answers.flush()


def act(place):
    if place != PLACE:
        return
    if FAULT == "raise":
        raise ValueError("misbehaving on purpose")
    if FAULT == "exit":
        os._exit(3)
    if FAULT == "last-words":
        sys.exit("these are its last words")
    if FAULT == "abort":
        os.abort()
    if FAULT == "segfault":
        ctypes.string_at(0)
    if FAULT == "kill":
        os.kill(os.getpid(), 9)
    if FAULT == "sleep":
        time.sleep(3600)
    if FAULT == "spin":
        while True:
            pass
    if FAULT == "orphan":
        subprocess.Popen(["sleep", "3600"])
        os._exit(3)
    if FAULT == "daemon":
        subprocess.Popen(["sleep", "3600"])
    if FAULT == "thread":
        threading.Thread(target=time.sleep, args=(3600,)).start()
    if FAULT == "print":
        print("printed by Python")
        os.write(1, b"written to descriptor 1\n")
        subprocess.run(["echo", "printed by a program"], check=True)
    if FAULT == "flood":
        sys.stdout.write("a long line " * 1_000_000)
    if FAULT == "deaf":
        LINES[0]._answers.close()
        time.sleep(3600)
    if FAULT == "garbage":
        raw(b"\xff\x00 garbage\n")
    if FAULT == "deep":
        raw(b'{"id": ' + b"[" * 100_000 + b"\n")
    if FAULT == "long":
        raw(b"x" * (5 << 20))
    if FAULT == "unknown":
        raw(b'{"id": %d, "ok": {}, "more": 1}\n' % LINES[0].request["id"])
    if FAULT == "early":
        raw(b'{"id": %d, "ok": {}}\n' % (LINES[0].request["id"] + 1))
    if FAULT == "twice":
        raw(b'{"id": %d, "error": {"kind": "method", "message": "the first answer"}}\n' % LINES[0].request["id"])
    if FAULT == "infinite":
        raw(b'{"id": %d, "ok": {"loss": 1e999}}\n' % LINES[0].request["id"])
    if FAULT == "write":
        with open("planted", "w") as file:
            file.write("x")
    if FAULT in ("outside", "huge", "endless"):
        Arrays.fault = FAULT


class Misbehaving(physrep.Method):
    def __init__(self, config, setup):
        act("create")
        self.weights = setup.rng("weights").normal(size=(len(setup.system.channels), 8)).astype(np.float32)
        self.weights *= config.scale

    def pretrain_step(self, batch, step):
        act("pretrain_step")
        if (FAULT, PLACE) == ("nan", "pretrain_step"):
            return np.nan
        if FAULT == "version":
            step.metric("not finite", np.nan)
        mean = batch.clips.mean((0, 2, 3, 4))
        self.weights += 0.01 * (mean[:, None] + step.rng("noise").normal(size=self.weights.shape))
        step.metric("size", np.abs(self.weights).mean())
        time.sleep(float(os.environ.get("SLOW", "0")))
        return float(np.sum(mean**2)), 0.01

    def tokens(self, batch):
        return batch.clips.mean((3, 4)).transpose(0, 2, 1) @ self.weights

    def encode(self, batch):
        act("encode")
        tokens = self.tokens(batch)
        if PLACE == "encode":
            if FAULT == "nan":
                tokens[0, 0, 0] = np.nan
            if FAULT == "flat":
                return tokens[:, 0]
            if FAULT == "fewer":
                return tokens[1:]
            if FAULT == "nothing":
                return None
            if FAULT == "changes":
                self.weights += 1
        return tokens

    def begin_finetuning(self, beta1, beta2, eps, weight_decay):
        act("begin_finetuning")

    def encode_forward(self, batch):
        act("encode_forward")
        self.last = batch
        return self.tokens(batch)

    def encode_backward(self, gradient):
        act("encode_backward")
        self.gradient = np.einsum("btc,btd->cd", self.last.clips.mean((3, 4)).transpose(0, 2, 1), gradient)

    def apply_gradients(self, learning_rate):
        act("apply_gradients")
        self.weights -= learning_rate * self.gradient

    def state(self):
        act("save")
        return {"encoder.weights": self.weights, "training.flag": np.array(True)}

    def load_state(self, state):
        act("load")
        self.weights = state["encoder.weights"]

    def parameters(self):
        act("parameters")
        if FAULT == "unnamed":
            return {"": self.weights}
        return {"encoder.weights": self.weights}


if (FAULT, PLACE) == ("version", "hello"):
    physrep.serve.PROTOCOL = 2
act("hello")
physrep.run(Misbehaving)
