#!/usr/bin/env python3
"""tamper.py FROM TO WHAT [N] - a copy of the journal FROM in the folder TO, with one thing wrong in it.

changed N, deleted N, swapped N (with the next), inserted N (a copy of record N once more behind it), tail N (the last N
records gone, and the meta row set back to what is left), rewritten N (record N changed, and every hash, the meta row and the
head file made anew behind it), wal N (bit N of the write-ahead log flipped), same (nothing)."""
import hashlib
import os
import re
import shutil
import sqlite3
import sys


def sha(b):
    return hashlib.sha256(b).hexdigest()


def rewrite(db, to, n):
    """What somebody with every right would do: only a head that was noted elsewhere tells it."""
    rows = db.execute("SELECT seq, bytes, hash FROM record WHERE seq >= ? ORDER BY seq", (n,)).fetchall()
    old_last = rows[-1][2]
    prev = None
    for seq, text, _ in rows:
        text = text.replace("try it", "try at") if prev is None else re.sub(r'"prev":"[0-9a-f]{64}"', f'"prev":"{prev}"', text, count=1)
        prev = sha(text.encode())
        db.execute("UPDATE record SET bytes = ?, hash = ? WHERE seq = ?", (text, prev, seq))
    db.execute("UPDATE meta SET hash = ?", (prev,))
    slots = open(f"{to}/head", "rb").read()
    out = b""
    for slot in (slots[:4096], slots[4096:]):
        line = slot.rstrip(b" \n").replace(old_last.encode(), prev.encode())
        body = line[:line.rindex(b" sum=")]
        line = body + b" sum=" + sha(body).encode()
        out += line.ljust(4095) + b"\n"
    open(f"{to}/head", "wb").write(out)


def tamper(db, to, what, n):
    if what == "changed":
        db.execute("UPDATE record SET bytes = replace(bytes, 'outbound', 'outboumd') WHERE seq = ?", (n,))
    elif what == "deleted":
        db.execute("DELETE FROM record WHERE seq = ?", (n,))
    elif what == "swapped":
        a, b = (db.execute("SELECT lsn, hash, bytes FROM record WHERE seq = ?", (k,)).fetchone() for k in (n, n + 1))
        for k, r in ((n, b), (n + 1, a)):
            db.execute("UPDATE record SET lsn = ?, hash = ?, bytes = ? WHERE seq = ?", (*r, k))
    elif what == "inserted":
        db.execute("UPDATE record SET seq = seq + 1000001 WHERE seq > ?", (n,))
        db.execute("UPDATE record SET seq = seq - 1000000 WHERE seq > 1000000")
        db.execute("INSERT INTO record SELECT seq + 1, lsn, hash, bytes FROM record WHERE seq = ?", (n,))
    elif what == "tail":
        db.execute("DELETE FROM record WHERE seq > (SELECT max(seq) FROM record) - ?", (n,))
        db.execute("""UPDATE meta SET seq = (SELECT max(seq) FROM record), lsn = (SELECT max(lsn) FROM record),
            hash = (SELECT hash FROM record ORDER BY seq DESC LIMIT 1)""")
    elif what == "rewritten":
        rewrite(db, to, n)


def main():
    src, to, what = sys.argv[1:4]
    n = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    shutil.rmtree(to, ignore_errors=True)
    os.mkdir(to, 0o700)
    for name in os.listdir(src):
        if name.startswith("journal.db") or name == "head":
            shutil.copy(f"{src}/{name}", f"{to}/{name}")
            os.chmod(f"{to}/{name}", 0o600)
    if what == "wal":
        with open(f"{to}/journal.db-wal", "r+b") as f:
            f.seek(n // 8)
            byte = f.read(1)[0]
            f.seek(n // 8)
            f.write(bytes([byte ^ (1 << n % 8)]))
    elif what != "same":
        db = sqlite3.connect(f"{to}/journal.db")
        tamper(db, to, what, n)
        db.commit()
        db.close()


main()
