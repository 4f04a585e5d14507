"""Colour profiles: named and ignored, because networks have learnt plain sRGB numbers."""

from io import BytesIO

from PIL import ImageCms

_LONGEST = 40


def profile_notes(profile: bytes | None) -> tuple[str, ...]:
    """What is said of a file's ICC profile: nothing of sRGB, else that it was not applied."""
    if not profile:
        return ()
    try:
        told = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile)))
    except (OSError, ImageCms.PyCMSError):
        told = ""
    name = " ".join("".join(c if c.isprintable() else " " for c in told).split())[:_LONGEST]
    if "srgb" in name.lower():
        return ()
    return (f"colour profile ({name or 'unreadable'}) ignored: colours taken as sRGB",)
