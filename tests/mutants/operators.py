"""Ways to break a program: each yields what stands there, and what to write instead."""

from __future__ import annotations

import ast
from dataclasses import dataclass

FLIPPED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
SILENT = {"debug", "info", "warning", "exception", "log"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        path: The file, from the root of the tree.
        start: Where in its bytes the change begins.
        end: Where it ends.
        line: The line it is on.
        was: What stands there.
        becomes: What is written instead.
    """

    path: str
    start: int
    end: int
    line: int
    was: str
    becomes: str

    def applied(self, source: bytes) -> bytes:
        """Return the file's content with the change in it."""
        return source[: self.start] + self.becomes.encode() + source[self.end :]


def expressions(node):
    """Yield what an expression may become."""
    match node:
        case ast.Compare(left, [operator], [right]) if type(operator) in FLIPPED:
            yield ast.Compare(left, [FLIPPED[type(operator)]()], [right])
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(FLIPPED[type(operator)](), values)
            for value in values:
                rest = [other for other in values if other is not value]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.BinOp(left, operator, right) if type(operator) in FLIPPED:
            yield ast.BinOp(left, FLIPPED[type(operator)](), right)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Call(ast.Name(name), arguments, keywords) if name in SWAPPED:
            yield ast.Call(ast.Name(SWAPPED[name]), arguments, keywords)


def may_go(node):
    """Whether a statement can be left out: a call for its effect, an error, an attribute set."""
    match node:
        case ast.Expr(ast.Call(ast.Attribute(attr=name))) if name in SILENT:
            return False
        case ast.Expr(ast.Call() | ast.Await()) | ast.Raise():
            return True
        case ast.Assign([ast.Attribute() | ast.Subscript()]) | ast.Delete():
            return True
    return False


def mutants(path, source):
    """Yield every mutant of a file.

    Args:
        path: The file, from the root of the tree.
        source: Its content, as bytes.
    """
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    for node in _nodes(ast.parse(source)):
        if not hasattr(node, "lineno"):
            continue
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        was = source[start:end].decode()
        changed = [f"({ast.unparse(new)})" for new in expressions(node)]
        if may_go(node):
            changed.append("pass")
        if isinstance(node, ast.Return) and node.value and not _is_none(node.value):
            changed.append("return None")
        for becomes in changed:
            yield Mutant(path, start, end, node.lineno, was, becomes)


def _is_none(node):
    return isinstance(node, ast.Constant) and node.value is None


def _nodes(node):
    """Yield the nodes that run: no annotations, no imports for type checkers, no texts."""
    match node:
        case ast.If(ast.Name("TYPE_CHECKING")) | ast.JoinedStr():
            return
    yield node
    skipped = {"annotation", "returns", "decorator_list", "bases"}
    for field, value in ast.iter_fields(node):
        if field not in skipped:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _nodes(child)
