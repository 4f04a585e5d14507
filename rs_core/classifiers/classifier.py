"""A network as people certify it: normalisation inside, device and precision fixed, ready to run.

Every prediction, attack and certificate of one `Classifier` uses the same prepared copy of its
network: evaluation mode, batch norm folded, channels-last, in the chosen precision. A
certificate concerns exactly that copy, which is why it records `precision` and `weights_id`.
"""

import copy
import pickle
import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rs_core.classifiers.devices import resolve_device, resolve_precision
from rs_core.classifiers.fast_gradients import pooling_first, thin
from rs_core.classifiers.fast_inference import fused
from rs_core.classifiers.fingerprints import module_id
from rs_core.classifiers.injected import check_draws, draws_per_copy
from rs_core.classifiers.prepare import (
    TRIED_SIGMA,
    ThreadCopy,
    affine,
    check_module,
    prepare,
    thread_copy,
)
from rs_core.classifiers.probe import (
    as_logits,
    check_answers,
    check_rows,
    told,
    tried_images,
    tried_rows,
)
from rs_core.classifiers.tracing import running
from rs_core.errors import ModelFileError, ParameterError
from rs_core.models.injected_noise import injects_noise
from rs_core.models.spec_files import check_spec
from rs_core.results import ModelSpec

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_NOT_PICKLED = ("module", "device", "_scale", "_shift", "_threads")


