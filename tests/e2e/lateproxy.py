#!/usr/bin/env python3
"""lateproxy.py PORT RESOLVER DELAYFILE LOG - a way to a resolver that hands on each reply only after
as many seconds as DELAYFILE says. LOG gets a line for each reply: "sent NAME ANSWERS AGE", AGE in
milliseconds since the question."""
import select
import socket
import sys
import time


def name_of(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii", "replace"))
        at += 1 + packet[at]
    return ".".join(labels)


def main():
    port, resolver, delayfile, log = int(sys.argv[1]), sys.argv[2], sys.argv[3], open(sys.argv[4], "a", buffering=1)
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.bind(("127.0.0.1", port))
    asked, held = {}, []  # back socket -> (who, when); (due, reply, who, when)
    while True:
        wait = max(0, min([h[0] for h in held], default=time.monotonic() + 60) - time.monotonic())
        for s in select.select([front, *asked], [], [], wait)[0]:
            if s is front:
                packet, who = front.recvfrom(65535)
                back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                back.connect((resolver, 53))
                back.send(packet)
                asked[back] = (who, time.monotonic())
            else:
                who, when = asked.pop(s)
                held.append((when + float(open(delayfile).read()), s.recv(65535), who, when))
                s.close()
        now = time.monotonic()
        for h in [h for h in held if h[0] <= now]:
            held.remove(h)
            front.sendto(h[1], h[2])
            log.write(f"sent {name_of(h[1])} {int.from_bytes(h[1][6:8], 'big')} {int((now - h[3]) * 1000)}\n")


main()
