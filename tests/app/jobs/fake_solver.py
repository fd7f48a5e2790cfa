"""A solver that does what it is told to on its command line, all of it wrong."""

import json
import os
import signal
import sys
import time

HEADING = b'{"kind":"heading","document":{"status":"optimal"},"bins":1}\n'


def say(*lines):
    for line in lines:
        os.write(1, line.encode() + b"\n" if isinstance(line, str) else line)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def segfault():
    os.kill(os.getpid(), signal.SIGSEGV)


def hang():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def hang_on_a_closed_answer():
    os.close(1)
    hang()


def out_of_memory():
    hoard = []
    while True:
        hoard.append(bytearray(1 << 28))


def exit_3():
    sys.exit(3)


def nothing():
    sys.exit(0)


def garbage():
    say(bytes(range(256)) + b"\n")


def not_json():
    say("Optimal - objective value 42.0")


def half():
    say(HEADING, b'{"kind":"bin","bin":{"bin_id":"B001","requ')


def unknown_status():
    say('{"kind":"kNotset"}')


def a_limit_without_a_plan():
    say('{"kind":"failed","text":"kTimeLimit, no incumbent"}')


def infeasible():
    say('{"kind":"no plan","text":"kInfeasible"}')


def unbounded():
    say('{"kind":"failed","text":"kUnbounded"}')


def flood():
    while True:
        say(HEADING)


def long_line():
    while True:
        say(b"x" * 65536)


def deep():
    say("[" * 100_000)


def huge_number():
    say('{"kind":"progress","elapsed_ms":' + "9" * 5000 + "}")


def an_end_without_an_answer():
    say('{"kind":"end","reproducible":true,"stopped":false}')


# --- lies: what our own solver says, altered ------------------------------------------


def altered(change):
    """Solve as ours does, and let every message be changed before it is said."""
    from app.jobs import roles

    class Liar:
        def say(self, kind, **values):
            self.say_text(json.dumps({"kind": kind, **values}))

        def say_texts(self, texts):
            for text in texts:
                self.say_text(text)

        def say_text(self, text):
            message = json.loads(text)
            for lie in change(message):
                say(json.dumps(lie))

    roles.LocalEngine = lambda *_, **__: _Here()
    roles.IN_ONE_GO = 10**9
    roles._solve(Liar())


class _Here:
    def __call__(self, tasks, **how):
        from optimizer.propose import Serial

        return Serial()(tasks, **how)

    def close(self):
        pass


def wrong_total(message):
    if message["kind"] == "heading":
        message["document"]["objective"]["total"] -= 1
    yield message


def wrong_bound(message):
    """Say that a plan without any combined review is the best there is."""
    if message["kind"] == "heading":
        message["document"]["lower_bound"] = message["document"]["objective"]["total"]
        message["document"]["status"] = "optimal"
        message["document"]["gap"] = 0.0
    yield message


def worse_plan_called_optimal():
    """State a bound that no proof reaches: everyone alone, and that is optimal."""
    from app.jobs import roles
    from optimizer.propose import plan_of_task

    class Alone:
        def __call__(self, tasks, **_):
            from dataclasses import replace

            found = [
                plan_of_task(tasks, number, good=False) for number in range(len(tasks))
            ]
            return [replace(each, bound=each.cost) for each in found]

        def close(self):
            pass

    roles.LocalEngine = lambda *_, **__: Alone()
    roles.IN_ONE_GO = 10**9
    from app.jobs.frames import Speaker

    roles._solve(Speaker(1))


def not_a_number(message):
    if message["kind"] == "heading":
        message["document"]["objective"]["total"] = float("nan")
    yield message


def infinite(message):
    if message["kind"] == "heading":
        say(
            json.dumps(message).replace('"lower_bound": ', '"lower_bound": 1e999, "x":')
        )
    else:
        yield message


def a_bin_lost(message):
    if message["kind"] == "heading":
        message["bins"] -= 1
    if message["kind"] != "bin" or message["bin"]["bin_id"] != "B001":
        yield message


def a_bin_doubled(message):
    if message["kind"] == "heading":
        message["bins"] += 1
    yield message
    if message["kind"] == "bin" and message["bin"]["bin_id"] == "B001":
        yield message


def another_question(message):
    if message["kind"] == "heading":
        message["document"]["as_of"] = "2026-01-06"
    yield message


def more_keys(message):
    if message["kind"] == "heading":
        message["document"]["remark"] = "hello"
    yield message


def no_proof(message):
    if message["kind"] == "certificate":
        message["certificate"] = None
    yield message


def bad_kept(message):
    """Keep lies for a later solve; the answer itself is right."""
    if message["kind"] == "kept":
        for part in message["kept"]["parts"]:
            part["cost"] = part["bound"] = 1
            part["columns"] = [[0]]
    yield message


def kept_garbage(message):
    if message["kind"] == "kept":
        message["kept"] = {"parts": "none"}
    yield message


def exit_after_answering(message):
    yield message
    if message["kind"] == "end":
        sys.exit(3)


LIES = {
    each.__name__: each
    for each in (
        wrong_total,
        wrong_bound,
        not_a_number,
        infinite,
        a_bin_lost,
        a_bin_doubled,
        another_question,
        more_keys,
        no_proof,
        bad_kept,
        kept_garbage,
        exit_after_answering,
    )
}

if __name__ == "__main__":
    what = sys.argv[1]
    if what in LIES:
        altered(LIES[what])
    else:
        globals()[what]()
