"""Everything that a training changes: weights, their average, momenta, what is kept per image."""

import torch
from torch import Tensor, nn

from rs_core.classifiers.probe import told
from rs_core.errors import CheckpointError, ParameterError
from rs_core.models import build_network
from rs_core.models.injected_noise import fixed_chance
from rs_core.results import ModelSpec
from rs_core.seeding import derive_seed
from rs_core.training.checkpoints.first_weights import FirstWeights
from rs_core.training.data import Batch, PixelStore
from rs_core.training.optimiser import WeightAverage, make_optimiser
from rs_core.training.per_image import Stored
from rs_core.training.per_image.sigmas import ImageSigmas
from rs_core.training.settings import TrainingSettings
from rs_core.training.view import NormalizedNetwork


class TrainState:
    """A network on its way, with everything that a checkpoint must hold."""

    def __init__(
        self,
        recipe: TrainingSettings,
        spec: ModelSpec,
        store: PixelStore,
        *,
        seed: int,
        bf16: bool,
        first: FirstWeights | None = None,
        digest: str = "",
    ) -> None:
        self.recipe, self.device, self.bf16 = recipe, store.pixels.device, bf16
        self.architecture = spec.architecture
        self.network = fresh_network(spec, seed, self.device, first)
        self.view = NormalizedNetwork(self.network, store.mean, store.std)
        self.average = WeightAverage(self.network, recipe.weight_average)
        self.averaged = NormalizedNetwork(self.average.network, store.mean, store.std)
        self.optimiser = make_optimiser(
            self.network,
            learning_rate=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            kind=recipe.optimiser,
            nesterov=recipe.nesterov,
            decay_all=recipe.decay_all,
        )
        self.sigmas: ImageSigmas | None = None
        if recipe.per_image is not None:
            stored = None
            if first is not None and isinstance(recipe.per_image, Stored):
                stored = first.stored_sigmas(digest)
            self.sigmas = ImageSigmas(
                recipe.per_image, recipe.sigma, recipe.epochs, len(store), self.device, stored
            )
        self.sums = torch.zeros(2, dtype=torch.float64, device=self.device)

    def gradients(
        self, batch: Batch, generator: torch.Generator, pieces: int
    ) -> tuple[Tensor, Tensor]:
        """Loss () and correct answers () of a batch, its gradient now in the parameters.

        In several pieces losses are weighted by their share of the images, so that the gradient
        is that of the whole batch's mean loss.
        """
        self.optimiser.zero_grad(set_to_none=True)
        losses, right = [], []
        size = -(-len(batch) // pieces)
        for first in range(0, len(batch), size):
            part = batch if pieces == 1 else batch.part(first, first + size)
            with self.view.own_noise(generator), self.autocast():
                loss, hits = self.recipe.batch_loss(self.view, part, generator)
            loss = loss * (len(part) / len(batch))
            torch.autograd.backward(loss)
            losses.append(loss.detach())
            right.append(hits)
        return torch.stack(losses).sum(), torch.stack(right).sum()

    def step(self, rate: float, number: int) -> None:
        """One optimiser step at a learning rate; `number` counts from 0."""
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip, foreach=True)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.average.update(number)

    def autocast(self) -> torch.autocast:
        """A context in the training's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def tensors(self) -> dict[str, Tensor]:
        """Everything by name; the tensors in use, not copies."""
        tensors = {f"network/{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average/{k}": v for k, v in self.average.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            for key, value in self.optimiser.state[parameter].items():
                if isinstance(value, Tensor):
                    tensors[f"optimiser/{name}/{key}"] = value
        if self.sigmas is not None:
            tensors |= {f"kept/{name}": tensor for name, tensor in self.sigmas.tensors.items()}
        return tensors | {"epoch/sums": self.sums}

    def on_cpu(self) -> dict[str, Tensor]:
        """Everything by name, where it can be written to a file."""
        return {name: t.detach().cpu().contiguous() for name, t in self.tensors().items()}

    def is_finite(self) -> bool:
        """Whether every number is; one wait for the device."""
        return bool(torch.stack([t.isfinite().all() for t in self._on_device()]).all())

    def _on_device(self) -> list[Tensor]:
        # AdamW counts its steps on the CPU, wherever the weights lie.
        return [t for t in self.tensors().values() if t.device == self.sums.device]

    def load(self, saved: dict[str, Tensor]) -> None:
        """Take over what a checkpoint holds.

        Raises:
            CheckpointError: its tensors are those of another network or optimiser.
        """
        for name, parameter in self.network.named_parameters():
            prefix = f"optimiser/{name}/"
            for key in [k for k in saved if k.startswith(prefix)]:
                value = saved[key].clone()
                # As in `_on_device`: numbers without a shape stay where the optimiser looks.
                own = value.to(self.device) if value.ndim else value
                self.optimiser.state[parameter][key.removeprefix(prefix)] = own
        mine = self.tensors()
        if {k: v.shape for k, v in mine.items()} != {k: v.shape for k, v in saved.items()}:
            raise CheckpointError(
                f"the checkpoint holds another {self.architecture} than this version's: "
                "start anew, or resume with the version that wrote it."
            )
        with torch.no_grad():
            for name, tensor in mine.items():
                tensor.copy_(saved[name])


def fresh_network(
    spec: ModelSpec, seed: int, device: torch.device, first: FirstWeights | None = None
) -> nn.Module:
    """The spec's network with weights that the seed names, or with those that are given.

    Raises:
        ParameterError: it cannot take images of the spec's size, or is another than the given one.
    """
    # torch's initialisers know only the global stream: borrow it and give it back
    with fixed_chance(derive_seed(seed, "train", "weights"), torch.device("cpu")):
        network = build_network(
            spec.architecture, spec.input_shape, len(spec.class_names), spec.options
        )
        _check_size(network, spec)
    if first is not None:
        first.give(network)
    return network.to(device).to(memory_format=torch.channels_last)


@torch.no_grad()
def _check_size(network: nn.Module, spec: ModelSpec) -> None:
    """Refuse images that the network's layers shrink to nothing.

    Raises:
        ParameterError: it fails on one.
    """
    one = torch.zeros(1, *spec.input_shape)
    network.eval()
    try:
        network(one, torch.zeros(1)) if getattr(network, "takes_sigma", False) else network(one)
    except RuntimeError as error:
        size = "x".join(map(str, spec.input_shape))
        raise ParameterError(
            f"{spec.architecture} cannot take {size} images ({told(error)}): choose a network for "
            "such ones; mlp takes any."
        ) from None
    finally:
        network.train()
