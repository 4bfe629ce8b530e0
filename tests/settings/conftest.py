"""What the settings tests share: a folder with a settings file, loaded or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from oauthreg import ConfigurationError, Problem
from oauthreg._settings.load import Configuration, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = "planted-secret-value"


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., Configuration]:
    """Load a TOML text."""

    def load_text(text: str, **options) -> Configuration:
        path = tmp_path / "settings.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, **options)

    return load_text


@pytest.fixture
def problems(loaded) -> Callable[..., dict[str, Problem]]:
    """Load a TOML text that must be refused; give its problems by path."""

    def problems_of(text: str, **options) -> dict[str, Problem]:
        with pytest.raises(ConfigurationError) as caught:
            loaded(text, **options)
        assert SECRET not in str(caught.value)
        assert SECRET not in repr(caught.value.problems)
        return {problem.path: problem for problem in caught.value.problems}

    return problems_of
