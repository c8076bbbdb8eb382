"""The mutants of a file: small changes of its code, each of which a test should see.

The changes are operators of cosmic-ray, and a few more in the same form for what this code consists of: calls for their
effect, values that are returned, filters of comprehensions. Annotations are left alone, and so are replacements that
always mean the same, or nothing at all. Where several operators apply to one place, a sample has one mutant of it.
"""

import ast
import difflib
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import Keyword

# A decorator that is gone, or arithmetic in another kind, breaks whatever there is; `==` for `is` breaks nothing.
NAMES: Final = (
    *("AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer"),
    *("ZeroIterationForLoop", "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_USub_UAdd"),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_Gt", "Gt_Lt")),
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul")),
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("BitOr_BitAnd", "BitAnd_BitOr", "Mod_Mul")),
)


class DropCall(Operator):
    """Leaves out a call that is there for its effect."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Yield the place of a statement that is a call."""
        if node.type == "simple_stmt" and node.children[0].type in {"atom_expr", "power"}:
            call = node.children[0]
            if call.children[-1].type == "trailer" and call.children[-1].children[0].value == "(":
                yield call.start_pos, call.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Do nothing in its place."""
        call = node.children[0]
        node.children[0] = Keyword("pass", call.start_pos, call.get_first_leaf().prefix)
        return node

    @classmethod
    def examples(cls) -> Sequence[Any]:
        """Return nothing: examples are for documents of cosmic-ray."""
        return ()


class ReturnNone(DropCall):
    """Returns None in the place of a value."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Yield the place of a value that is returned."""
        if node.type == "return_stmt" and node.children[1].get_code().strip() not in {"None", "True", "False"}:
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return None."""
        node.children[1] = Keyword("None", node.children[1].start_pos, " ")
        return node


class NegateFilter(DropCall):
    """Turns the condition of a comprehension round."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Yield the place of a condition."""
        if node.type == "comp_if":
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Negate it."""
        node.children[1] = parso.parse(f" (not ({node.children[1].get_code().strip()}))")
        return node


class NotIn(DropCall):
    """Looks for what is not in it."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Yield the place of a word `in` that compares."""
        if node.type == "keyword" and node.value == "in" and node.parent.type == "comparison":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Negate it."""
        node.value = "not in"
        return node


OPERATORS: Final[dict[str, Operator]] = {
    **{name: get_operator(f"core/{name}")() for name in NAMES},
    **{each.__name__: each() for each in (DropCall, ReturnNone, NegateFilter, NotIn)},
}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change of a file (its path from the root of the project), at a line of it."""

    path: str
    line: int
    operator: str
    occurrence: int
    # What tells it from others whatever changes elsewhere in the file.
    name: str

    def text(self, source: str) -> str:
        """Return the file with the change in it."""
        return str(mutate_code(source, OPERATORS[self.operator], self.occurrence))

    def diff(self, source: str) -> tuple[str, str]:
        """Return the lines that are changed, as they were and as they are, each as one line."""
        changes = list(difflib.ndiff(source.splitlines(), self.text(source).splitlines()))
        return tuple(" ".join(each[2:].strip() for each in changes if each[:2] == sign) for sign in ("- ", "+ "))  # type: ignore[return-value]


def mutants(root: Path, path: str) -> list[list[Mutant]]:
    """Return the mutants of a file, those of one place together."""
    source = (root / path).read_text()
    lines, kept = source.splitlines(), _kept(source)
    # In the order in which cosmic-ray counts.
    nodes = list(ast_nodes(get_ast(source)))
    stars = {node.start_pos for node in nodes if _is_star(node)}
    seen: Counter[str] = Counter()
    places: dict[tuple[int, int], list[Mutant]] = {}
    for name, operator in OPERATORS.items():
        found = (start for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, place in enumerate(found):
            if place in stars or any(start <= place < end for start, end in kept):
                continue
            label = f"{path}: {lines[place[0] - 1].strip()} [{name}]"
            seen[label] += 1
            mutant = Mutant(
                path=path, line=place[0], operator=name, occurrence=occurrence, name=f"{label} {seen[label]}"
            )
            places.setdefault(place, []).append(mutant)
    return [found for _, found in sorted(places.items())]


def sample(root: Path, paths: Sequence[str], count: int, seed: int) -> tuple[list[Mutant], int]:
    """Return so many mutants, of different places, and how many places there are.

    What is chosen depends on the seed and on the text of each place: a change elsewhere makes it no other sample.
    """

    def drawn(mutant: Mutant) -> bytes:
        return hashlib.blake2b(f"{seed} {mutant.name}".encode()).digest()

    places = [min(found, key=drawn) for path in paths for found in mutants(root, path)]
    chosen = sorted(places, key=drawn)[: count or None]
    return sorted(chosen, key=lambda each: (each.path, each.line)), len(places)


def statement(source: str, line: int) -> range:
    """Return the lines of the innermost statement at a line, without those of its body."""
    found = range(line, line + 1)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if isinstance(body, list) and body[0].lineno > line else node.end_lineno
            if line <= (end or 0):
                found = range(node.lineno, (end or 0) + 1)
    return found


def _is_star(node: Any) -> bool:
    """Say whether a node is the star of parameters or arguments, which is no product."""
    return node.type == "operator" and node.parent.type in {"parameters", "param", "argument"}


def _kept(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where types are told, and numbers that were chosen: one more or less is no fault."""
    found: list[ast.expr | ast.stmt] = []
    for node in ast.walk(ast.parse(source)):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            found += [part] if isinstance(part, ast.expr) else []
        if isinstance(node, ast.AnnAssign) and node.value and _is_number(node.value):
            found.append(node)
        # A type may have a name.
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp | ast.Subscript):
            named = node.targets[0]
            if isinstance(named, ast.Name) and named.id.strip("_")[:1].isupper() and not named.id.isupper():
                found.append(node)
    return [((each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0)) for each in found]


def _is_number(value: ast.expr) -> bool:
    parts = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)
    return all(isinstance(each, parts) for each in ast.walk(value))
