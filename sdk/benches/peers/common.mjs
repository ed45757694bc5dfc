// What every peer's program is made of: the same payload, the same closed loop, the same lines of JSON as the store's own bench.

/** One round of a load lasts so long, and so many rounds are made; the middle one is said. */
const LASTS_MS = Number(process.env.PEERS_LASTS_MS ?? 2000);
const ROUNDS = Number(process.env.PEERS_ROUNDS ?? 3);

export const payload = (n) => ({
  n,
  note: "an order of three books, to be packed, posted and paid for on delivery",
});

export const questions = {
  enqueueOne: "1 enqueue, one producer",
  enqueueMany: "2 enqueue, 64 producers",
  enqueueBatch: "2b enqueue, batches of 500 from one producer",
  drain: "3 drain of jobs that do nothing, default settings",
  drainTuned: "3b drain of jobs that do nothing, tuned as the peer's guide says",
  flowMany: "4 workflow of three steps, 32 in flight",
  flowOne: "5 workflow of three steps, alone, p50",
  put: (writers) => `6 durable put, ${writers} writer${writers === 1 ? "" : "s"}`,
  cas: "6 durable compare-and-set, 64 writers",
  publishOne: "7 durable publish, 1 publisher",
  publishMany: "7 durable publish, 64 publishers",
  replay: "7 replay of a log, through the library",
  start: "8 from enqueue to start, idle, p50",
};

/** Says a figure as a line of JSON. */
export function say(system, durability, question, value, unit, more = "") {
  console.log(JSON.stringify({ system, question, value, unit, more, durability }));
}

export const now = () => Number(process.hrtime.bigint()) / 1e6;

export function percentile(took, share) {
  const sorted = [...took].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)];
}

/** Rounds of a closed loop of `call(caller, n)` in each of some callers; the round with the middle rate. */
export async function load(callers, call) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const took = [];
    const begun = now();
    const end = begun + LASTS_MS;
    const loop = async (caller) => {
      for (let n = 0; now() < end; n++) {
        const one = now();
        await call(caller, n);
        took.push(now() - one);
      }
    };
    await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
    rounds.push({
      rate: (took.length * 1000) / (now() - begun),
      p50: percentile(took, 0.5),
      p99: percentile(took, 0.99),
    });
  }
  rounds.sort((a, b) => a.rate - b.rate);
  return rounds[Math.floor(rounds.length / 2)];
}

export const tail = ({ p50, p99 }) => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;

/** Says the rate of a load. */
export async function sayRate(system, durability, question, callers, call) {
  const came = await load(callers, call);
  say(system, durability, question, came.rate, "/s", tail(came));
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The middle time from `enqueue()` to the start of its handler, which calls what `listen` was given. */
export async function sayStart(system, durability, enqueue, listen, times = 200) {
  let started;
  listen(() => started?.(now()));
  const took = [];
  for (let n = 0; n < times; n++) {
    await pause(5);
    const at = new Promise((resolve) => (started = resolve));
    const begun = now();
    const [, start] = await Promise.all([enqueue(n), at]);
    took.push(start - begun);
  }
  const p99 = percentile(took, 0.99);
  say(system, durability, questions.start, percentile(took, 0.5), "ms", `p99 ${p99.toFixed(2)} ms`);
}
