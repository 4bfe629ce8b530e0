"""Header fields of httpx and httpx2 whose copies lack the token; imports neither library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class TokenHeaders:
    """Shows the fields that came with a token, and keeps them out of any copy of itself.

    httpx follows a redirect with a copy of the request's fields, less Authorization. So one that
    carries the token in another field would follow to any origin. What is kept out of copies also
    stays out of repr. Mixed in before a library's `Headers`, whose storage copies are made of.

    Args:
        headers: The fields of a request, those of the token too.
        names: Which fields are the token's.
    """

    def __init__(self, headers: Any, names: Collection[str]) -> None:
        super().__init__(headers)  # type: ignore[call-arg] # of the library's class
        self._plain: Any = type(self).__mro__[2]
        self._of_the_token = self._plain({name: headers[name] for name in names})
        for name in names:
            super().__delitem__(name)  # type: ignore[misc]

    def _whole(self) -> Any:
        whole = self._plain(self)
        whole.update(self._of_the_token)
        return whole

    @property
    def raw(self) -> Any:
        """The fields as they are sent."""
        return self._whole().raw

    def multi_items(self) -> Any:
        """Return name and value of each field."""
        return self._whole().multi_items()

    def items(self) -> Any:
        """Return names and values."""
        return self._whole().items()

    def keys(self) -> Any:
        """Return the names."""
        return self._whole().keys()

    def values(self) -> Any:
        """Return the values."""
        return self._whole().values()

    def get_list(self, key: str, split_commas: bool = False) -> Any:  # noqa: FBT001, FBT002 - the library's
        """Return every value of a field."""
        return self._whole().get_list(key, split_commas)

    def __getitem__(self, key: str) -> Any:
        return self._whole()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._whole()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())

    def __setitem__(self, key: str, value: str) -> None:
        self._of_the_token.pop(key, None)
        super().__setitem__(key, value)  # type: ignore[misc]

    def __delitem__(self, key: str) -> None:
        if self._of_the_token.pop(key, None) is None:
            super().__delitem__(key)  # type: ignore[misc]

    def __repr__(self) -> str:
        return repr(self._plain(self))
