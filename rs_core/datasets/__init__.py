"""Data sets of labelled images: embedded, from a folder, or fetched by torchvision."""

from rs_core.datasets.archives import load_archive
from rs_core.datasets.dataset import Dataset, pixel_digest
from rs_core.datasets.folders import DATASETS, DatasetFacts
from rs_core.datasets.loading import SPLITS, dataset_names, load_dataset

__all__ = [
    "DATASETS",
    "SPLITS",
    "Dataset",
    "DatasetFacts",
    "dataset_names",
    "load_archive",
    "load_dataset",
    "pixel_digest",
]
