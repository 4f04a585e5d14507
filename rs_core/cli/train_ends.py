"""What stands before a training, and what is said when it is interrupted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rs_core.classifiers import load_classifier
from rs_core.cli.choices import model_source
from rs_core.cli.progress import follow
from rs_core.datasets import Dataset
from rs_core.errors import CheckpointError, ParameterError
from rs_core.training import Recipe
from rs_core.training.checkpoints.files import FILE_NAME, Checkpoint
from rs_core.training.radii import FILE_NAME as RADII_NAME
from rs_core.training.recipes import DualRSPicker
from rs_core.training.trainer import MEASURED_IMAGES


def labelled(
    recipe: Recipe,
    base: str,
    train: Dataset,
    test: Dataset | None,
    *,
    seed: int,
    folder: Path,
    device: str,
    saved: Checkpoint | None,
    quiet: bool,
) -> tuple[Dataset, Dataset | None]:
    """Both splits labelled by the radii of the network `base`; finished ones are in the folder.

    Args:
        saved: the checkpoint that is gone on from; its radii must be the same network's.
        quiet: say nothing beforehand.

    Raises:
        CheckpointError: the checkpoint learned from the radii of another network.
        ParameterError: the recipe learns from no other network, or that one has other classes.
        WeightsNotFoundError, ModelFileError: it is no network.
    """
    if not isinstance(recipe, DualRSPicker):
        raise ParameterError("this recipe learns from no other network: leave --base out.")
    network = load_classifier(model_source(base), device=device)
    learned = None if saved is None else saved.state["spec"]["provenance"].get("targets")
    if learned not in (None, recipe.radii.source(network)):
        raise CheckpointError(
            f"the checkpoint learned from {learned}, and these would be "
            f"{recipe.radii.source(network)}: resume with its --base, or choose another folder."
        )
    if not quiet:
        count = len(train) + (0 if test is None else min(len(test), MEASURED_IMAGES))
        print(
            f"first {count:,} images are certified by {network.title} at {len(recipe.sigmas)} "
            f"sigmas, {recipe.radius_n} copies each; what is finished is kept in {folder}/",
            flush=True,
        )

    def of(data: Dataset) -> Dataset:
        stream = recipe.radii.run(network, data, seed=seed, folder=folder)
        return follow(stream, label=f"radii of {network.title}")

    with resumable(folder):
        return of(train), None if test is None else of(test.subset(slice(MEASURED_IMAGES)))


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Ctrl-C says what is left, and how to go on from it."""
    try:
        yield
    except KeyboardInterrupt:
        if (folder / FILE_NAME).exists():
            raise KeyboardInterrupt(
                f"interrupted; rs train --resume {folder} goes on from its last checkpoint"
            ) from None
        kept = "nothing is kept"
        if any(folder.glob(RADII_NAME.format("*"))):
            kept = "the same command goes on from the radii that are finished"
        raise KeyboardInterrupt(f"interrupted before the first checkpoint: {kept}") from None
