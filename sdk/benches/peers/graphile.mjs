// graphile-worker on PostgreSQL: as it comes, and with a local queue and completions in batches, as its guide to speed says.
import { makeWorkerUtils, run, Logger } from "graphile-worker";
import pg from "pg";
import { load, now, pause, payload, questions, say, sayRate, sayStart } from "./common.mjs";

const connectionString = process.env.PEERS_DATABASE_URL;
const system = "graphile-worker 0.18";
const durability = "a sync before each answer (PostgreSQL, synchronous_commit=on)";
const JOBS = Number(process.env.PEERS_JOBS ?? 20000);
const logger = new Logger(() => () => {});

const pgPool = new pg.Pool({ connectionString, max: 32 });
const utils = await makeWorkerUtils({ pgPool, logger });
await utils.migrate();
await sayRate(system, durability, questions.enqueueOne, 1, (_, n) => utils.addJob("noop", payload(n)));
await sayRate(system, durability, questions.enqueueMany, 64, (_, n) => utils.addJob("noop", payload(n)));
const spec = (n) => ({ identifier: "noop", payload: payload(n) });
const batch = (n) => utils.addJobs(Array.from({ length: 500 }, (_, m) => spec(n * 500 + m)));
let batches = 0;
const came = await load(1, () => batch(batches++));
say(system, durability, questions.enqueueBatch, came.rate * 500, "/s", `p50 of a batch ${came.p50.toFixed(1)} ms`);
const clear = () => utils.withPgClient((client) => client.query("TRUNCATE graphile_worker._private_jobs"));
const left = async () => {
  const { rows } = await utils.withPgClient((client) =>
    client.query("SELECT count(*)::int AS n FROM graphile_worker._private_jobs"),
  );
  return rows[0].n;
};

async function drain(question, jobs, preset, more, durability) {
  await clear();
  for (let first = 0; first < jobs; first += 500) await batch(first / 500);
  let ran = 0;
  let all;
  const finished = new Promise((resolve) => (all = resolve));
  const begun = now();
  const runner = await run({
    preset: { worker: { connectionString, logger, ...preset } },
    taskList: { noop: async () => void (++ran === jobs && all()) },
    noHandleSignals: true,
  });
  await finished;
  // A job that is done is deleted.
  while ((await left()) > 0) await pause(1);
  say(system, durability, question, (jobs * 1000) / (now() - begun), "/s", more);
  await runner.stop();
}
await drain(questions.drain, Math.min(JOBS, 1500), {}, "concurrency 1", durability);
await drain(
  questions.drainTuned,
  JOBS,
  { concurrentJobs: 24, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0, maxPoolSize: 10 },
  "24 at once, local queue of 500, completions in batches",
  "the outcome is told before it is written",
);

await clear();
let tell = () => {};
const runner = await run({
  preset: { worker: { connectionString, logger } },
  taskList: { noop: async () => tell() },
  noHandleSignals: true,
});
await sayStart(system, durability, (n) => utils.addJob("noop", payload(n)), (listener) => (tell = listener));
await runner.stop();
await utils.release();
process.exit(0);
