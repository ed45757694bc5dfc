"""A service of the fleet in Python, with its standard library alone: level 2.0 of the syscall contract.

    blackroad registry --json > registry.json
    SERVICE_NAME=reports PORT=9000 python3 service_stdlib.py

With SYSCALL_ROOT_KEYS and SYSCALL_AUTH=required it asks its callers for tokens; with SYSCALL_TOKEN it shows its own. That takes one package,
cryptography: the standard library cannot check such signatures.
"""

import json
import os
import platform
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tokens import Gate, Refusal, credential


# What the service is for: its methods. Each is given who calls and the params. What is said of them is listed to who asks, and the gateway
# holds params against their schema.
def total(_caller, /, numbers=(), **_):
    if not isinstance(numbers, (list, tuple)) or not all(type(number) in (int, float) for number in numbers):
        raise Refusal(400, "INVALID_PARAMS", "numbers is a list of numbers", "handler")
    return {"total": sum(numbers)}


def rest(_caller, /, millis=5_000, **_):
    time.sleep(millis / 1_000)
    return {}


def who_am_i(caller, /, **_):
    return {"subject": caller and caller.subject, "by": caller and caller.by}


METHODS = {
    "total": {
        "description": "Adds numbers.",
        "params": {"type": "object", "properties": {"numbers": {"type": "array", "items": {"type": "number"}}}},
        "idempotent": True,
        "run": total,
    },
    "rest": {
        "description": "Does nothing for so many milliseconds.",
        "params": {"type": "object", "properties": {"millis": {"type": "number"}}},
        "idempotent": True,
        "run": rest,
    },
    "whoAmI": {
        "description": "Says as whom the caller is known, and which service speaks for them.",
        "params": {"type": "object"},
        "idempotent": True,
        "run": who_am_i,
    },
}

VERSION = os.environ.get("VERSION", "1.0.0")
ENVIRONMENT = os.environ.get("ENVIRONMENT") or os.environ.get("RAILWAY_ENVIRONMENT_NAME") or "development"
REGISTRY = json.loads(Path(os.environ.get("REGISTRY_FILE", "registry.json")).read_text())
INSTANCE = str(uuid.uuid4())
BEGUN = time.monotonic()
BODY_MAX_BYTES = 1_048_576
# Handlers that may run at once; one that is past its deadline keeps its place until it returns.
HANDLERS = ThreadPoolExecutor(64)


def find(name):
    return next((service for service in REGISTRY if name in (service["key"], service["name"])), None)


OWN = find(os.environ.get("SERVICE_NAME", ""))
if OWN is None:
    raise SystemExit("SERVICE_NAME names no service of the registry")
PORT = int(os.environ.get("PORT", OWN["port"]))
AUTH = os.environ.get("SYSCALL_AUTH", "open" if ENVIRONMENT == "development" else "required")
GATE = Gate(OWN["key"], AUTH, os.environ.get("SYSCALL_ROOT_KEYS", ""))


def internal(service):
    return f"http://{service['name']}.railway.internal:{service['port']}"


def found(service):
    variable = service["key"].upper().replace("-", "_") + "_INTERNAL_URL"
    return os.environ.get(variable) or internal(service)


def now():
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log(level, message, **meta):
    """A line of the log, as every service writes it."""
    print(json.dumps({"timestamp": now(), "level": level, "service": OWN["name"], "message": message, "meta": meta}), flush=True)


def uptime():
    return time.monotonic() - BEGUN


