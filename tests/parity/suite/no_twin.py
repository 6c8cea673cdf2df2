"""A plugin of pytest under which nothing of the twin can be imported: `-p tests.parity.suite.no_twin`."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Refusing(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0].startswith("twinvault"):
            raise ImportError(f"{fullname} is the twin's, or the library's: nothing here may need it")
        return None


sys.meta_path.insert(0, _Refusing())
