"""Images as a network takes them: from files, bytes, pictures or arrays, with notes."""

from rs_core.images.inversion import wants_inversion
from rs_core.images.listing import FolderListing, check_amount, folder_listing, image_files
from rs_core.images.loading import (
    ImageInput,
    clean_name,
    image_from_array,
    image_from_decoded,
    load_image,
)
from rs_core.images.paper_digits import centred_digit, is_dark_on_bright, reads_digits

__all__ = [
    "FolderListing",
    "ImageInput",
    "centred_digit",
    "check_amount",
    "clean_name",
    "folder_listing",
    "image_files",
    "image_from_array",
    "image_from_decoded",
    "is_dark_on_bright",
    "load_image",
    "reads_digits",
    "wants_inversion",
]
