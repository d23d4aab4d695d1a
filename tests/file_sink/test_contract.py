"""Files keep what every sink keeps."""

from pathlib import Path

import pytest

from support.file_place import FilePlace
from support.sink_contract import SinkContract


class TestFiles(SinkContract):
    """A file in an empty folder."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> FilePlace:
        """An empty folder."""
        return FilePlace(tmp_path)
