"""A service of the fleet in Python with FastAPI: level 2.0 of the syscall contract.

    blackroad registry --json > registry.json
    pip install --require-hashes -r requirements.txt
    SERVICE_NAME=reports PORT=9000 python3 service_fastapi.py

With SYSCALL_ROOT_KEYS and SYSCALL_AUTH=required it asks its callers for tokens; with SYSCALL_TOKEN it shows its own.
"""

import asyncio
import json
import logging
import os
import platform
import sys
import time
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tokens import Gate, Refusal, credential


# What the service is for: its methods. Each is given who calls and the params. What is said of them is listed to who asks, and the gateway
# holds params against their schema.
async def total(_caller, /, numbers=(), **_):
    if not isinstance(numbers, (list, tuple)) or not all(type(number) in (int, float) for number in numbers):
        raise Refusal(400, "INVALID_PARAMS", "numbers is a list of numbers", "handler")
    return {"total": sum(numbers)}


async def rest(_caller, /, millis=5_000, **_):
    await asyncio.sleep(millis / 1_000)
    return {}


async def who_am_i(caller, /, **_):
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


class Line(logging.Formatter):
    """A line of the log, as every service writes it."""

    def format(self, record):
        level = {"WARNING": "warn", "CRITICAL": "fatal"}.get(record.levelname, record.levelname.lower())
        meta = {"error": self.formatException(record.exc_info)} if record.exc_info else {}
        line = {"timestamp": now(), "level": level, "service": OWN["name"], "message": record.getMessage(), "meta": meta}
        return json.dumps(line)


def uptime():
    return time.monotonic() - BEGUN


async def tell_operator(method, params):
    """The operator's roster: the fleet then knows this process, shows it and probes it."""
    operator = find("operator")
    if operator is None:
        return True
    shown = credential(os.environ.get("SYSCALL_TOKEN"), "operator", f"rpc operator {method}")
    headers = {"x-service-name": OWN["name"], **shown}
    try:
        body = {"method": method, "params": params}
        answer = await app.state.http.post(f"{found(operator)}/v1/sys/rpc", json=body, headers=headers, timeout=2)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


async def announce():
    wait = 0.25
    while True:
        params = {"identity": identity(), "instance": INSTANCE, "url": os.environ.get("OWN_URL")}
        if await tell_operator("mesh.announce", params):
            return
        await asyncio.sleep(wait)
        wait = min(wait * 2, 30)


@asynccontextmanager
async def life(app):
    async with httpx.AsyncClient(trust_env=False) as app.state.http:
        announcing = asyncio.create_task(announce())
        yield
        announcing.cancel()
        await tell_operator("mesh.signOff", {"service": OWN["name"], "instance": INSTANCE, "reason": "SIGTERM"})


app = FastAPI(title=OWN["name"], version=VERSION, lifespan=life, openapi_url="/v1/sys/openapi.json", docs_url=None, redoc_url=None)


def told(status, error, origin):
    headers = {"x-syscall-origin": origin}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if status == 503:
        headers["retry-after"] = "1"
    return JSONResponse({"error": error}, status, headers)


@app.exception_handler(Refusal)
async def refused(_, refusal):
    return told(refusal.status, refusal.told, refusal.origin)


@app.exception_handler(HTTPException)
async def of_the_framework(_, error):
    code = "ROUTE_NOT_FOUND" if error.status_code == 404 else "REFUSED"
    return told(error.status_code, {"code": code, "message": str(error.detail)}, "kernel")


@app.exception_handler(Exception)
async def failed(*_):
    return told(500, {"code": "INTERNAL", "message": "something went wrong"}, "handler")


@app.get("/health")
async def basic_health():
    return {"status": "healthy"}


@app.get("/version")
async def basic_version():
    return {"version": VERSION, "service": OWN["name"]}


@app.get("/v1/sys/identity")
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


@app.get("/v1/sys/health")
async def system_health():
    return {"status": "healthy", "timestamp": now(), "uptime": uptime(), "memory": memory(), "checks": {}}


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


@app.get("/v1/sys/version")
async def system_version():
    runtime = f"python {platform.python_version()}"
    return {"version": VERSION, "service": OWN["name"], "nodeVersion": runtime, "environment": ENVIRONMENT}


@app.get("/v1/sys/config")
async def config():
    service = {"name": OWN["name"], "role": OWN["role"], "version": VERSION, "environment": ENVIRONMENT, "port": PORT}
    return {"service": service, "features": {"rpc": True, "events": False, "jobs": False, "state": False}}


@app.get("/v1/sys/rpc")
async def listed(request: Request):
    """What may be called; the gateway asks for it before it passes a call on."""
    GATE.allow(GATE.admit(request.headers.get("authorization")), "openapi read")
    said = lambda method: {field: method[field] for field in ("description", "params", "idempotent")}
    return {"methods": [{"name": name, **said(method), "result": {}} for name, method in METHODS.items()]}


@app.post("/v1/sys/rpc")
async def rpc(request: Request):
    text = await text_of(request)
    caller = GATE.admit(request.headers.get("authorization"))
    body = read(text)
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
        return await relay(named, {"method": method, "params": params, "timeout": timeout}, request, seconds)
    if method not in METHODS:
        raise Refusal(404, "METHOD_NOT_FOUND", f"{OWN['name']} has no method \"{method}\"")
    if params is not None and not isinstance(params, dict):
        raise Refusal(400, "INVALID_PARAMS", "params is an object")
    try:
        async with asyncio.timeout(seconds):
            return {"result": await METHODS[method]["run"](caller, **(params or {}))}
    except TimeoutError:
        raise Refusal(504, "DEADLINE_EXCEEDED", f"{method} took longer than its deadline") from None


async def text_of(request):
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > BODY_MAX_BYTES:
            raise Refusal(413, "BODY_TOO_LARGE", "a body is at most 1 MiB")
    return text


def not_json(constant):
    """Python reads NaN and Infinity, which JSON does not have."""
    raise ValueError(constant)


def read(text):
    """Any content type is taken as JSON."""
    try:
        body = json.loads(text, parse_constant=not_json)
    except (ValueError, RecursionError):
        raise Refusal(400, "INVALID_JSON", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "INVALID_ARGUMENT", "the body is an object")
    return body


async def relay(service, body, request, seconds):
    # The caller's credential goes along, never this service's own.
    carried = {name: value for name, value in request.headers.items() if name == "authorization"}
    try:
        url = f"{found(service)}/v1/sys/rpc"
        answer = await app.state.http.post(url, json=body, headers=carried, timeout=seconds)
        return JSONResponse(answer.json(), answer.status_code)
    except httpx.TimeoutException:
        raise Refusal(504, "DEADLINE_EXCEEDED", f"{service['name']} did not answer in time") from None
    except (httpx.HTTPError, ValueError) as error:
        raise Refusal(503, "SERVICE_UNREACHABLE", f"{service['name']} cannot be reached: {error}") from None


if __name__ == "__main__":
    # In development loopback alone; on a platform every address, IPv6 too.
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(Line())
    logging.basicConfig(handlers=[lines], level=logging.INFO)
    host = "127.0.0.1" if ENVIRONMENT == "development" else "::"
    uvicorn.run(app, host=host, port=PORT, access_log=False, log_config=None)
