// A service of the fleet in Node.js, with its standard library alone: level 2.0 of the syscall contract.
//
//   blackroad registry --json > registry.json
//   SERVICE_NAME=reports PORT=9000 node service-http.mjs
//
// With SYSCALL_ROOT_KEYS and SYSCALL_AUTH=required it asks its callers for tokens; with SYSCALL_TOKEN it shows its own.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { credential, gate } from "./tokens.mjs";

// What the service is for: its methods. Each is given the params, who calls, and a signal that its deadline aborts. What is said of them
// is listed to who asks, and the gateway holds params against their schema.
const methods = {
  total: {
    description: "Adds numbers.",
    params: { type: "object", properties: { numbers: { type: "array", items: { type: "number" } } } },
    idempotent: true,
    run({ numbers = [] }) {
      if (!Array.isArray(numbers) || !numbers.every(Number.isFinite)) {
        throw refusal(400, "INVALID_PARAMS", "numbers is a list of numbers", "handler");
      }
      return { total: numbers.reduce((sum, number) => sum + number, 0) };
    },
  },
  rest: {
    description: "Does nothing for so many milliseconds.",
    params: { type: "object", properties: { millis: { type: "number" } } },
    idempotent: true,
    async run({ millis = 5_000 }, { signal }) {
      await sleep(millis, undefined, { signal });
      return {};
    },
  },
  whoAmI: {
    description: "Says as whom the caller is known, and which service speaks for them.",
    params: { type: "object" },
    idempotent: true,
    run: (_, { caller }) => ({ subject: caller?.subject ?? null, by: caller?.by ?? null }),
  },
};

const env = process.env;
const VERSION = env.VERSION ?? "1.0.0";
const ENVIRONMENT = env.ENVIRONMENT ?? env.RAILWAY_ENVIRONMENT_NAME ?? "development";
const registry = JSON.parse(readFileSync(env.REGISTRY_FILE ?? "registry.json", "utf8"));
const find = (name) => registry.find((service) => service.key === name || service.name === name);
const own = find(env.SERVICE_NAME) ?? stop(`SERVICE_NAME is ${env.SERVICE_NAME}, which the registry does not know`);
const port = Number(env.PORT ?? own.port);
const guard = gate(own.key, env.SYSCALL_AUTH ?? (ENVIRONMENT === "development" ? "open" : "required"), env.SYSCALL_ROOT_KEYS);
const instance = randomUUID();
const begun = new Date();

const internal = (service) => `http://${service.name}.railway.internal:${service.port}`;
const found = (service) => env[`${service.key.toUpperCase().replaceAll("-", "_")}_INTERNAL_URL`] ?? internal(service);

// A line of the log, as every service writes it.
function log(level, message, meta = {}) {
  console.log(JSON.stringify({ timestamp: new Date().toISOString(), level, service: own.name, message, meta }));
}

function stop(reason) {
  console.error(reason);
  process.exit(78);
}

function refusal(status, code, message, origin = "kernel") {
  return Object.assign(new Error(message), { status, code, origin });
}

function identity() {
  const urls = ENVIRONMENT === "production" ? own.production : own.development;
  return {
    service: own.name,
    role: own.role,
    version: VERSION,
    environment: ENVIRONMENT,
    dns: {
      cloudflare: ENVIRONMENT === "production" ? (urls.cloudflare ?? "") : "",
      railway: urls.railway,
      internal: internal(own),
    },
    runtime: {
      railwayHost: env.RAILWAY_STATIC_URL ?? urls.railway,
      internalHost: internal(own),
      port: own.port,
      pid: process.pid,
      uptime: process.uptime(),
    },
    health: { status: "healthy", uptime: process.uptime(), lastCheck: new Date().toISOString() },
    capabilities: ["rpc"],
  };
}

// The six that are public, ever.
const core = {
  "/health": () => ({ status: "healthy" }),
  "/version": () => ({ version: VERSION, service: own.name }),
  "/v1/sys/identity": identity,
  "/v1/sys/health": () => {
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
    const memory = { rss, heapTotal, heapUsed, external };
    return { status: "healthy", timestamp: new Date().toISOString(), uptime: process.uptime(), memory, checks: {} };
  },
  "/v1/sys/version": () => ({
    version: VERSION,
    service: own.name,
    nodeVersion: process.version,
    environment: ENVIRONMENT,
    buildTime: begun.toISOString(),
  }),
  "/v1/sys/config": () => ({
    service: { name: own.name, role: own.role, version: VERSION, environment: ENVIRONMENT, port },
    features: { rpc: true, events: false, jobs: false, state: false },
  }),
};

