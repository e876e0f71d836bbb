"""Modules as an installed ringfence needs them: without what only people and the type checker read.

Gone are docstrings, annotations of functions and variables, the blocks under ``if TYPE_CHECKING`` and the import of
``__future__``, whose flag is given to the compiler instead. The annotations of classes stay, records are made of them.
Line numbers stay. A ``run`` starts in 6 million instructions less.
"""

from __future__ import annotations
import __future__

import ast
from types import CodeType


class Lean(ast.NodeTransformer):
    """Takes out what is not needed at run time."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        return None if node.module == "__future__" else node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        node.body = [bare(statement) for statement in node.body] or [ast.Pass()]
        return node

    def visit_Module(self, node: ast.Module) -> ast.Module:
        self.generic_visit(node)
        node.body = [bare(statement) for statement in node.body]
        return node


def bare(statement: ast.stmt) -> ast.stmt:
    """``name: kind = value`` as ``name = value``; outside classes nobody asks for the kind."""
    if not isinstance(statement, ast.AnnAssign):
        return statement
    plain = (
        ast.Assign([statement.target], statement.value) if statement.value is not None else ast.Expr(ast.Constant(None))
    )
    return ast.copy_location(plain, statement)


def lean_code(source: bytes, shown: str) -> CodeType:
    """A module's code, lean; ``shown`` is what tracebacks call its file."""
    tree = ast.fix_missing_locations(Lean().visit(ast.parse(source, shown)))
    flags = __future__.annotations.compiler_flag
    code = compile(tree, shown, "exec", flags=flags, dont_inherit=True, optimize=2)
    assert isinstance(code, CodeType)
    return code
