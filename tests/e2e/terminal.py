#!/usr/bin/env python3
"""terminal.py WORD... -- ARGUMENT... - ferryman on a terminal of its own, as a person would play it.

Runs on one of the lab's hosts. Words, in order: `see:TEXT` waits until TEXT has come, `type:TEXT` types a line, `ctrl-c` presses
it, `hang-up` takes the terminal away, `end` waits for ferryman's end. Prints what was seen and, last, `ended with CODE`; ends
with 1 when something did not come.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import rig  # noqa: E402

rig.FERRYMAN = "/usr/local/bin/ferryman"


shown = []


def see(t, text):
    """What comes after what was seen before."""
    there = t.expect(text)
    at = t.seen.find(text) + len(text) if there else len(t.seen)
    shown.append(t.seen[:at])
    t.seen = t.seen[at:]
    return there


def play(t, word):
    """False: what was waited for did not come."""
    verb, _, text = word.partition(":")
    if verb == "see":
        return see(t, text)
    if verb == "type":
        t.type(text + "\n")
    elif verb == "ctrl-c":
        t.type("\003")
    elif verb == "hang-up":
        t.hang_up()
    elif verb != "end":
        raise SystemExit(f"no word {verb}")
    return True


def main():
    at = sys.argv.index("--")
    t = rig.Terminal(*sys.argv[at + 1:])
    missed = next((w for w in sys.argv[1:at] if not play(t, w)), None)
    code = "not awaited" if missed else t.wait()
    print("".join(shown) + t.seen)
    print(f"never came: {missed}" if missed else f"ended with {code}")
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
