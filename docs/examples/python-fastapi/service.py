"""A service of the fleet in Python with FastAPI: level 2.0 of the syscall contract, with tokens checked by PyJWT.

    blackroad registry --json > registry.json
    pip install --require-hashes -r requirements.txt
    SERVICE_NAME=reports PORT=9000 python3 service.py

With SYSCALL_ROOT_KEYS and SYSCALL_AUTH=required it asks its callers for tokens; with SYSCALL_TOKEN it shows its own.
"""

import asyncio
import base64
import hashlib
import json
import os
import platform
import time
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


class Refusal(Exception):
    """An error that its caller is told of."""

    def __init__(self, status, code, message, origin="kernel"):
        super().__init__(message)
        self.status, self.code, self.origin = status, code, origin


# What the service is for: its methods.
async def total(numbers=(), **_):
    if not isinstance(numbers, (list, tuple)) or not all(type(number) in (int, float) for number in numbers):
        raise Refusal(400, "INVALID_PARAMS", "numbers is a list of numbers", "handler")
    return {"total": sum(numbers)}


async def rest(millis=5_000, **_):
    await asyncio.sleep(millis / 1_000)
    return {}


METHODS = {"total": total, "rest": rest}

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


def internal(service):
    return f"http://{service['name']}.railway.internal:{service['port']}"


def found(service):
    variable = service["key"].upper().replace("-", "_") + "_INTERNAL_URL"
    return os.environ.get(variable) or internal(service)


def now():
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uptime():
    return time.monotonic() - BEGUN


# Tokens: a chain of JWTs, the first signed by a root key and each further one by the key that the one before names (docs/adr/0029).
GUARDED = os.environ.get("SYSCALL_AUTH", "open" if ENVIRONMENT == "development" else "required") != "open"
LEEWAY_SECONDS = 30


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def thumbprint(x):
    digest = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


ROOTS = {thumbprint(x): x for x in os.environ.get("SYSCALL_ROOT_KEYS", "").replace(",", " ").split()}


def chain(token, left=4):
    """The claims of every link, the root's first."""
    if left == 0 or len(token) > 8_192:
        raise jwt.InvalidTokenError("it is too long")
    header = jwt.get_unverified_header(token)
    parent = jwt.decode(token, options={"verify_signature": False}).get("parent")
    before = [] if parent is None else chain(parent, left - 1)
    x = before[-1].get("cnf", {}).get("jwk", {}).get("x") if before else ROOTS.get(header.get("kid"))
    if x is None or header.get("typ") != "JWT":
        raise jwt.InvalidTokenError("nobody that is trusted signed it")
    key = Ed25519PublicKey.from_public_bytes(unbase64(x))
    # The audience is looked at in allow(), for every link.
    options = {"require": ["iss", "sub", "aud", "exp", "iat", "jti", "cap"], "verify_aud": False}
    claims = jwt.decode(token, key, algorithms=["EdDSA"], leeway=LEEWAY_SECONDS, options=options)
    if before:
        last = before[-1]
        follows = claims["iss"] == last["sub"] == claims["sub"] and claims["exp"] <= last["exp"]
    else:
        follows = claims["iss"] == "blackroad:root"
    if not follows:
        raise jwt.InvalidTokenError("a link does not follow from the one before")
    return [*before, claims]


def covers(right, method):
    """Whether a right lets call a method here: `rpc reports total`, `rpc * tot*`, `admin`."""
    if right == "admin":
        return True
    facility, service, pattern = (right.split(" ") + ["", ""])[:3]
    named = pattern == method or (pattern.endswith("*") and method.startswith(pattern[:-1]))
    return facility == "rpc" and service in ("*", OWN["key"]) and named


