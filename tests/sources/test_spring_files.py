"""Spring's two file formats: how Boot divides, decodes and flattens them."""

from __future__ import annotations

import sys

import pytest

P = "spring.security.oauth2.client."


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.yml", "x: s3cr3t: y", "a.yml: is not valid YAML (line 1, column 10)"),
        ("a.yml", "x: 1\nx: 2", "a.yml: is not valid YAML (line 2, column 1)"),
        ("a.yml", "? [x]\n: 2", "a.yml: is not valid YAML (line 1, column 3)"),
        ("a.yml", "x: {<<: s3cr3t}", "a.yml: is not valid YAML (line 1, column 9)"),
        ("a.yml", "x: {<<: [s3cr3t]}", "a.yml: is not valid YAML (line 1, column 10)"),
        ("a.yml", "x: *s3cr3t", "a.yml: is not valid YAML (line 1, column 4)"),
        ("a.yml", "!vault x: s3cr3t", "a.yml: has a tag that is not read (line 1, column 1)"),
        ("a.yml", "x: !vault s3cr3t", "a.yml: has a tag that is not read (line 1, column 4)"),
        ("a.yml", "x: \x01", "a.yml: is not valid YAML"),
        ("a.yml", "x: &x [*x]", "a.yml: is not valid YAML"),
        ("a.properties", "a=1\nb=\\u12s3cr3t", "a.properties: is not a valid properties file"),
    ],
)
def test_a_spring_file_that_cannot_be_used_is_a_problem(folder, name, text, problem):
    folder.write(name, text)
    assert folder.problem(name).startswith(problem)
    assert "s3cr3t" not in folder.problem(name)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "a.yml",
            "x: @name@",
            "'@' that cannot start any token\n    Put a value that begins so in",
        ),
        ("a.yml", "x:\n\ty: 1", "\n    Indent by blanks."),
        ("a.yml", "x: a: b", "mapping values are not allowed here\n    Put a value with a colon"),
        ("a.yml", "x: 1\nx: 2", "(line 2, column 1): a key stands twice"),
        ("a.yml", "x: &x [*x]", "an alias within what it names"),
        ("a.yml", "x: *unknown", "(line 1, column 4)"),
        ("a.properties", "a=1\nb=C:\\users", "(line 2): \\u begins a character's code"),
    ],
)
def test_a_spring_file_that_cannot_be_used_says_why_and_what_to_write(folder, name, text, words):
    folder.write(name, text)
    problem = folder.problem(name)
    assert words in problem
    assert "unknown" not in problem


def test_divisions_of_properties_are_boots(folder):
    key = f"{P}registration.a.client-"
    texts = {
        f"{key}id=a\n#---\nspring.config.activate.on-profile=x\n{key}id=b": "a",
        f"{key}id=a\n#---\n# joins\nspring.config.activate.on-profile=x": None,
        f"{key}id=a\n#---\n!---\n# joins\nspring.config.activate.on-profile=x": None,
        f"{key}id=a\n# no division\n#---\nspring.config.activate.on-profile=x": None,
        f"{key}id=a\n! one\n#---\nspring.config.activate.on-profile=x": "a",
        f"{key}id=a\n #---\nspring.config.activate.on-profile=x": None,
        f"{key}id=a\n#--- \nspring.config.activate.on-profile=x": "a",
    }
    for text, expected in texts.items():
        folder.write("a.properties", text)
        values = folder.values("a.properties")
        found = values["registration"]["a"]["client-id"] if values else None
        assert found == expected, text


def test_a_line_that_boot_loses_after_a_division_is_a_problem(folder):
    folder.write("a.properties", "a=b\n#--- \n  c=d")
    assert "begins a line with a blank after a division" in folder.problem("a.properties")


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"=caf\xe9", "caf\xe9"),
        ("=caf\xe9".encode(), "caf\xe9"),
        (b"=caf\\u00e9", "caf\xe9"),
        ("\ufeff=caf\xe9".encode(), "caf\xe9"),
        ("\ufeff=caf\xe9".encode("utf-16-le"), "caf\xe9"),
        ("\ufeff=caf\xe9".encode("utf-16-be"), "caf\xe9"),
    ],
)
def test_a_properties_file_in_any_usual_encoding(folder, content, value):
    mark = "=".encode("utf-16-le") if b"\xff\xfe" in content else b"="
    mark = "=".encode("utf-16-be") if b"\xfe\xff" in content else mark
    name = f"{P}registration.a.client-id"
    encoding = {b"=": "ascii", b"=\0": "utf-16-le", b"\0=": "utf-16-be"}[mark]
    written = content.replace(mark, name.encode(encoding) + mark, 1)
    folder.path.joinpath("a.properties").write_bytes(written)
    assert folder.values("a.properties") == {"registration": {"a": {"client-id": value}}}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.yml", b"x: \xe9", "a.yml: is not UTF-8 text"),
        ("a.properties", b"\xff\xfe\x00", "a.properties: is not UTF-16 text"),
        ("a.yml", b"spring.config.import: x.properties[encoding=odd]", "no encoding 'odd'"),
        ("a.yml", b"spring.config.import: x.properties[encoding=ascii]", "is not ASCII text"),
        ("a.yml", b"spring.config.import: folder.yml", "folder.yml: cannot be read: Is a dir"),
    ],
)
def test_a_file_that_is_no_text_is_a_problem(folder, name, content, problem):
    folder.path.joinpath("x.properties").write_bytes(b"x=\xe9")
    folder.path.joinpath("folder.yml").mkdir()
    folder.path.joinpath(name).write_bytes(content)
    assert problem in folder.problem(name)


def test_a_list_of_properties_in_one_line(folder):
    folder.write("a.properties", f"{P}registration.a.scope[] = x, y\\\n   ,z\\,w\n=nothing\n")
    assert folder.values("a.properties")["registration"]["a"]["scope"] == ["x", "y", "z,w"]


@pytest.mark.parametrize(
    ("library", "name"), [("javaproperties", "a.properties"), ("yaml", "a.yml")]
)
def test_a_missing_library_is_a_problem_that_says_what_to_install(
    folder, monkeypatch, library, name
):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "oauthreg._sources.spring_yaml", raising=False)
    folder.write(name, "")
    assert folder.problem(name).endswith("missing\n    pip install 'oauthreg[spring]'")
