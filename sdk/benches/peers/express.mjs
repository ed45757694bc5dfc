// An Express service that echoes, called with fetch: a candidate of the bench of calls, in the form of sdk/benches/rpc/drive.rs.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { now, percentile } from "./common.mjs";

if (process.argv[2] === "serve") {
  const { default: express } = await import("express");
  const app = express();
  app.use(express.json());
  app.post("/echo", (request, response) => response.json(request.body));
  const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/echo`));
  // Ends with its parent.
  process.stdin.resume().on("end", () => process.exit(0));
} else {
  const server = spawn(process.execPath, [fileURLToPath(import.meta.url), "serve"], {
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const url = String(await new Promise((resolve) => server.stdout.once("data", resolve))).trim();
  for await (const line of createInterface({ input: process.stdin })) {
    const [inFlight, millis] = line.split(" ").map(Number);
    console.log(JSON.stringify(await round(inFlight, millis, url, server.pid)));
  }
  server.stdin.end();
}

async function round(inFlight, millis, url, server) {
  const took = [];
  const before = { own: cpu(process.pid), server: cpu(server) };
  const begun = now();
  const end = begun + millis;
  const caller = async () => {
    for (let at = begun; at < end; ) {
      const message = { id: 7, name: "Ada Lovelace, countess", tags: ["first", "second", "third"] };
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(message),
      });
      await answer.json();
      const done = now();
      took.push(done - at);
      at = done;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const seconds = (now() - begun) / 1000;
  const after = { own: cpu(process.pid), server: cpu(server) };
  return {
    calls: took.length,
    seconds,
    p50_us: percentile(took, 0.5) * 1000,
    p99_us: percentile(took, 0.99) * 1000,
    client_cpu_us: after.own - before.own,
    server_cpu_us: after.server - before.server,
  };
}

/** What a process has used of all processors, in microseconds: proc_pid_stat(5), in hundredths of a second. */
function cpu(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
