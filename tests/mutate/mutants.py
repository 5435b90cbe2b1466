#!/usr/bin/env python3
"""mutants.py TREE: copies of the deciding sources, with every mutant in them and none switched on; and TREE/list.

A mutant is a number; the copy asks MUTANT(n) where it lies, and tests/mutate/switch.c says yes to one of them
(FERRYMAN_MUTANT). Nothing is listed by hand: rows come from lifecycle.def, guards and thresholds from the conditions of the other files. A
guard is an `if` that says a reason or refuses, an operand of a condition that is assigned, or a call of guard(); a threshold
is every comparison by size. Where a decision's facts come from and its row is obeyed (FACTS), each fact, each operand of an `if`
and what is kept of a machine is one too. A line of the list: number, file:line, what is changed.

    row N away       the row is not there        row N turned   a refusal accepts and stays, any other row refuses
    row N in place   it moves nowhere            row N idle     it leads to nothing
    row N always     it holds whether paused or blind or not
    off, on          the guard never, always holds; the comparison is always false, always true
    < as <=          a threshold counts its own value, or no longer
    none             the fact is not told: 0, false, NULL
    not kept         the assignment to the machine does not happen
"""
import pathlib
import re
import sys

CORE = pathlib.Path("orchestrator/core")
CONDITIONS = ["decide.c", "decide_command.c", "diagnose.c", "machine.c", "asking.c"]
FACTS = {"machine.c": "/* --- facts --- */", "asking.c": "#include"}  # from where on
OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}

out = pathlib.Path(sys.argv[1])
mutants = []
same = {}  # what tests/mutate/same leaves out -> whether it was met
for line in pathlib.Path("tests/mutate/same").read_text(encoding="utf-8").splitlines():
    if re.match(r"\w+\.c .* # ", line):
        same[line.split(" # ")[0]] = False


def mutant(place, what):
    """Its number; -1, which is never on, if it changes nothing."""
    known = f"{place.split(':')[0]} {what}"
    if known in same:
        same[known] = True
        return -1
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


def body(code, at):
    """The statement behind the bracket of an if."""
    while code[at].isspace():
        at += 1
    return code[at : closing(code, at)] if code[at] == "{" else code[at : code.index(";", at)]


SAYS = re.compile(r"decision_reason\(|\brefuse\(|\bno\(")


def guards(code):
    """(begin, end, how): a condition that holds something back, and how it is taken away."""
    for m in re.finditer(r"\bif \(", code):
        end = closing(code, m.end() - 1)
        if SAYS.search(body(code, end)):
            yield m.end(), end - 1, "off"
    for m in re.finditer(r"(?:\breturn|([\w.*\])]+) =)\s+([^;{}]*);", code):
        begin, end = m.span(2)
        for op, how in ((r"\|\|", "off"), (r"&&", "on")):
            if operators(code, begin, end, op):
                yield from ((a, b, how) for a, b in leaves(code, begin, end) if code[a:b] != m.group(1))
                break
    for m in re.finditer(r"\bguard\(m, ", code):
        yield m.start(), closing(code, m.end() - 4), "on"


def thresholds(code):
    """(begin, end, operator) of each comparison by size."""
    for m in re.finditer(r"\b(?:if|while) \(|\breturn ([^;{}]*);|[\w\])] =\s+([^;{}]*);", code):
        group = 1 if m.group(1) else 2 if m.group(2) else 0
        begin, end = m.span(group) if group else (m.end(), closing(code, m.end() - 1) - 1)
        for a, b in leaves(code, begin, end):
            ops = operators(code, a, b, r"(?<![<>-])[<>]=?(?![<>=])")
            if len(ops) == 1:
                yield a, b, ops[0]


def facts(code):
    """(begin, end) of each value that machine_facts and its helpers fill in."""
    for m in re.finditer(r"\n(\w*_facts)\([^)]*\)\n", code):
        end = closing(code, m.end())
        for v in re.finditer(r"\bret__\w+ =\s+([^;]*);", code[m.end() : end]):
            yield m.end() + v.start(1), m.end() + v.end(1)
        for v in re.finditer(r"[{,]\s+\.\w+ = ", code[m.end() : end]):
            begin = at = m.end() + v.end()
            while code[at] not in ",}":
                at = closing(code, at) if code[at] in "([{" else at + 1
            yield begin, begin + len(code[begin:at].rstrip())


def operands(code):
    """(begin, end) of each operand of an if."""
    for m in re.finditer(r"\bif \(", code):
        yield from leaves(code, m.end(), closing(code, m.end() - 1) - 1)


def kept(code):
    """(begin, end) of each assignment to a machine's volatile half."""
    for m in re.finditer(r"(?<=\t)(?:m__[\w.\[\]]+ = |\(void\)snprintf\(m__)[^;{}]*(?=;)", code):
        yield m.span()


def conditions(name):
    text = (CORE / name).read_text(encoding="utf-8")
    code = re.sub(r"^#.*$", lambda m: " " * len(m.group(0)), blanked(text), flags=re.M).replace("->", "__")
    changes = {}  # (begin, end) -> [(what, new text)]
    for a, b, how in guards(code):
        if re.search(r"take\(|PLANTED|[^=!<>]=[^=]", code[a:b]):
            continue  # what acts, or is planted, is no guard
        changes.setdefault((a, b), {})[how] = "0" if how == "off" else "1"
    for a, b, op in thresholds(code):
        other = OTHER[op.group(0)]
        c = changes.setdefault((a, b), {})
        c.update({"off": "0", "on": "1", f"{op.group(0)} as {other}": text[a : op.start()] + other + text[op.end() : b]})
    if name in FACTS:
        for a, b in operands(code):
            if "PLANTED" not in code[a:b]:
                changes.setdefault((a, b), {}).update({"off": "0", "on": "1"})
        for a, b in facts(code):
            changes.setdefault((a, b), {})["none"] = "0"
        for a, b in kept(code):
            changes.setdefault((a, b), {})["not kept"] = "(void)0"
        begin = text.index(FACTS[name])
        changes = {at: what for at, what in changes.items() if begin <= at[0]}
    return rewritten(name, text, 0, len(text), changes)


def rewritten(name, text, begin, end, changes):
    """The text from begin to end with its changes; one may lie inside another."""
    out, at = "", begin
    for (a, b), what in sorted(changes.items(), key=lambda c: (c[0][0], -c[0][1])):
        if a < at or b > end or (a, b) == (begin, end):
            continue
        inner = {k: v for k, v in changes.items() if a <= k[0] and k[1] <= b and k != (a, b)}
        new = f"({rewritten(name, text, a, b, inner)})"
        said = re.sub(r"\s+", " ", text[a:b])
        for how, to in what.items():
            n = mutant(f"{name}:{text.count(chr(10), 0, a) + 1}", f"{how}: {said}")
            new = f"(MUTANT({n}) ? ({to}) : {new})"
        out += text[at:a] + new
        at = b
    return out + text[at:end]


def stale():
    missed = [k for k, met in same.items() if not met]
    if missed:
        sys.exit("tests/mutate/same: no mutant is so: " + "; ".join(missed))


out.mkdir(parents=True, exist_ok=True)
(out / "lifecycle.c").write_text('#include "mutate/switch.h"\n' + rows(), encoding="utf-8")
for c in CONDITIONS:
    (out / c).write_text('#include "mutate/switch.h"\n' + conditions(c), encoding="utf-8")
stale()
(out / "list").write_text("\n".join(mutants) + "\n", encoding="utf-8")
