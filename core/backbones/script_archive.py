"""TorchScript archives, such as OpenAI's own files of CLIP: their tensors by name, and nothing else of them.

An archive is a zip: `data.pkl` holds the modules with their attributes, `data/N` the numbers of one
storage each, `code/` a program, which is not looked at. Unpickling makes tensors and inert objects
alone; any other name in it is refused. Sizes are checked before anything of that size is made.
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

_LARGEST_PICKLE = 64 << 20  # bytes
_DEPTH = 32  # modules within modules
_DTYPES = {
    "FloatStorage": torch.float32, "HalfStorage": torch.float16, "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}  # fmt: skip
# Numbers that OpenAI's archives of CLIP carry beside the weights, and nobody else's.
_OPENAI = (b"input_resolution", b"context_length", b"vocab_size")


def is_script(path: Path) -> bool:
    """Whether a file is a TorchScript archive: a zip with a program in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any("/code/" in name for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def is_openai(path: Path) -> bool:
    """Whether it is one of OpenAI's, whose activation and pictures are known therefore."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = _pickle_of(archive) if is_script(path) else b""
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return all(name in names for name in _OPENAI)


def read_script(path: Path) -> dict[str, Tensor]:
    """The tensors of a TorchScript archive, by the names of the modules that hold them.

    pickle.UnpicklingError or ValueError for what is no such archive, or holds anything else.
    """
    with zipfile.ZipFile(path) as archive:
        stored = [each for each in archive.infolist() if "/data/" in each.filename]
        if any(each.compress_type != zipfile.ZIP_STORED for each in stored):
            raise ValueError("packed numbers, which torch does not write")
        if sum(each.file_size for each in stored) > path.stat().st_size:
            raise ValueError("more numbers than the file is long")
        root = _Reader(archive, stored).load()
    return dict(_tensors(root, "", 0))


def _pickle_of(archive: zipfile.ZipFile) -> bytes:
    found = [each for each in archive.infolist() if each.filename.endswith("/data.pkl")]
    if len(found) != 1 or found[0].file_size > _LARGEST_PICKLE:
        raise ValueError(f"found {len(found)} data.pkl, expected one of at most {_LARGEST_PICKLE >> 20} MB")
    return archive.read(found[0])


class _Module:
    """What stands for a module of the program: its attributes."""

    attributes: ClassVar[dict[str, Any]] = {}

    def __setstate__(self, state: object) -> None:
        self.__dict__["attributes"] = state if isinstance(state, dict) else {}


def _tensors(module: _Module, prefix: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    if depth > _DEPTH:
        raise ValueError(f"modules within modules, more than {_DEPTH}")
    for name, value in module.attributes.items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
        elif isinstance(value, _Module):
            yield from _tensors(value, f"{prefix}{name}.", depth + 1)


class _Reader(pickle.Unpickler):
    """Makes tensors and inert modules; refuses every other name."""

    def __init__(self, archive: zipfile.ZipFile, stored: list[zipfile.ZipInfo]) -> None:
        super().__init__(BytesIO(_pickle_of(archive)))
        self._archive = archive
        self._stored = {each.filename.rpartition("/")[2]: each for each in stored}
        self._storages: dict[str, Tensor] = {}

    def load(self) -> _Module:
        found = super().load()
        if not isinstance(found, _Module):
            raise pickle.UnpicklingError(f"a {type(found).__name__} where a module was expected")
        return found

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  as pickle has it
        if module == "__torch__" or module.startswith("__torch__."):
            return _Module
        if module == "torch" and name in _DTYPES:
            return name
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuilder()
        raise pickle.UnpicklingError(f"{module}.{name} is neither a tensor nor a module")

    def persistent_load(self, pid: Any) -> Tensor:  # noqa: ANN401  as pickle has it
        """The numbers of one storage."""
        _, kind, key, _, count = pid
        dtype, entry = _DTYPES[kind], self._stored[key]
        if entry.file_size != count * dtype.itemsize:
            raise ValueError(f"storage {key} has {entry.file_size} bytes, expected {count} {dtype}")
        if key not in self._storages:
            content = bytearray(self._archive.read(entry))
            self._storages[key] = (
                torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
            )
        return self._storages[key]

    @staticmethod
    def _rebuilder() -> Callable[..., Tensor]:
        # Anew each time: a pickle may set attributes of what it was given.
        def rebuild(
            storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
        ) -> Tensor:
            last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
            inside = min((offset, *size, *stride), default=0) >= 0 and last < len(storage)
            if math.prod(size) and not (inside and math.prod(size) <= len(storage)):
                raise ValueError(f"a tensor of {size} outside its {len(storage)} numbers")
            return storage.as_strided(size, stride, offset)

        return rebuild