def allow(request, method):
    if not GUARDED:
        return
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "UNAUTHENTICATED", "this needs a token")
    try:
        links = chain(token)
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError) as error:
        raise Refusal(401, "TOKEN_INVALID", f"the token is not good: {error}") from None
    if "cnf" in links[-1]:
        raise Refusal(401, "TOKEN_INVALID", "a token that names a key is no credential by itself")
    for link in links:
        # What every link allows is what the chain allows.
        audience = [link["aud"]] if isinstance(link["aud"], str) else link["aud"]
        if not {"*", OWN["key"]} & set(audience):
            raise Refusal(401, "TOKEN_AUDIENCE", f"the token is for other services than {OWN['key']}")
        if not any(covers(right, method) for right in link["cap"]):
            raise Refusal(403, "FORBIDDEN", f"the token does not allow rpc {OWN['key']} {method}")


def credential(callee, right):
    """What this service shows to another: its own token, narrowed to one service and one right for five minutes."""
    text = os.environ.get("SYSCALL_TOKEN", "").strip()
    if not text:
        return {}
    parent, _, seed = text.rpartition(".")
    held = jwt.decode(parent, options={"verify_signature": False})
    moment = int(time.time())
    claims = {"iss": held["sub"], "sub": held["sub"], "aud": callee, "iat": moment, "exp": min(held["exp"], moment + 300)}
    claims |= {"jti": str(uuid.uuid4()), "cap": [right], "parent": parent}
    key = Ed25519PrivateKey.from_private_bytes(unbase64(seed))
    return {"authorization": f"Bearer {jwt.encode(claims, key, algorithm='EdDSA')}"}


async def tell_operator(method, params):
    """The operator's roster: the fleet then knows this process, shows it and probes it."""
    operator = find("operator")
    if operator is None:
        return True
    headers = {"x-service-name": OWN["name"], **credential("operator", f"rpc operator {method}")}
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


def told(status, code, message, origin):
    headers = {"x-syscall-origin": origin}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if status == 503:
        headers["retry-after"] = "1"
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


@app.exception_handler(Refusal)
async def refused(_, refusal):
    return told(refusal.status, refusal.code, str(refusal), refusal.origin)


@app.exception_handler(HTTPException)
async def of_the_framework(_, error):
    return told(error.status_code, "ROUTE_NOT_FOUND" if error.status_code == 404 else "REFUSED", str(error.detail), "kernel")


@app.exception_handler(Exception)
async def failed(*_):
    return told(500, "INTERNAL", "something went wrong", "handler")


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


@app.post("/v1/sys/rpc")
async def rpc(request: Request):
    body = await read(request)
    method, params, timeout = body.get("method"), body.get("params"), body.get("timeout")
    if not isinstance(method, str) or not method:
        raise Refusal(400, "INVALID_ARGUMENT", "method is a text")
    if timeout is not None and (type(timeout) not in (int, float) or timeout < 0):
        raise Refusal(400, "INVALID_ARGUMENT", "timeout is a number of milliseconds")
    seconds = min(10_000 if timeout is None else timeout, 30_000) / 1_000
    service = body.get("service")
    named = OWN if service is None else find(service)
    if named is None:
        raise Refusal(404, "UNKNOWN_SERVICE", f"Unknown service: {service}")
    if named is not OWN:
        return await relay(named, {"method": method, "params": params, "timeout": timeout}, request, seconds)
    allow(request, method)
    if method not in METHODS:
        raise Refusal(404, "METHOD_NOT_FOUND", f"{OWN['name']} has no method \"{method}\"")
    if params is not None and not isinstance(params, dict):
        raise Refusal(400, "INVALID_PARAMS", "params is an object")
    try:
        async with asyncio.timeout(seconds):
            return {"result": await METHODS[method](**(params or {}))}
    except TimeoutError:
        raise Refusal(504, "DEADLINE_EXCEEDED", f"{method} took longer than its deadline") from None


async def read(request):
    """Any content type is taken as JSON."""
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > BODY_MAX_BYTES:
            raise Refusal(413, "BODY_TOO_LARGE", "a body is at most 1 MiB")
    try:
        body = json.loads(text)
    except ValueError:
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
    uvicorn.run(app, host="127.0.0.1" if ENVIRONMENT == "development" else "::", port=PORT, access_log=False)
