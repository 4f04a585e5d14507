"""The verbs about images: read, shown again, taken from data sets, made noisy."""

from collections.abc import Callable
from typing import Any

from rs_core.datasets import Dataset
from rs_core.errors import DamagedError, NotFoundError, ParameterError
from rs_core.images import ImageInput
from rs_core.images.decoder import shared_decoder
from rs_core.results import ModelSpec, to_json
from rs_core.smoothing import noisy_copies
from rs_core.store import Belongings
from rs_core.worker.datasets import (
    bare_spec,
    held_out_images,
    index_words,
    split_words,
    spread_over_set,
    training_images,
)
from rs_core.worker.models import ModelCache
from rs_core.worker.pictures import (
    decode,
    image_of,
    picture_id,
    picture_json,
    picture_of_row,
    sample_data,
)
from rs_core.worker.request import MAX_IMAGES
from rs_core.worker.requests import Fields, owner_of
from rs_core.worker.tasks.base import MAX_SIGMAS

MAX_SHOWN = 64  # training images of one reply
PRECISIONS = ("auto", "fp32", "bf16")
Reply = dict[str, Any]


class ImageDesk:
    """Answers what is asked about images.

    Args:
        belongings: where an owner's images lie.
        shelf: whose networks say how an image is read.
        tidy: called before something is kept.

    Attributes:
        verbs: the answer of each.
    """

    def __init__(self, belongings: Belongings, shelf: ModelCache, tidy: Callable[[], None]) -> None:
        self._belongings, self._shelf, self._tidy = belongings, shelf, tidy
        self.verbs: dict[str, Callable[[Fields], Reply]] = {
            "decode": self._decode,
            "image": self._image,
            "images_of_set": self._images_of_set,
            "held_out_images": self._held_out,
            "training_images": self._training,
            "noise": self._noise,
        }

    def _decode(self, fields: Fields) -> Reply:
        owner, model = owner_of(fields), fields.text("model")
        label, invert = fields.maybe_whole("label"), fields.switch("invert")
        spec = self._shelf.spec(owner, model)
        if "sample" in fields:
            name = fields.text("sample")
            data, known = sample_data(name, spec)
            label = known if label is None else label
            picture = decode(data, spec, name=name, label=label, invert=invert)
        else:
            name, data = fields.text("name", "image", limit=1000), fields.data("data")
            picture = decode(
                data, spec, name=name, label=label, invert=invert, read=shared_decoder()
            )
        facts, image = picture_json(picture), picture_id(picture.image)
        self._tidy()
        self._belongings.keep_image(owner, image, facts | self._origin(owner, image))
        return _shown(image, facts)

    def _origin(self, owner: str, image: str) -> dict[str, Any]:
        """Where an image that is known already comes from: the same pixels are the same image."""
        try:
            known = self._belongings.image(owner, image)
        except (NotFoundError, DamagedError):
            return {}
        return {"origin": known["origin"]} if "origin" in known else {}

    def _images_of_set(self, fields: Fields) -> Reply:
        owner, spec = owner_of(fields), self._shelf.spec(owner_of(fields), fields.text("model"))
        count = _count(fields)
        data = spread_over_set(fields.text("set"), count, spec)
        return {"images": self._kept(owner, data, spec), "set": index_words(data)}

    def _held_out(self, fields: Fields) -> Reply:
        """Images of a set that no training here learns from, at the size that they have."""
        owner, name = owner_of(fields), fields.text("set")
        spec, data = bare_spec(name), held_out_images(name, _count(fields))
        return {"images": self._kept(owner, data, spec), "set": index_words(data)}

    def _training(self, fields: Fields) -> Reply:
        """Images that a training learns from, to be looked at only."""
        name, indices = fields.text("set"), fields.wholes("indices", limit=MAX_SHOWN)
        data, spec = training_images(name, indices), bare_spec(name)
        pictures = [picture_of_row(data, row, spec) for row in range(len(data))]
        return {
            "images": [
                {
                    "index": index, "label": picture.image.label,
                    "thumbnail": _address(picture_json(picture)["original"]),
                }
                for index, picture in zip(indices, pictures, strict=True)
            ]
        }  # fmt: skip

    def _kept(self, owner: str, data: Dataset, spec: ModelSpec) -> list[dict[str, Any]]:
        """Every image of a set, kept for its owner, as a page shows it."""
        self._tidy()
        shown = []
        for row, index in enumerate(data.indices.tolist()):
            picture = picture_of_row(data, row, spec)
            image, facts = picture_id(picture.image), picture_json(picture)
            origin = {"dataset": split_words(data), "index": index}
            self._belongings.keep_image(owner, image, facts | {"origin": origin})
            shown.append({
                "image": image, "name": picture.image.name, "label": picture.image.label,
                "index": index, "thumbnail": _address(facts["original"]),
            })  # fmt: skip
        return shown

    def _image(self, fields: Fields) -> Reply:
        image = fields.text("image")
        return _shown(image, self._belongings.image(owner_of(fields), image))

    def _noise(self, fields: Fields) -> Reply:
        owner = owner_of(fields)
        sigmas = fields.numbers("sigmas", limit=MAX_SIGMAS)
        image: ImageInput = image_of(self._belongings.image(owner, fields.text("image")))
        classifier = self._shelf.classifier(
            owner, fields.text("model"), fields.text("device", "auto"),
            fields.choice("precision", PRECISIONS, "auto"),
        )  # fmt: skip
        if image.pixels.shape != classifier.spec.input_shape:
            raise ParameterError("the image was read for another model: choose it again.")
        copies = noisy_copies(classifier, image, sigmas, seed=fields.whole("seed", 0))
        return {"sigmas": list(sigmas), "copies": to_json(copies)}


def _address(png: str) -> str:
    return f"data:image/png;base64,{png}"


def _count(fields: Fields) -> int:
    count = fields.whole("count")
    if not 1 <= count <= MAX_IMAGES:
        raise ParameterError(f"count={count} is out of range: give 1 to {MAX_IMAGES} images.")
    return count


def _shown(image: str, facts: dict[str, Any]) -> Reply:
    kept = facts["image"]
    return {
        "image": image, "pixels": kept["pixels"], "original": facts["original"],
        "name": kept["name"], "notes": kept["preprocessing"], "label": kept["label"],
        "inverted": facts["inverted"], "original_size": kept["original_size"],
    }  # fmt: skip
