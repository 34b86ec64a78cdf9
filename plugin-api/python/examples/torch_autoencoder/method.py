"""A convolutional autoencoder: a whole method in PyTorch, with end-to-end training, on the CPU or on a GPU."""

import torch
from torch import nn

import physrep

torch.use_deterministic_algorithms(True)


class Autoencoder(physrep.Method):
    def __init__(self, config, setup):
        height, width = setup.system.size
        if height % 8 or width % 8 or setup.context_frames % 4 or setup.future_frames % 4:
            raise physrep.Unsupported("the encoder's cells are of 4 frames and 8 x 8 points: it needs multiples of these")
        torch.set_num_threads(setup.threads)
        torch.manual_seed(setup.seed)
        self.device, self.lr = setup.device, config.lr
        channels, dim, width = len(setup.system.channels), config.dim, config.width
        encoder = nn.Sequential(nn.Conv3d(channels, width, 4, 4), nn.GELU(), nn.Conv3d(width, dim, (1, 2, 2), (1, 2, 2)))
        decoder = nn.Sequential(
            nn.ConvTranspose3d(dim, width, (1, 2, 2), (1, 2, 2)), nn.GELU(), nn.ConvTranspose3d(width, channels, 4, 4)
        )
        self.net = nn.ModuleDict({"encoder": encoder, "decoder": decoder}).to(self.device)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), config.lr)

    def clips(self, batch):
        return torch.from_numpy(batch.clips).to(self.device)

    def pretrain_step(self, batch, step):
        clips = self.clips(batch)
        loss = nn.functional.mse_loss(self.net["decoder"](self.net["encoder"](clips)), clips)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item(), self.lr

    def tokens(self, batch):
        """`(B, tokens, dim)`, one for each place that the encoder's grid has."""
        return self.net["encoder"](self.clips(batch)).flatten(2).transpose(1, 2)

    def encode(self, batch):
        with torch.no_grad():
            return self.tokens(batch).cpu().numpy()

    def begin_finetuning(self, beta1, beta2, eps, weight_decay):
        encoder = self.net["encoder"].parameters()
        self.optimizer = torch.optim.AdamW(encoder, 0.0, (beta1, beta2), eps, weight_decay)

    def encode_forward(self, batch):
        self.last = self.tokens(batch)
        return self.last.detach().cpu().numpy()

    def encode_backward(self, gradient):
        self.optimizer.zero_grad()
        self.last.backward(torch.from_numpy(gradient).to(self.device))

    def apply_gradients(self, learning_rate):
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.step()

    def state(self):
        moments = self.optimizer.state_dict()["state"]
        training = {f"training.{i}.{key}": value for i, of in moments.items() for key, value in of.items()}
        return {name: value.cpu().numpy() for name, value in (self.net.state_dict() | training).items()}

    def load_state(self, state):
        tensors = {name: torch.tensor(value) for name, value in state.items()}
        self.net.load_state_dict({name: tensors[name] for name in self.net.state_dict()})
        saved, moments = self.optimizer.state_dict(), {}
        for name in tensors.keys() - self.net.state_dict().keys():
            _, index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = tensors[name]
        self.optimizer.load_state_dict(saved | {"state": moments})


physrep.run(Autoencoder)
