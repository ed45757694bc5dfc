// Redis streams with `appendfsync always`; many publishers share a connection and so a pipeline, which is how Redis is fast.
import { Redis } from "ioredis";
import { now, payload, questions, say, sayRate } from "./common.mjs";

const redis = new Redis({ host: "127.0.0.1", port: Number(process.env.REDIS_PORT) });
const system = "Redis 7.0";
const durability = "a sync before each answer (appendfsync always)";
const publish = (_, n) => redis.xadd("log", "*", "topic", "order:placed", "data", JSON.stringify(payload(n)));
await sayRate(system, durability, questions.publishOne, 1, publish);
await sayRate(system, durability, questions.publishMany, 64, publish);

const wanted = 100_000;
await redis.del("log");
for (let first = 0; first < wanted; first += 1000) {
  await Promise.all(Array.from({ length: 1000 }, (_, n) => publish(0, first + n)));
}
const begun = now();
let from = "-";
let read = 0;
while (read < wanted) {
  const entries = await redis.xrange("log", from, "+", "COUNT", 256);
  read += entries.length;
  from = `(${entries.at(-1)[0]}`;
}
say(system, durability, questions.replay, (read * 1000) / (now() - begun), "/s", `${read} events, one reader, pages of 256`);

const put = (writer, n) => redis.set(`writer/${writer}/${n % 100}`, JSON.stringify(payload(n)));
for (const writers of [1, 16, 64]) await sayRate(system, durability, questions.put(writers), writers, put);
redis.disconnect();
