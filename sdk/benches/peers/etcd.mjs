// etcd, one member, by its JSON gateway over kept connections.
import { Agent, request } from "node:http";
import { payload, questions, sayRate } from "./common.mjs";

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const system = "etcd 3.4 (JSON gateway)";
const durability = "a sync before each answer";
const base = (text) => Buffer.from(text).toString("base64");

function ask(path, body) {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const asked = request(
      { agent, host: "127.0.0.1", port: Number(process.env.ETCD_PORT), path, method: "POST" },
      (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => {
          const said = JSON.parse(Buffer.concat(parts).toString());
          answer.statusCode === 200 ? resolve(said) : reject(new Error(JSON.stringify(said)));
        });
      },
    );
    asked.on("error", reject);
    asked.end(text);
  });
}

const put = (writer, n) =>
  ask("/v3/kv/put", { key: base(`writer/${writer}/${n % 100}`), value: base(JSON.stringify(payload(n))) });
// It elects itself first.
await put(0, 0);
for (const writers of [1, 16, 64]) await sayRate(system, durability, questions.put(writers), writers, put);

const revisions = new Array(64).fill("0");
await sayRate(system, durability, questions.cas, 64, async (writer, n) => {
  const key = base(`cas/${writer}`);
  const came = await ask("/v3/kv/txn", {
    compare: [{ key, target: "MOD", mod_revision: revisions[writer] }],
    success: [{ requestPut: { key, value: base(JSON.stringify(payload(n))) } }],
  });
  if (!came.succeeded) throw new Error("the revision does not hold");
  revisions[writer] = came.header.revision;
});
agent.destroy();
