"""A sigma for every training image: how it is assigned, one file each."""

from rs_core.training.per_image.base import PerImage
from rs_core.training.per_image.data_dependent import DataDependent
from rs_core.training.per_image.insta import Insta
from rs_core.training.per_image.pretrain_finetune import PretrainFinetune
from rs_core.training.per_image.stored import Stored

PER_IMAGE: dict[str, type[PerImage]] = {
    "data_dependent": DataDependent,
    "pretrain_finetune": PretrainFinetune,
    "insta": Insta,
    "stored": Stored,
}

__all__ = ["PER_IMAGE", "DataDependent", "Insta", "PerImage", "PretrainFinetune", "Stored"]
