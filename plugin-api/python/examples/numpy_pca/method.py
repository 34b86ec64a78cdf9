"""Principal components of patches, learned batch by batch: a whole method in numpy."""

import numpy as np
import physrep


class PrincipalComponents(physrep.Method):
    def __init__(self, config, setup):
        self.patch = config.patch
        height, width = setup.system.size
        if height % self.patch or width % self.patch:
            raise physrep.Unsupported(f"a grid of {height} x {width} points has no patches of {self.patch} x {self.patch}")
        length = len(setup.system.channels) * self.patch**2
        if config.dim > length:
            raise physrep.ConfigError(f"`dim` is {config.dim}; expected at most {length}, the length of a patch")
        self.components = np.linalg.qr(setup.rng("components").normal(size=(length, config.dim)))[0]
        self.covariance = np.zeros((length, length))

    def patches(self, clips):
        """Clips `(B, C, T, H, W)` as `(B, positions, T, length)`."""
        b, c, t, h, w = clips.shape
        p = self.patch
        cut = clips.reshape(b, c, t, h // p, p, w // p, p).transpose(0, 3, 5, 2, 1, 4, 6)
        return cut.reshape(b, (h // p) * (w // p), t, c * p * p)

    def pretrain_step(self, batch, step):
        patches = self.patches(batch.clips)
        patches = patches.reshape(-1, patches.shape[-1])
        self.covariance += patches.T @ patches
        # One step of subspace iteration.
        self.components = np.linalg.qr(self.covariance @ self.components)[0]
        found = patches @ self.components
        return np.mean(patches**2) - np.sum(found**2) / patches.size  # what the components miss

    def encode(self, batch):
        found = self.patches(batch.clips) @ self.components
        return np.concatenate([found.mean(axis=2), found.std(axis=2)], axis=-1)  # over time

    def state(self):
        return {"encoder.components": self.components, "training.covariance": self.covariance}

    def load_state(self, state):
        self.components = state["encoder.components"]
        self.covariance = state["training.covariance"]


physrep.run(PrincipalComponents)
