"""Batches that nobody solves in the seconds a test has, however good the solver."""

import io
import random

from app.generate import write_batch

REQUESTS = 2000


def endless() -> str:
    """Return requests as CSV that may nearly all share bins: one large cluster."""
    rows = ["request_id,customer,system,received_on,value_usd,configuration,lines"]
    customers = ("EST", "LVA", "LTU", "POL", "DEU", "NLD", "BEL", "NOR", "DNK", "FIN")
    rng = random.Random(1)
    for number in range(REQUESTS):
        day = rng.randint(1, 28)
        month = rng.randint(1, 3)
        rows.append(
            f"R{number:04},{rng.choice(customers)},HIMARS,2026-0{month}-{day:02},"
            f"{rng.randint(1, 90)}000000,v{rng.randint(1, 9)},{rng.randint(1, 9)}"
        )
    return "\n".join(rows)


def busy() -> str:
    """Return requests as CSV in many large clusters: better plans come all the time."""
    stream = io.StringIO(newline="")
    write_batch(stream, 6000, 5, 110)
    return stream.getvalue()
