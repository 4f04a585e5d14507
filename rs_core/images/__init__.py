"""Images as a network takes them: from files, bytes, pictures or arrays, with notes."""

from rs_core.images.loading import (
    ImageInput,
    clean_name,
    image_files,
    image_from_array,
    load_image,
)

__all__ = ["ImageInput", "clean_name", "image_files", "image_from_array", "load_image"]
