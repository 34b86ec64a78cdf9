"""An autoencoder of space-time patches: a whole method in JAX, with end-to-end training."""

import jax
import jax.numpy as jnp
import numpy as np
import physrep


@jax.jit
def encode(params, patches):
    return jnp.tanh(patches @ params["encoder.in"]) @ params["encoder.out"]


@jax.jit
@jax.value_and_grad
def loss_and_gradients(params, patches):
    decoded = jnp.tanh(encode(params, patches) @ params["decoder.in"]) @ params["decoder.out"]
    return jnp.mean((decoded - patches) ** 2)


@jax.jit
def adamw(params, moments, gradients, count, lr, beta1, beta2, eps, decay):
    """A step of AdamW; moments and gradients have the keys of the parameters that are updated."""
    for name, gradient in gradients.items():
        first, second = moments[name]
        moments[name] = first, second = beta1 * first + (1 - beta1) * gradient, beta2 * second + (1 - beta2) * gradient**2
        direction = first / (1 - beta1**count) / (jnp.sqrt(second / (1 - beta2**count)) + eps)
        params[name] = params[name] - lr * (direction + decay * params[name])
    return params, moments


class Autoencoder(physrep.Method):
    def __init__(self, config, setup):
        self.config = config
        divided = (setup.context_frames, config.frames), (setup.future_frames, config.frames), *((n, config.patch) for n in setup.system.size)
        if any(whole % part for whole, part in divided):
            raise physrep.Unsupported(f"patches are of {config.frames} frames and {config.patch} points a side: it needs multiples of these")
        length = len(setup.system.channels) * config.frames * config.patch**2
        sizes = {"encoder.in": (length, config.hidden), "encoder.out": (config.hidden, config.dim)}
        sizes |= {"decoder.in": (config.dim, config.hidden), "decoder.out": (config.hidden, length)}
        draw = setup.rng("weights").normal
        self.params = {name: jnp.asarray(draw(size=s) / s[0] ** 0.5, jnp.float32) for name, s in sizes.items()}
        self.begin(self.params)

    def begin(self, params):
        self.count, self.moments = 0, {name: (0 * p, 0 * p) for name, p in params.items()}

    def update(self, gradients, *settings):
        self.count += 1
        self.params, self.moments = adamw(self.params, self.moments, gradients, self.count, *settings)

    def patches(self, clips):
        """Clips `(B, C, T, H, W)` as `(B, tokens, length)`."""
        (b, c, t, h, w), f, p = clips.shape, self.config.frames, self.config.patch
        cut = clips.reshape(b, c, t // f, f, h // p, p, w // p, p).transpose(0, 2, 4, 6, 1, 3, 5, 7)
        return cut.reshape(b, -1, c * f * p * p)

    def pretrain_step(self, batch, step):
        loss, gradients = loss_and_gradients(self.params, self.patches(batch.clips))
        self.update(gradients, self.config.lr, 0.9, 0.999, 1e-8, 0.0)
        return loss, self.config.lr

    def encode(self, batch):
        return encode(self.params, self.patches(batch.clips))

    def begin_finetuning(self, *settings):
        self.settings = settings
        self.begin({name: p for name, p in self.params.items() if name.startswith("encoder.")})

    def encode_forward(self, batch):
        trained = {name: self.params[name] for name in self.moments}
        tokens, self.vjp = jax.vjp(lambda params: encode(params, self.patches(batch.clips)), trained)
        return tokens

    def encode_backward(self, gradient):
        (self.encoder_gradients,) = self.vjp(jnp.asarray(gradient))

    def apply_gradients(self, learning_rate):
        self.update(self.encoder_gradients, learning_rate, *self.settings)

    def state(self):
        moments = {f"training.{i}.{name}": m[i] for name, m in self.moments.items() for i in (0, 1)}
        return self.params | moments | {"training.count": np.int64(self.count)}

    def load_state(self, state):
        self.params = {name: jnp.asarray(state[name]) for name in self.params}
        self.moments = {n: tuple(jnp.asarray(state[f"training.{i}.{n}"]) for i in (0, 1)) for n in self.moments}
        self.count = int(state["training.count"])


physrep.run(Autoencoder)