def memory():
    """As the contract has it, from /proc; zero where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        lines = []
    fields = dict(line.split(":", 1) for line in lines)
    size = lambda name: int(fields.get(name, "0").split()[0]) * 1_024
    external = size("RssFile") + size("RssShmem")
    return {"rss": size("VmRSS"), "heapTotal": size("VmData"), "heapUsed": size("RssAnon"), "external": external}


def identity():
    urls = OWN["production" if ENVIRONMENT == "production" else "development"]
    cloudflare = urls.get("cloudflare", "") if ENVIRONMENT == "production" else ""
    railway_host = os.environ.get("RAILWAY_STATIC_URL") or urls["railway"]
    return {
        "service": OWN["name"],
        "role": OWN["role"],
        "version": VERSION,
        "environment": ENVIRONMENT,
        "dns": {"cloudflare": cloudflare, "railway": urls["railway"], "internal": internal(OWN)},
        "runtime": {
            "railwayHost": railway_host,
            "internalHost": internal(OWN),
            "port": OWN["port"],
            "pid": os.getpid(),
            "uptime": uptime(),
        },
        "health": {"status": "healthy", "uptime": uptime(), "lastCheck": now()},
        "capabilities": ["rpc"],
    }


def health():
    return {"status": "healthy", "timestamp": now(), "uptime": uptime(), "memory": memory(), "checks": {}}


def version():
    runtime = f"python {platform.python_version()}"
    return {"version": VERSION, "service": OWN["name"], "nodeVersion": runtime, "environment": ENVIRONMENT}


def config():
    service = {"name": OWN["name"], "role": OWN["role"], "version": VERSION, "environment": ENVIRONMENT, "port": PORT}
    return {"service": service, "features": {"rpc": True, "events": False, "jobs": False, "state": False}}


# The six that are public, ever.
CORE = {
    "/health": lambda: {"status": "healthy"},
    "/version": lambda: {"version": VERSION, "service": OWN["name"]},
    "/v1/sys/identity": identity,
    "/v1/sys/health": health,
    "/v1/sys/version": version,
    "/v1/sys/config": config,
}


def listed(headers):
    """What may be called; the gateway asks for it before it passes a call on."""
    GATE.allow(GATE.admit(headers.get("authorization")), "openapi read")
    said = lambda method: {field: method[field] for field in ("description", "params", "idempotent")}
    return {"methods": [{"name": name, **said(method), "result": {}} for name, method in METHODS.items()]}


def not_json(constant):
    """Python reads NaN and Infinity, which JSON does not have."""
    raise ValueError(constant)


def rpc(headers, text):
    """A call: here, or passed on to the service that it names."""
    caller = GATE.admit(headers.get("authorization"))
    try:
        body = json.loads(text, parse_constant=not_json)
    except (ValueError, RecursionError):
        raise Refusal(400, "INVALID_JSON", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "INVALID_ARGUMENT", "the body is an object")
    method, params, timeout = body.get("method"), body.get("params"), body.get("timeout")
    if not isinstance(method, str) or not method:
        raise Refusal(400, "INVALID_ARGUMENT", "method is a text")
    if timeout is not None and (type(timeout) is not int or timeout < 0):
        raise Refusal(400, "INVALID_ARGUMENT", "timeout is a whole number of milliseconds")
    seconds = min(10_000 if timeout is None else timeout, 30_000) / 1_000
    service = body.get("service")
    named = OWN if service is None else find(service)
    if named is None:
        raise Refusal(404, "UNKNOWN_SERVICE", f"Unknown service: {service}")
    GATE.allow(caller, "rpc", method, named["key"])
    if named is not OWN:
        return relay(named, {"method": method, "params": params, "timeout": timeout}, headers, seconds)
    if method not in METHODS:
        raise Refusal(404, "METHOD_NOT_FOUND", f"{OWN['name']} has no method \"{method}\"")
    if params is not None and not isinstance(params, dict):
        raise Refusal(400, "INVALID_PARAMS", "params is an object")
    try:
        return 200, {"result": HANDLERS.submit(METHODS[method]["run"], caller, **(params or {})).result(seconds)}
    except TooLate:
        raise Refusal(504, "DEADLINE_EXCEEDED", f"{method} took longer than its deadline") from None


def post(url, body, headers, seconds):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, json.load(answer)


def relay(service, body, headers, seconds):
    # The caller's credential goes along, never this service's own.
    carried = {"authorization": headers["authorization"]} if headers.get("authorization") else {}
    try:
        return post(f"{found(service)}/v1/sys/rpc", body, carried, seconds)
    except TimeoutError:
        raise Refusal(504, "DEADLINE_EXCEEDED", f"{service['name']} did not answer in time") from None
    except (OSError, ValueError) as error:
        raise Refusal(503, "SERVICE_UNREACHABLE", f"{service['name']} cannot be reached: {error}") from None


def tell_operator(method, params):
    """The operator's roster: the fleet then knows this process, shows it and probes it."""
    operator = find("operator")
    if operator is None:
        return True
    try:
        body = {"method": method, "params": params}
        shown = credential(os.environ.get("SYSCALL_TOKEN"), "operator", f"rpc operator {method}")
        status, _ = post(f"{found(operator)}/v1/sys/rpc", body, {"x-service-name": OWN["name"], **shown}, 2)
    except (OSError, ValueError):
        return False
    return status == 200


def announce():
    wait = 0.25
    while not tell_operator("mesh.announce", {"identity": identity(), "instance": INSTANCE, "url": os.environ.get("OWN_URL")}):
        time.sleep(wait)
        wait = min(wait * 2, 30)


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        self.answer(lambda path, _: (200, self.told(path)))

    do_HEAD = do_GET

    def told(self, path):
        if path == "/v1/sys/rpc":
            return listed(self.headers)
        return CORE[path]() if path in CORE else nothing()

    def do_POST(self):
        self.answer(lambda path, text: rpc(self.headers, text) if path == "/v1/sys/rpc" else nothing())

    def answer(self, act):
        headers = {}
        try:
            status, body = act(self.path.split("?")[0], self.body())
        except Refusal as refusal:
            status, body = refusal.status, {"error": refusal.told}
            headers["X-Syscall-Origin"] = refusal.origin
        except Exception as error:
            log("error", "a request failed", error=repr(error))
            status, body = 500, {"error": {"code": "INTERNAL", "message": "something went wrong"}}
            headers["X-Syscall-Origin"] = "handler"
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if status == 503:
            headers["Retry-After"] = "1"
        told = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(told)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told)

    def body(self):
        size = int(self.headers.get("content-length") or 0)
        if size > BODY_MAX_BYTES:
            self.close_connection = True
            raise Refusal(413, "BODY_TOO_LARGE", "a body is at most 1 MiB")
        return self.rfile.read(size)

    def log_request(self, *_):
        pass

    def log_message(self, form, *args):
        log("warn", form % args)


def nothing():
    raise Refusal(404, "ROUTE_NOT_FOUND", "there is nothing at this path")


def main():
    # In development loopback alone; on a platform every address.
    server = ThreadingHTTPServer(("127.0.0.1" if ENVIRONMENT == "development" else "0.0.0.0", PORT), Service)
    port = server.server_address[1]
    log("info", "ready", port=port)
    threading.Thread(target=announce, daemon=True).start()
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stopping.wait()
    tell_operator("mesh.signOff", {"service": OWN["name"], "instance": INSTANCE, "reason": "SIGTERM"})
    server.shutdown()
    # A handler that is past its deadline is not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
