"""Writes documents of properties as `.properties` and YAML, in the ways people do."""

from __future__ import annotations

import json
import re

_COMMENTS = (
    "# a comment",
    "#",
    "! another",
    "# password: secret",
    "#key=value",
    "#----",
    "# ---",
    "#--- x",
)
_PLAIN = re.compile(r"[A-Za-z0-9/][\w./@+=-]*(:[\w/@.+=-]+)*")


def properties(random, documents) -> str:
    lines = []
    for at, entries in enumerate(documents):
        if at:
            lines.append(random.choice(["#---"] * 6 + ["!---", "#--- ", " #---", "#---\n# after"]))
        elif random.random() < 0.2:
            lines.append(random.choice(_COMMENTS))
        for key, value in entries:
            lines += _property(random, key, value)
            if random.random() < 0.06:
                lines.append(random.choice([*_COMMENTS, ""]))
        if at + 1 < len(documents) and random.random() < 0.1:
            lines.append(random.choice(_COMMENTS))
    return _ended(random, "\n".join(lines))


def _ended(random, text):
    """End a text, perhaps without a line end, or with those of Windows throughout."""
    end = random.choice(["\n"] * 8 + ["\r\n", ""])
    return (text + end).replace("\n", "\r\n") if end == "\r\n" else text + end


def _property(random, key, value):
    if isinstance(value, list):
        style = random.random()
        if style < 0.2:
            return _property(random, key, ",".join(value))
        if style < 0.25:
            return [f"{key}[]={','.join(value)}"]
        start = 1 if style > 0.97 else 0
        return [f"{key}[{at}]={_escaped(item)}" for at, item in enumerate(value, start)]
    mark = random.choice(["="] * 8 + [" = ", ": ", ":", " "])
    text = _escaped(value)
    if random.random() < 0.04 and len(text) > 4 and "\\" not in text:
        text = f"{text[:3]}\\\n    {text[3:]}"
    if random.random() < 0.03:
        text += random.choice([" ", "  # not a comment"])
    return [f"{'  ' if random.random() < 0.03 else ''}{key}{mark}{text}"]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\") if text.startswith("\\$") else text


def yml(random, documents) -> str:
    parts = []
    for at, entries in enumerate(documents):
        if at:
            parts.append(random.choice(["---"] * 6 + ["--- # next", "---\n# after"]))
        elif random.random() < 0.15:
            parts.append(random.choice(["# a comment", "---", "#"]))
        tree = _tree(random, entries)
        lines = _yaml(random, tree, 0)
        parts += lines or ["{}"]
        if random.random() < 0.05:
            parts.append("# trailing")
    mark = "\ufeff" if random.random() < 0.01 else ""
    return mark + _ended(random, "\n".join(parts))


def _tree(random, entries):
    """Nest keys by their dots: all, none, or down to some depth."""
    tree: dict = {}
    style = random.random()
    for key, value in entries:
        depth = 99 if style < 0.7 else 0 if style < 0.85 else random.randrange(1, 6)
        parts = [p for p in re.split(r"\.(?![^\[]*\])|(?=\[)", key) if p]
        head, tail = parts[:depth], parts[depth:]
        last = ""
        for part in tail:
            last += part if part.startswith("[") or not last else f".{part}"
        path = [*head, *([last] if last else [])]
        node = tree
        for part in path[:-1]:
            below = node.setdefault(part, {})
            if not isinstance(below, dict):
                below = node[part] = {}
            node = below
        if not isinstance(node.get(path[-1]), dict):
            node[path[-1]] = value
    return tree


def _yaml(random, tree, depth):
    lines = []
    pad = "  " * depth
    for key, value in tree.items():
        name = json.dumps(key) if key.startswith("[") or random.random() < 0.02 else key
        if isinstance(value, dict):
            leaves = all(isinstance(v, str) for v in value.values())
            if leaves and value and random.random() < 0.06:
                inside = ", ".join(f"{json.dumps(k)}: {_quoted(v)}" for k, v in value.items())
                lines.append(f"{pad}{name}: {{{inside}}}")
            else:
                lines.append(f"{pad}{name}:")
                lines += _yaml(random, value, depth + 1)
        elif isinstance(value, list):
            if random.random() < 0.3:
                lines.append(f"{pad}{name}: [{', '.join(_quoted(v) for v in value)}]")
            elif random.random() < 0.15:
                lines.append(f"{pad}{name}: {_scalar(random, ','.join(value))}")
            else:
                lines.append(f"{pad}{name}:")
                lines += [f"{pad}  - {_scalar(random, item)}" for item in value]
        elif value and random.random() < 0.03:
            lines += [f"{pad}{name}: {random.choice(['|', '>', '|-', '>-'])}", f"{pad}  {value}"]
        elif random.random() < 0.01:
            lines.append(f"{pad}{name}: &anchor{len(lines)} {_quoted(value)}")
        else:
            comment = "  # why" if random.random() < 0.05 else ""
            lines.append(f"{pad}{name}: {_scalar(random, value)}{comment}")
    return lines


def _scalar(random, text):
    if text == "":
        return random.choice(['""', "''", "", "~", "null"])
    plain = text.startswith("${") and ": " not in text and "#" not in text
    if (_PLAIN.fullmatch(text) or plain) and random.random() < 0.75:
        return text
    return _quoted(text) if random.random() < 0.6 else "'" + text.replace("'", "''") + "'"


def _quoted(text):
    return json.dumps(text, ensure_ascii=False)