// A call: here, or passed on to the service that it names.
async function rpc(request, text) {
  const caller = guard.admit(request.headers.authorization);
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw refusal(400, "INVALID_JSON", "the body is not JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refusal(400, "INVALID_ARGUMENT", "the body is an object");
  }
  const { method, params, timeout, service } = body;
  if (typeof method !== "string" || method === "") throw refusal(400, "INVALID_ARGUMENT", "method is a text");
  if (timeout != null && !(Number.isSafeInteger(timeout) && timeout >= 0)) {
    throw refusal(400, "INVALID_ARGUMENT", "timeout is a whole number of milliseconds");
  }
  const signal = AbortSignal.timeout(Math.min(timeout ?? 10_000, 30_000));
  const named = service == null ? own : find(service);
  if (!named) throw refusal(404, "UNKNOWN_SERVICE", `Unknown service: ${service}`);
  guard.allow(caller, "rpc", method, named.key);
  if (named !== own) return relay(named, { method, params, timeout }, request, signal);
  if (!Object.hasOwn(methods, method)) throw refusal(404, "METHOD_NOT_FOUND", `${own.name} has no method "${method}"`);
  const late = new Promise((_, reject) => {
    signal.onabort = () => reject(refusal(504, "DEADLINE_EXCEEDED", `${method} took longer than its deadline`));
  });
  const work = async () => methods[method].run(params ?? {}, { signal, caller });
  return { status: 200, body: { result: await Promise.race([late, work()]) } };
}

// What may be called; the gateway asks for it before it passes a call on.
function list(request) {
  guard.allow(guard.admit(request.headers.authorization), "openapi read");
  const listed = Object.entries(methods).map(([name, { run, ...said }]) => ({ name, ...said, result: {} }));
  return { status: 200, body: { methods: listed } };
}

async function relay(service, body, request, signal) {
  // The caller's credential goes along, never this service's own.
  const headers = { "content-type": "application/json" };
  if (request.headers.authorization) headers.authorization = request.headers.authorization;
  try {
    const url = `${found(service)}/v1/sys/rpc`;
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
    return { status: answer.status, body: await answer.json() };
  } catch (error) {
    if (signal.aborted) throw refusal(504, "DEADLINE_EXCEEDED", `${service.name} did not answer in time`);
    throw refusal(503, "SERVICE_UNREACHABLE", `${service.name} cannot be reached: ${error.cause?.code ?? error.message}`);
  }
}

// The operator's roster: the fleet then knows this process, shows it and probes it.
async function tellOperator(method, params) {
  const operator = find("operator");
  if (!operator) return true;
  const shown = credential(env.SYSCALL_TOKEN, "operator", `rpc operator ${method}`);
  const headers = { "content-type": "application/json", "x-service-name": own.name, ...shown };
  const body = JSON.stringify({ method, params });
  const asked = fetch(`${found(operator)}/v1/sys/rpc`, { method: "POST", headers, body, signal: AbortSignal.timeout(2_000) });
  return asked.then((answer) => answer.ok, () => false);
}

async function announce() {
  const params = () => ({ identity: identity(), instance, url: env.OWN_URL });
  for (let wait = 250; !(await tellOperator("mesh.announce", params())); wait = Math.min(wait * 2, 30_000)) {
    await sleep(wait, undefined, { ref: false });
  }
}

async function answer(request) {
  const path = new URL(request.url, "http://service").pathname;
  const text = await bodyOf(request);
  const isGet = request.method === "GET" || request.method === "HEAD";
  if (isGet && Object.hasOwn(core, path)) return { status: 200, body: core[path]() };
  if (isGet && path === "/v1/sys/rpc") return list(request);
  if (request.method === "POST" && path === "/v1/sys/rpc") return rpc(request, text);
  throw refusal(404, "ROUTE_NOT_FOUND", "there is nothing at this path");
}

async function bodyOf(request) {
  let size = 0;
  const parts = [];
  for await (const part of request) {
    size += part.length;
    if (size > 1_048_576) throw refusal(413, "BODY_TOO_LARGE", "a body is at most 1 MiB");
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

const server = createServer(async (request, response) => {
  const headers = { "content-type": "application/json" };
  let { status, body } = await answer(request).catch((error) => {
    const known = error.status !== undefined;
    if (!known) log("error", "a request failed", { error: error.stack });
    headers["x-syscall-origin"] = error.origin ?? "handler";
    if (error.status === 401) headers["www-authenticate"] = "Bearer";
    if (error.status === 503) headers["retry-after"] = "1";
    const told = known ? { code: error.code, message: error.message, details: error.details } : { code: "INTERNAL", message: "something went wrong" };
    return { status: error.status ?? 500, body: { error: told } };
  });
  response.writeHead(status, headers).end(request.method === "HEAD" ? undefined : JSON.stringify(body));
});

// In development loopback alone; on a platform every address, IPv6 too.
server.listen(port, ENVIRONMENT === "development" ? "127.0.0.1" : "::", () => {
  log("info", "ready", { port: server.address().port });
  announce();
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    await tellOperator("mesh.signOff", { service: own.name, instance, reason: signal });
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
