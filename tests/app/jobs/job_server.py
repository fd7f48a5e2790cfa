"""A small server: its jobs say when they begin and end, and wait while they are held.

It takes orders from standard input, a line each, answers a line each, and stops in good
order when there are no more. Arguments: the queue's address, a folder, the lease.
"""

import os
import sys
import time
from pathlib import Path

from app.jobs.queue import Queue, QueueFull, Work

url, folder, lease = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])


def note(line):
    with (folder / "log").open("a") as log:
        log.write(f"{line}\n")


def run(job_id, attempt):
    note(f"begin {job_id} {attempt} {os.getpid()}")
    while (folder / "hold").exists():
        if queue.stopping:
            return
        time.sleep(0.02)
    if (folder / "fail").exists():
        raise ValueError("It fails.")
    note(f"end {job_id} {attempt} {os.getpid()}")


def give_up(job_id, reason):
    note(f"gave-up {job_id} {reason}")


def unfinished():
    if not (folder / "unfinished").exists():
        return []
    log = (folder / "log").read_text() if (folder / "log").exists() else ""
    ended = {
        line.split()[1]
        for line in log.splitlines()
        if line.startswith(("end", "gave-up"))
    }
    return [j for j in (folder / "unfinished").read_text().split() if j not in ended]


def obey(line):
    match line.split():
        case ["enqueue", job_id]:
            try:
                queue.enqueue(job_id)
            except QueueFull as full:
                return str(full)
        case ["cancel", job_id]:
            return str(queue.cancel(job_id))
        case ["waiting"]:
            return str(queue.waiting())
    return "done"


if __name__ == "__main__":
    queue = Queue(
        url,
        Work(run=run, give_up=give_up, unfinished=unfinished),
        waiting=3,
        lease_s=lease,
    )
    queue.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for order in sys.stdin:
        sys.stdout.write(f"{obey(order)}\n")
        sys.stdout.flush()
    queue.stop()
