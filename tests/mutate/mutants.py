#!/usr/bin/env python3
"""mutants.py TREE: copies of the deciding sources, with every mutant in them and none switched on; and TREE/list.

A mutant is a number; the copy asks MUTANT(n) where it lies, and tests/mutate/switch.c says yes to one of them
(FERRYMAN_MUTANT). Nothing is listed by hand: rows come from lifecycle.def, guards and thresholds are the operands of every
condition of the other files. A line of the list: number, file:line, what is changed.

    row N away       the row is not there        row N turned   a refusal accepts and stays, any other row refuses
    row N in place   it moves nowhere            row N idle     it leads to nothing
    row N always     it holds whether paused or blind or not
    off, on          the operand is always false, always true
    < as <=          a threshold counts its own value, or no longer
"""
import pathlib
import re
import sys

CORE = pathlib.Path("orchestrator/core")
CONDITIONS = ["decide.c", "decide_command.c", "diagnose.c"]
OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}

out = pathlib.Path(sys.argv[1])
mutants = []


def mutant(place, what):
    mutants.append(f"{len(mutants) + 1} {place} {what}")
    return len(mutants)


# --- rows ---


def rows():
    """lifecycle.c with a table that can be written, and what each mutant does to it."""
    text = (CORE / "lifecycle.c").read_text(encoding="utf-8")
    text = text.replace("static const struct life_row table[] = {", "static struct life_row table[] = {")
    def_lines = (CORE / "lifecycle.def").read_text(encoding="utf-8").splitlines()
    code, i = [], 0
    for number, line in enumerate(def_lines, 1):
        m = re.match(r"ROW\((\d+), (\w+), (\w+), (\w+), (\w+), (\w+),", line)
        if not m:
            continue
        row, state, _, when, to, act = m.groups()
        place = f"lifecycle.def:{number} row {row}"

        def change(what, how):
            code.append(f"\tif (MUTANT({mutant(place, what)})) {{ {how} }}")

        t = f"table[{i}]"
        change("away", f"{t}.from = LS_N;")
        if act == "REFUSE":
            change("turned", f"{t}.act = LD_STAY;")
        else:
            change("turned", f"{t}.act = LD_REFUSE; {t}.to = {t}.from;")
        if to != state:
            change("in place", f"{t}.to = {t}.from;")
        if act not in ("REFUSE", "STAY"):
            change("idle", f"{t}.act = LD_STAY;")
        if when != "ALWAYS":
            change("always", f"{t}.flags_mask = {t}.flags_want = 0;")
        i += 1
    return (
        text
        + "\nstatic void __attribute__((constructor(200)))\nmutate(void)\n{\n"
        + "\n".join(code)
        + "\n}\n"
    )


# --- conditions ---


def blanked(text):
    """The text with comments, strings and character constants made blank, so that only code is looked at."""
    return re.sub(
        r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'',
        lambda m: re.sub(r"[^\n]", "_" if m.group(0)[0] != "/" else " ", m.group(0)),
        text,
        flags=re.S,
    )


def closing(code, at):
    """The place behind the bracket that closes the one at `at`."""
    depth = 0
    for k in range(at, len(code)):
        depth += code[k] in "([{"
        depth -= code[k] in ")]}"
        if depth == 0:
            return k + 1
    raise ValueError("a bracket that does not close")


def operators(code, begin, end, pattern):
    """Places of the operators that stand outside of all brackets."""
    depth, found = 0, []
    for k in range(begin, end):
        depth += code[k] in "([{"
        depth -= code[k] in ")]}"
        m = re.compile(pattern).match(code, k) if depth == 0 else None
        if m and not (found and found[-1].end() > k):
            found.append(m)
    return found


def leaves(code, begin, end):
    """The operands of a condition: (begin, end), outermost || and && and brackets taken apart."""
    while begin < end and code[begin].isspace():
        begin += 1
    while end > begin and code[end - 1].isspace():
        end -= 1
    if begin >= end or operators(code, begin, end, r"\?"):
        return []
    for op in (r"\|\|", r"&&"):
        found = operators(code, begin, end, op)
        if found:
            edges = [begin] + [x for m in found for x in (m.start(), m.end())] + [end]
            return [p for i in range(0, len(edges), 2) for p in leaves(code, edges[i], edges[i + 1])]
    if code[begin] == "(" and closing(code, begin) == end:
        return leaves(code, begin + 1, end - 1)
    return [(begin, end)]


def contexts(code):
    """Where conditions stand: behind if, and what is returned or assigned if it has an operator of one."""
    for m in re.finditer(r"\bif \(", code):
        yield m.end(), closing(code, m.end() - 1) - 1
    for m in re.finditer(r"\breturn ([^;]*);|[\w\])] = ([^;{}]*);", code):
        group = 1 if m.group(1) is not None else 2
        begin, end = m.span(group)
        if operators(code, begin, end, r"&&|\|\||[<>]=?(?![<>=])|[!=]="):
            yield begin, end


def conditions(name):
    text = (CORE / name).read_text(encoding="utf-8")
    code = blanked(text)
    code = re.sub(r"^#.*?(?<!\\)$", lambda m: " " * len(m.group(0)), code, flags=re.M)
    code = code.replace("->", "__")
    edits = []
    for begin, end in contexts(code):
        for a, b in leaves(code, begin, end):
            if "take(" in code[a:b] or "PLANTED" in code[a:b] or re.search(r"[^=!<>]=[^=]", code[a:b]):
                continue
            edits.append((a, b))
    for a, b in sorted(set(edits), reverse=True):
        place = f"{name}:{text.count(chr(10), 0, a) + 1}"
        said = re.sub(r"\s+", " ", text[a:b])
        new = f"({text[a:b]})"
        op = operators(code, a, b, r"(?<![<>-])[<>]=?(?![<>=])")
        if len(op) == 1:
            o = op[0]
            other = text[a : o.start()] + OTHER[o.group(0)] + text[o.end() : b]
            new = f"(MUTANT({mutant(place, f'{o.group(0)} as {OTHER[o.group(0)]}: {said}')}) ? ({other}) : {new})"
        new = f"(MUTANT({mutant(place, f'off: {said}')}) ? 0 : MUTANT({mutant(place, f'on: {said}')}) ? 1 : {new})"
        text = text[:a] + new + text[b:]
    return text


out.mkdir(parents=True, exist_ok=True)
(out / "lifecycle.c").write_text('#include "mutate/switch.h"\n' + rows(), encoding="utf-8")
for c in CONDITIONS:
    (out / c).write_text('#include "mutate/switch.h"\n' + conditions(c), encoding="utf-8")
(out / "list").write_text("\n".join(mutants) + "\n", encoding="utf-8")
