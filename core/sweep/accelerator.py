"""The optional faster engine (`cliploc[fast]`): placeholder"""

from core.sweep.engine import Kernels


def kernels_named(name: str) -> Kernels:
    return Kernels()


def engine_for(wish: str) -> str:
    return "opencv"
