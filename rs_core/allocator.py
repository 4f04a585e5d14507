"""The C library's memory allocator, tuned for networks; called once, by a process's entry."""

import ctypes
import platform
import sys

_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3


def keep_freed_memory() -> bool:
    """True where glibc now keeps freed memory instead of handing it back to the kernel.

    A network's activations take megabytes. By default glibc hands them back after every layer and
    the kernel zeroes each page again, which made votes up to half as slow again and a training
    epoch up to seven times slower. The settings concern the whole process, so only a process's
    entry (the command line, the worker, your script) may call this; a library that is merely
    imported must not. Elsewhere than on Linux with glibc nothing is changed and the answer is
    False.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    settings = (
        (_M_MMAP_THRESHOLD, 1 << 30),
        (_M_TRIM_THRESHOLD, 2**31 - 1),
        (_M_TOP_PAD, 1 << 28),
    )
    return all(libc.mallopt(name, value) == 1 for name, value in settings)
