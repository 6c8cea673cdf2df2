"""Compiled modules beside the artifact's sources: nothing that runs the artifact compiles it.

Lambda's folder of code cannot be written, so what is not compiled beforehand every cold start compiles anew: two thirds
of its time. They are PEP 552's unchecked, hash-based kind, which is valid whatever the sources' times (a zip does not
keep those) and read without a look at the sources.
"""

import importlib.util
import marshal
import sys
import warnings
from collections.abc import Iterator, Mapping

from twinvault_local.errors import BuildError

_TAG = "cpython-313"  # Lambda's interpreter; another one's would be passed over there
_UNCHECKED_HASH = (0b01).to_bytes(4, "little")
# Later forms write an object once and refer to it, as often as this process happens to hold it elsewhere: the bytes
# would not follow from the source alone. Python reads every form.
_MARSHAL_VERSION = 2
_WHERE = "/var/task/"  # as Lambda's tracebacks say; whoever imports a module puts its real path there


def with_compiled(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Returns these files and, of each Python module among them, what it compiles to, by their names.

    The bytes follow from the files alone.

    Raises:
        BuildError: this is not the interpreter that Lambda runs.
    """
    if sys.implementation.cache_tag != _TAG:
        raise BuildError(f"The artifact's modules are compiled for {_TAG}; this is {sys.implementation.cache_tag}.")
    return {**files, **dict(_compiled(files))}


def _compiled(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for name, source in files.items():
        if name.endswith(".py"):
            try:
                yield importlib.util.cache_from_source(name), _module(name, source)
            except SyntaxError:
                continue  # a wheel may bring what it imports on other Pythons alone


def _module(name: str, source: bytes) -> bytes:
    with warnings.catch_warnings(action="ignore"):  # of others' code, which nobody here can change
        code = compile(source, _WHERE + name, "exec", dont_inherit=True, optimize=0)
    header = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source)
    return header + marshal.dumps(code, _MARSHAL_VERSION)
