"""The JEPA of the paper's own code, to hold the method `jepa` against: networks, forward pass, loss and schedule are imported from a
checkout of helenqu/physical-representation-learning, which PHYSREP_READABLE names; the optimizer is PyTorch's."""

import functools
import os
import sys

import numpy as np
import physrep
import torch
from streams import uniform

sys.path += [p for p in os.environ.get("PHYSREP_READABLE", "").split(os.pathsep) if os.path.isdir(p + "/physics_jepa")]
try:
    from physics_jepa.model import get_model_and_loss_cnn
    from physics_jepa.train_jepa import JepaTrainer
    from physics_jepa.utils.model_utils import CosineLRScheduler
except ModuleNotFoundError as missing:
    raise SystemExit(f"{missing}; PHYSREP_READABLE must name a checkout of the paper's code, and Python have its requirements.txt")


class PaperJepa(physrep.Method):
    borrows_clips = True

    def __init__(self, config, setup):
        torch.set_num_threads(setup.threads)
        torch.manual_seed(setup.seed)
        self.device, t = setup.device, config.training
        if config.initial_weights not in ("pytorch", "jepa"):
            raise physrep.ConfigError(f"`initial_weights` is {config.initial_weights!r}; expected 'pytorch' or 'jepa'")
        coefficients = {key: getattr(config, key) for key in ("sim_coeff", "std_coeff", "cov_coeff")}
        if setup.context_frames not in (4, 16) or setup.pretrain_steps and setup.future_frames != setup.context_frames:
            raise physrep.Unsupported("the paper's encoder takes 4 or 16 frames, of the context and of the future")
        encoder, predictor, loss = get_model_and_loss_cnn(
            config.dims, config.num_res_blocks, setup.context_frames, len(setup.system.channels), **coefficients
        )
        self.loss = functools.partial(loss, n_chunks=config.chunks)
        self.net = torch.nn.ModuleDict({"encoder": encoder, "predictor": predictor}).to(self.device)
        for name, module in self.net.named_modules():
            if hasattr(module, "gamma"):  # the paper's code has no argument for it
                module.gamma.data.fill_(config.layer_scale)
            elif config.initial_weights == "jepa" and hasattr(module, "reset_parameters"):  # norms begin with 0 and 1
                self.draw(name, module, setup.seed)
        self.layout = torch.channels_last_3d if config.channels_last else torch.contiguous_format
        for parameter in self.net.parameters():
            if parameter.dim() == 5:
                parameter.data = parameter.data.contiguous(memory_format=self.layout)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), t.lr, (0.9, 0.95), weight_decay=t.weight_decay)
        steps = max(setup.pretrain_steps, 1)
        rates = {"base_value": t.lr, "final_value": t.final_lr, "start_warmup_value": t.final_lr}
        self.schedule = CosineLRScheduler(self.optimizer, steps=steps, warmup_steps=round(t.warmup * steps), **rates)

    def draw(self, name, module, seed):
        """The initial weights of `jepa`: of PyTorch's default distribution, from the streams of the suite."""
        bound = module.weight[0].numel() ** -0.5
        for part, values in module.named_parameters():
            draws = uniform(seed, f"parameter {name}.{part}", 0, values.numel()).reshape(values.shape)
            values.data.copy_(torch.from_numpy(bound * (2 * draws - 1)))

    def clips(self, clips):
        return torch.from_numpy(clips).to(self.device).contiguous(memory_format=self.layout)

    def pretrain_step(self, batch, step):
        torch.manual_seed(int(step.rng("vicreg").integers(2**63)))  # the loss permutes rows
        context, target = np.split(batch.clips, 2, axis=2)
        halves = {"context": self.clips(context), "target": self.clips(target)}
        _, losses = JepaTrainer.pred_fn(None, halves, self.net.values(), self.loss)
        losses["loss"].backward()
        self.schedule.step()
        self.optimizer.step()
        self.optimizer.zero_grad()
        for name, key in [("invariance", "repr_loss"), ("variance", "std_loss"), ("covariance", "cov_loss")]:
            step.metric(name, losses[key].item())
        return losses["loss"].item(), self.schedule.get_last_lr()[0]

    def encode(self, batch):
        with torch.no_grad():
            return self.net["encoder"](self.clips(batch.clips)).flatten(2).transpose(1, 2).cpu().numpy()

    def state(self):
        moments = self.optimizer.state_dict()["state"]
        training = {f"training.{i}.{key}": value for i, of in moments.items() for key, value in of.items()}
        arrays = {name: value.cpu().numpy() for name, value in (self.net.state_dict() | training).items()}
        return arrays | {"training.updates": np.int64(self.schedule.idx)}

    def load_state(self, state):
        tensors = {name: torch.tensor(value) for name, value in state.items()}
        self.net.load_state_dict({name: tensors[name] for name in self.net.state_dict()})
        moments = {}
        for _, index, key in (name.split(".") for name in state if name.startswith("training.") and name.count(".") == 2):
            moments.setdefault(int(index), {})[key] = tensors[f"training.{index}.{key}"]
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})
        self.schedule.idx = int(state["training.updates"])


physrep.run(PaperJepa)
