"""DBOS on SQLite or on PostgreSQL: workflows of three steps, enqueues and a queue's drain, in the same lines of JSON as the rest.

Usage: bench_dbos.py SYSTEM_DATABASE_URL
"""

import json
import os
import statistics
import sys
import threading
import time

from dbos import DBOS, DBOSConfig

URL = sys.argv[1]
ON = "SQLite" if URL.startswith("sqlite") else "PostgreSQL"
SYSTEM = f"DBOS 3.4 on {ON}"
DURABILITY = f"a sync before each answer ({'rollback journal, synchronous=FULL' if ON == 'SQLite' else 'PostgreSQL, synchronous_commit=on'})"
LASTS = float(os.environ.get("PEERS_LASTS_MS", "2000")) / 1000
ROUNDS = int(os.environ.get("PEERS_ROUNDS", "3"))
NOTE = "an order of three books, to be packed, posted and paid for on delivery"


def payload(n):
    return {"n": n, "note": NOTE}


def say(question, value, unit, more=""):
    line = dict(system=SYSTEM, question=question, value=value, unit=unit, more=more, durability=DURABILITY)
    print(json.dumps(line), flush=True)


config: DBOSConfig = {"name": "bench", "system_database_url": URL, "log_level": "CRITICAL"}
DBOS(config=config)
ran = 0
lock = threading.Lock()


@DBOS.step()
def step(name: str) -> int:
    return 1


@DBOS.workflow()
def three(order: dict) -> int:
    return step("reserve") + step("charge") + step("ship")


@DBOS.workflow()
def noop(order: dict) -> None:
    global ran
    with lock:
        ran += 1


def load(callers, call):
    """Rounds of a closed loop in each of some threads; rate, p50 and p99 of the round with the middle rate."""
    rounds = []
    for _ in range(ROUNDS):
        took, begun = [], time.perf_counter()

        def loop(caller):
            n = 0
            while time.perf_counter() - begun < LASTS:
                one = time.perf_counter()
                call(n)
                took.append((time.perf_counter() - one) * 1000)
                n += 1

        threads = [threading.Thread(target=loop, args=(caller,)) for caller in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took.sort()
        rate = len(took) / (time.perf_counter() - begun)
        rounds.append((rate, statistics.median(took), took[int((len(took) - 1) * 0.99)]))
    rounds.sort()
    return rounds[len(rounds) // 2]


DBOS.launch()
rate, p50, p99 = load(32, lambda n: three(payload(n)))
say("4 workflow of three steps, 32 in flight", rate, "/s", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms")
rate, p50, p99 = load(1, lambda n: three(payload(n)))
say("5 workflow of three steps, alone, p50", p50, "ms", f"p99 {p99:.1f} ms")

# A queue whose workers are asleep: enqueues alone are measured.
DBOS.register_queue("bench", polling_interval_sec=3600.0)
queue = lambda n: DBOS.enqueue_workflow("bench", noop, payload(n))
rate, p50, p99 = load(1, queue)
say("1 enqueue, one producer", rate, "/s", f"p50 {p50:.2f} ms, p99 {p99:.2f} ms")
rate, p50, p99 = load(64, queue)
say("2 enqueue, 64 producers", rate, "/s", f"p50 {p50:.2f} ms, p99 {p99:.2f} ms")

# A queue as it comes: from the first enqueue's end to the last outcome.
jobs = 500
DBOS.register_queue("drain")
ran = 0
handles = [DBOS.enqueue_workflow("drain", noop, payload(n)) for n in range(jobs)]
begun, before = time.perf_counter(), ran
for handle in handles:
    handle.get_result()
seconds = time.perf_counter() - begun
say("3 drain of jobs that do nothing, default settings", (jobs - before) / seconds, "/s", f"{jobs - before} jobs")
os._exit(0)
