"""What a training prints: a line for every epoch, its probe images, and notes."""

from rs_core.events import PhaseStep, Stream
from rs_core.statistics import ceil_digits, floor_decimals
from rs_core.training import EpochDone, ProbeRadius, Trained


def with_lines(stream: Stream[Trained]) -> Stream[Trained]:
    """The stream, with a printed line for every epoch."""
    for event in stream:
        if isinstance(event, EpochDone):
            print(
                f"epoch {event.epoch}/{event.epochs}  loss {event.loss:.4f}  clean "
                f"{event.clean_accuracy:.4f}  under noise {event.noisy_accuracy:.4f}  "
                f"lr {event.learning_rate:.4f}  {event.images_per_second:,.0f} images/s",
                flush=True,
            )
            if event.probes:
                print(f"  probe radii {' '.join(map(_band, event.probes))}", flush=True)
        elif isinstance(event, PhaseStep):
            print(f"note: {event.phase}", flush=True)
        yield event


def _band(probe: ProbeRadius) -> str:
    """Certified radius, floored, and the most that it could have been."""
    if probe.predicted is None:
        return "abstains"
    upper = probe.radius_upper
    most = "" if upper is None else f"..{ceil_digits(upper, 3)}"
    return f"{floor_decimals(probe.radius, 3)}{most}"