class Classifier:
    """A prepared network: pixels of [0,1] in, float32 logits out.

    Args:
        module: any network from normalised (B, C, H, W) to logits (B, K); it is copied, never
            changed. One with a true attribute `takes_sigma` is called with the noise levels (B,)
            as its second argument.
        spec: its input shape, class names and mean/std, which are applied after the noise.
        device: "auto", "cpu", "cuda", "cuda:1".
        precision: "fp32", "bf16", or "auto" (bf16 where the hardware has it).
        weights_id: name of these weights in certificates; a digest of the module by default.
        random: the network injects noise of its own and may answer differently from call to call;
            one with a true attribute `injects_noise` says so itself. Its accuracy can be studied.
            Votes and certificates of it are refused, except of our own networks (Nemcovsky et al.,
            CPNI) where each row of a pass has its own noise.

    Raises:
        DeviceError: the device or precision is not available.
        ModelFileError: the spec contradicts itself, the network does not map the input shape to
            one logit per class, or a row's logits depend on its batch-mates or on chance.
    """

    def __init__(
        self,
        module: nn.Module,
        spec: ModelSpec,
        *,
        device: str = "cpu",
        precision: str = "fp32",
        weights_id: str | None = None,
        random: bool = False,
    ) -> None:
        self.spec = spec = check_spec(spec)
        check_module(module, spec)
        self.takes_sigma = bool(getattr(module, "takes_sigma", False))
        self.device = resolve_device(device)
        self.precision = resolve_precision(precision, self.device)
        self.random = random or injects_noise(module)
        self.draws_per_copy = self.random and draws_per_copy(module)
        dtype = _DTYPES[self.precision]
        self.module = prepare(module, spec, self.device, dtype, random=self.random)
        self.weights_id = weights_id or module_id(module, spec)
        self._scale, self._shift = affine(self.spec, self.device)
        self._threads = threading.local()
        self._channels_last, self._is_fused = True, False
        self._check()

    @property
    def title(self) -> str:
        """Name and weights, for a person: two networks of one name differ in it."""
        return f"{self.spec.name}-{self.weights_id[:8]}"

    @property
    def num_classes(self) -> int:
        """Number of classes K."""
        return len(self.spec.class_names)

    @property
    def block(self) -> int:
        """Noisy copies drawn from one generator: fixed per input shape and kind of device."""
        values = self.spec.input_shape[0] * self.spec.input_shape[1] * self.spec.input_shape[2]
        if self.device.type == "cpu":
            return 64 if values <= 16_384 else 4
        return 4096 if values <= 16_384 else 256

    def __call__(
        self,
        pixels: Tensor,
        sigma: Tensor | float | None = None,
        *,
        by: ThreadCopy | None = None,
    ) -> Tensor:
        """Logits (B, K) float32 of pixels (B, C, H, W), float32 in the units of [0,1].

        Values outside [0,1] are allowed (noise is never clamped). The sum of image and noise
        arrives in float32; only here, after normalisation, is it cast.

        Args:
            sigma: noise level of each row (B,), or of all; 0 for images without noise. A network
                that `takes_sigma` computes f(., sigma), others do not look at it.
            by: the thread's copy that answers; the calling thread's own by default.

        Raises:
            ParameterError: the network takes sigma and none was given.
        """
        if self._scale is not None and self._shift is not None:
            pixels = torch.addcmul(self._shift, pixels, self._scale)
        pixels = pixels.to(_DTYPES[self.precision])
        pixels = pixels if self._channels_last else pixels.contiguous()
        told = (self._levels(pixels, sigma),) if self.takes_sigma else ()
        own = by or self.own_copy()
        votes = own.votes if torch.is_inference_mode_enabled() else None
        with running(), own.lock:
            logits = (votes or own.network)(pixels, *told)
        return as_logits(logits, self.spec).float()

    def _levels(self, pixels: Tensor, sigma: Tensor | float | None) -> Tensor:
        """Noise levels (B,) float32 of the rows."""
        if sigma is None:
            raise ParameterError(
                f"{self.spec.name} is told its noise level: call classifier(pixels, sigma), with "
                "sigma 0 for images without noise."
            )
        levels = torch.as_tensor(sigma, dtype=torch.float32, device=pixels.device)
        return levels.expand(len(pixels))

    def own_copy(self) -> ThreadCopy:
        """This thread's copy of the prepared network; all copies share their tensors."""
        own: ThreadCopy | None = getattr(self._threads, "copy", None)
        if own is None:
            votes = fused(self.module) if self._is_fused else None
            own = ThreadCopy(thin(pooling_first(thread_copy(self.module))), votes)
            self._threads.copy = own
        return own

    def __deepcopy__(self, memo: dict[int, Any]) -> "Classifier":
        made = object.__new__(type(self))
        memo[id(self)] = made
        made.__dict__ |= vars(self)
        made.module = copy.deepcopy(self.module, memo)
        made._threads = threading.local()
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        kept = {key: value for key, value in vars(self).items() if key not in _NOT_PICKLED}
        try:
            module = pickle.dumps(copy.deepcopy(self.module).cpu())
        except Exception as error:  # foreign classes, which may be anything
            raise ParameterError(
                f"{self.spec.name}: the network cannot be pickled ({told(error)}): let the other "
                "process load it itself, by its file or by package.module:function."
            ) from error
        return _unpickled, (type(self), kept, str(self.device), module)

    def _check(self) -> None:
        # On a CPU blocks are padded, elsewhere any number of rows can come.
        on_cpu = self.device.type == "cpu"
        passes = (self.block, 2 * self.block) if on_cpu else (33, 1)
        check = check_answers if self.random else check_rows
        check = check_draws if self.draws_per_copy else check

        def forward(pixels: Tensor) -> Tensor:
            return self(pixels, TRIED_SIGMA)

        try:
            check(forward, self.spec, self.device, passes, self.precision)
        except ModelFileError as error:
            # A network that calls .view() on its input needs the plain layout.
            self._channels_last = False
            try:
                check(forward, self.spec, self.device, passes, self.precision)
            except ModelFileError:
                raise error from None
        if on_cpu and not self.random:
            self._fuse(sorted({tried_rows(self.spec), *passes}))

    def _fuse(self, passes: Sequence[int]) -> None:
        """Vote by fused layers from now on, if they answer trial batches with the same bits."""
        self._threads, self._is_fused = threading.local(), True
        if self.own_copy().votes is None or not self._votes_as_before(passes):
            self._threads, self._is_fused = threading.local(), False

    def _votes_as_before(self, passes: Sequence[int]) -> bool:
        images = tried_images(self.spec, max(passes))
        for rows in passes:
            with torch.no_grad():
                plain = self(images[:rows], TRIED_SIGMA)
            try:
                with torch.inference_mode():
                    found = self(images[:rows], TRIED_SIGMA)
            except RuntimeError:  # the op is private, and may be another one elsewhere
                return False
            if not torch.equal(plain, found):
                return False
        return True


def _unpickled(
    kind: type[Classifier], kept: dict[str, Any], device: str, module: bytes
) -> Classifier:
    """The classifier of another process, held to the same rules on this machine."""
    made = object.__new__(kind)
    made.__dict__ |= kept
    made.device = resolve_device(device)
    made.precision = resolve_precision(made.precision, made.device)
    made.module = pickle.loads(module).to(made.device)
    made._scale, made._shift = affine(made.spec, made.device)
    made._threads, made._is_fused = threading.local(), False
    made._check()
    return made
