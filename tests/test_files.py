"""Files are read with a bound, and text without what nobody sees."""

from __future__ import annotations

import os
import socket

import pytest

from oauthreg._files import read_file
from oauthreg._invisible import invisible_inside, stripped


def test_a_regular_file_is_read_up_to_its_limit(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    assert read_file(path, 5) == b"12345"
    with pytest.raises(OSError, match="Larger than 0 KiB"):
        read_file(path, 4)


def test_what_may_never_end_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for name in ("pipe", "socket", "/dev/zero", "/proc/kmsg", ".", "a\0b", "x" * 300):
            with pytest.raises(OSError, match=r"\w") as caught:
                read_file(tmp_path / name, 5)
            assert caught.value.strerror


def test_a_link_is_followed(tmp_path):
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to("target")
    assert read_file(tmp_path / "link", 5) == b"x"


@pytest.mark.parametrize(
    "around", ["\n", "\r\n", " ", "\t", "\ufeff", "\u200b", "\xa0", "\u2028", "\xad"]
)
def test_what_nobody_sees_is_stripped_at_the_ends_alone(around):
    assert stripped(f"{around}a{around}b{around}{around}") == f"a{around}b"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a b", "a blank"),
        ("a\tb", "a tab"),
        ("a\nb", "a line end"),
        ("a\x07b", "the invisible character U+0007"),
        ("a\u200bb", "the invisible character U+200B"),
        ("a\xa0b", "the invisible character U+00A0"),
        ("stra\xdfe-~", None),
    ],
)
def test_what_nobody_sees_inside_is_named(text, named):
    assert invisible_inside(text) == named


def test_blanks_count_only_where_they_are_no_part_of_the_value():
    assert invisible_inside("correct horse", allowed=" ") is None
    assert invisible_inside("correct horse\tstaple", allowed=" ") == "a tab"
