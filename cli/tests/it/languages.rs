//! The examples of services in other languages, run for real: each passes the contract's checker, is on the roster, and is called by a
//! service of ours.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use syscall_sdk::auth::SigningKey;

use crate::binary::{Fleet, Following, Ran, blackroad, send};

/// A sum that nothing else of the answers holds.
const SUM: u32 = 471_100;

/// How an example is run, once what it needs is there.
struct Program {
    program: PathBuf,
    script: PathBuf,
}

/// An example that runs; killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn node_with_its_standard_library_is_a_service_of_the_fleet_and_checks_tokens() -> Result<()> {
    let program = installed("node", "--version").map(|program| Program {
        program,
        script: examples().join("node-http/service.mjs"),
    });
    check(program, true)
}

#[test]
fn node_with_fastify_is_a_service_of_the_fleet() -> Result<()> {
    let npm = installed("node", "--version").and_then(|_| installed("npm", "--version"));
    let program = npm.map(fastify).transpose()?;
    check(program, false)
}

#[test]
fn python_with_its_standard_library_is_a_service_of_the_fleet() -> Result<()> {
    let program = python().map(|program| Program {
        program,
        script: examples().join("python-stdlib/service.py"),
    });
    check(program, false)
}

#[test]
fn python_with_fastapi_is_a_service_of_the_fleet_and_checks_tokens() -> Result<()> {
    let program = python().map(|python| fastapi(&python)).transpose()?;
    check(program, true)
}

/// Runs an example as `web`, beside an operator that knows where it is.
fn check(program: Option<Program>, guarded: bool) -> Result<()> {
    let Some(program) = program else { return Ok(()) };
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let url = format!("http://127.0.0.1:{port}");
    let data = tempfile::tempdir()?;
    let fleet = start_fleet(data.path(), &url, guarded)?;
    let mut command = Command::new(&program.program);
    command
        .arg(&program.script)
        .env("SERVICE_NAME", "web")
        .env("PORT", port.to_string())
        .env("OWN_URL", &url)
        .env("REGISTRY_FILE", registry(data.path())?)
        .env("OPERATOR_INTERNAL_URL", own_url(&fleet, "operator")?)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let keys = data.path().join("keys");
    if guarded {
        let root = SigningKey::of_jwk(&std::fs::read_to_string(keys.join("root.key"))?)?;
        command
            .env("SYSCALL_AUTH", "required")
            .env("SYSCALL_ROOT_KEYS", root.public().text())
            .env("SYSCALL_TOKEN", minted(&keys, &["web"])?);
    }
    let running = Running(command.spawn()?);
    joined(&fleet, &keys, guarded)?;

    let mut checker = fleet.command(&["--json", "conform", &url, "--service", "web", "--level", "2.0"]);
    checker.args(["--method", "total", "--slow", "rest"]);
    if guarded {
        // A relay passes on what its caller showed, so that has to be good at both.
        let both = [
            "--subject",
            "checker",
            "--right",
            "rpc * *",
            "--at",
            "web,operator",
            "--bearer",
        ];
        checker.env("BLACKROAD_TOKEN", minted(&keys, &both)?);
    }
    let ran: Ran = checker.output()?.into();
    let told: Value = serde_json::from_str(&ran.out).with_context(|| format!("{ran:?}"))?;
    let rules = || told["rules"].as_array().into_iter().flatten();
    let failed: Vec<&Value> = rules().filter(|rule| rule["outcome"] == "fail").collect();
    ensure!(ran.code == Some(0) && failed.is_empty(), "{failed:#?}");
    for name in [
        "a call past its deadline",
        "a call for another service is relayed",
        "identity's dns",
    ] {
        let rule = rules().find(|rule| rule["rule"].as_str().is_some_and(|rule| rule.starts_with(name)));
        ensure!(rule.is_some_and(|rule| rule["outcome"] == "pass"), "{name}: {rule:?}");
    }
    called_by_a_service_of_ours(&fleet, &keys, guarded)?;
    if guarded {
        refuses_who_may_not(&url, &keys)?;
    }
    drop(running);
    Ok(())
}

/// Operator and core, each with a port of its own, told where web is.
fn start_fleet(data: &Path, web: &str, guarded: bool) -> Result<Fleet> {
    let mut command = blackroad(&["up", "--json", "--port", "0", "--only", "operator,core", "--ports"]);
    command.arg("--data-dir").arg(data).env("WEB_INTERNAL_URL", web);
    if guarded {
        command.args(["--auth", "required"]);
    }
    Fleet::of(command)
}

fn own_url(fleet: &Fleet, key: &str) -> Result<String> {
    let services = fleet.told["services"].as_array().into_iter().flatten();
    let port = services
        .clone()
        .find(|service| service["key"] == key)
        .map(|service| &service["port"]);
    Ok(format!("http://127.0.0.1:{}", port.context("it runs")?))
}

/// The registry as the examples read it.
fn registry(data: &Path) -> Result<PathBuf> {
    let ran: Ran = blackroad(&["registry", "--json"]).output()?.into();
    let path = data.join("registry.json");
    std::fs::write(&path, ran.out)?;
    Ok(path)
}

/// A command against the fleet, with its owner's token where it asks for one.
fn ours(fleet: &Fleet, keys: &Path, guarded: bool, args: &[&str]) -> Result<Command> {
    let mut command = fleet.command(args);
    if guarded {
        command.env(
            "BLACKROAD_TOKEN",
            std::fs::read_to_string(keys.join("owner.token"))?.trim(),
        );
    }
    Ok(command)
}

fn ask(fleet: &Fleet, keys: &Path, guarded: bool, args: &[&str]) -> Result<Ran> {
    Ok(ours(fleet, keys, guarded, args)?.output()?.into())
}

fn minted(keys: &Path, args: &[&str]) -> Result<String> {
    let root = keys.join("root.key");
    let mut command = blackroad(&["token", "mint", "--root-key"]);
    let ran: Ran = command.arg(root).args(args).output()?.into();
    ensure!(ran.code == Some(0), "{ran:?}");
    let token = ran.out.lines().rfind(|line| line.contains("eyJ"));
    let token = token.and_then(|line| line.rsplit(['=', ' ']).next());
    token.map(str::to_owned).with_context(|| ran.out.clone())
}

/// Waits until the example is on the roster: it has told the operator, with a token where that is asked for.
fn joined(fleet: &Fleet, keys: &Path, guarded: bool) -> Result<()> {
    let args = [
        "events",
        "operator",
        "--event",
        "mesh:joined",
        "--since",
        "5m",
        "--json",
    ];
    let following = Following::start(ours(fleet, keys, guarded, &args)?)?;
    while !following
        .next()
        .context("the example did not join")?
        .contains("blackroad-os-web")
    {}
    Ok(())
}

/// The operator calls it on behalf of a workflow: `Context::call` of the SDK, with the operator's own token.
fn called_by_a_service_of_ours(fleet: &Fleet, keys: &Path, guarded: bool) -> Result<()> {
    let call = json!({ "service": "web", "method": "total", "params": { "numbers": [SUM - 1, 1] } });
    let graph = json!({ "nodes": [{ "id": "sum", "call": call }] }).to_string();
    let ran = ask(
        fleet,
        keys,
        guarded,
        &["--json", "workflow", "start", "operator", "graph", &graph],
    )?;
    let started: Value = serde_json::from_str(&ran.out).with_context(|| format!("{ran:?}"))?;
    let id = started["id"].as_str().context("it has an id")?;
    let ended = ask(fleet, keys, guarded, &["--json", "workflow", "wait", "operator", id])?;
    ensure!(
        ended.code == Some(0) && ended.out.contains(&SUM.to_string()),
        "{ended:?}"
    );
    Ok(())
}

/// Whoever has no token, one for another service, one that allows another method, or one that it signed itself is refused.
fn refuses_who_may_not(url: &str, keys: &Path) -> Result<()> {
    let narrow = |right: &str, at: &str| minted(keys, &["--subject", "shop", "--right", right, "--at", at, "--bearer"]);
    let good = narrow("rpc web total", "web")?;
    let stranger = tempfile::tempdir()?;
    let made: Ran = blackroad(&["token", "keygen", "--out"])
        .arg(stranger.path().join("root.key"))
        .output()?
        .into();
    ensure!(made.code == Some(0), "{made:?}");
    let foreign = minted(
        stranger.path(),
        &[
            "--subject",
            "shop",
            "--right",
            "rpc web total",
            "--at",
            "web",
            "--bearer",
        ],
    )?;
    // The last character of a signature holds bits that do not count; one in the middle of it does.
    let (head, tail) = good.split_at(good.len() - 20);
    let bent = format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..]);
    for (token, wanted) in [
        (Some(&good), "200"),
        (None, "401"),
        (Some(&narrow("rpc core *", "core")?), "401"),
        (Some(&foreign), "401"),
        (Some(&bent), "401"),
        (Some(&"a.b.c".to_owned()), "401"),
        // What names a key is no credential by itself.
        (
            Some(
                &minted(keys, &["core"])?
                    .rsplit_once('.')
                    .context("it has a key")?
                    .0
                    .to_owned(),
            ),
            "401",
        ),
        (Some(&narrow("rpc web rest", "web")?), "403"),
    ] {
        let status = status(url, token.map(String::as_str))?;
        ensure!(status == wanted, "{token:?} was answered {status}, not {wanted}");
    }
    Ok(())
}

fn status(url: &str, token: Option<&str>) -> Result<String> {
    use std::io::{Read as _, Write as _};
    let address = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let body = r#"{"method":"total","params":{"numbers":[1]}}"#;
    let shown = token
        .map(|token| format!("Authorization: Bearer {token}\r\n"))
        .unwrap_or_default();
    write!(
        stream,
        "POST /v1/sys/rpc HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{shown}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).context("an answer has a status")?;
    Ok(status.to_owned())
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples")
}

/// Where the examples' frameworks are kept between runs.
fn kept(name: &str) -> Result<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_blackroad")).ancestors().nth(2);
    let folder = target
        .context("the program is in a target folder")?
        .join("languages")
        .join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A program, where it is there; in CI it must be.
fn installed(program: &str, version: &str) -> Option<PathBuf> {
    let found = Command::new(program)
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        assert!(
            std::env::var_os("CI").is_none(),
            "{program} is missing; .ci/setup installs it"
        );
        eprintln!("skipped: {program} is missing; .ci/setup installs it");
    }
    found.then(|| PathBuf::from(program))
}

/// Python from 3.11 on, which the examples are written for.
fn python() -> Option<PathBuf> {
    let python = installed("python3", "--version")?;
    let recent = Command::new(&python)
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
        .status()
        .is_ok_and(|status| status.success());
    if !recent {
        assert!(std::env::var_os("CI").is_none(), "python3 is older than 3.11");
        eprintln!("skipped: python3 is older than 3.11");
    }
    recent.then_some(python)
}

fn fastify(npm: PathBuf) -> Result<Program> {
    let folder = kept("node-fastify")?;
    let lock = examples().join("node-fastify/package-lock.json");
    for name in ["package.json", "package-lock.json", "service.mjs"] {
        std::fs::copy(examples().join("node-fastify").join(name), folder.join(name))?;
    }
    fetch(
        &folder,
        &lock,
        &mut [Command::new(npm)
            .args(["ci", "--silent", "--no-audit", "--no-fund"])
            .current_dir(&folder)],
    )?;
    Ok(Program {
        program: PathBuf::from("node"),
        script: folder.join("service.mjs"),
    })
}

fn fastapi(python: &Path) -> Result<Program> {
    let folder = kept("python-fastapi")?;
    let lock = examples().join("python-fastapi/requirements.txt");
    fetch(
        &folder,
        &lock,
        &mut [
            Command::new(python).args(["-m", "venv"]).arg(folder.join("venv")),
            Command::new(folder.join("venv/bin/pip"))
                .args([
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--require-hashes",
                    "-r",
                ])
                .arg(&lock),
        ],
    )?;
    Ok(Program {
        program: folder.join("venv/bin/python"),
        script: examples().join("python-fastapi/service.py"),
    })
}

/// Runs what fetches a framework, once for each state of its lock file.
fn fetch(folder: &Path, lock: &Path, commands: &mut [&mut Command]) -> Result<()> {
    let (wanted, mark) = (std::fs::read(lock)?, folder.join("fetched"));
    if std::fs::read(&mark).is_ok_and(|fetched| fetched == wanted) {
        return Ok(());
    }
    for command in commands {
        let ran: Ran = command.stdin(Stdio::null()).output()?.into();
        if ran.code != Some(0) {
            bail!("{command:?} came to {ran:?}");
        }
    }
    Ok(std::fs::write(mark, wanted)?)
}

#[test]
fn an_example_signs_off_when_it_is_told_to_stop() -> Result<()> {
    let Some(node) = installed("node", "--version") else {
        return Ok(());
    };
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let url = format!("http://127.0.0.1:{port}");
    let data = tempfile::tempdir()?;
    let fleet = start_fleet(data.path(), &url, false)?;
    let mut example = Running(
        Command::new(node)
            .arg(examples().join("node-http/service.mjs"))
            .env("SERVICE_NAME", "web")
            .env("PORT", port.to_string())
            .env("OWN_URL", &url)
            .env("REGISTRY_FILE", registry(data.path())?)
            .env("OPERATOR_INTERNAL_URL", own_url(&fleet, "operator")?)
            .stdout(Stdio::null())
            .spawn()?,
    );
    joined(&fleet, data.path(), false)?;
    send("TERM", example.0.id())?;
    assert_eq!(example.0.wait()?.code(), Some(0));
    let following =
        Following::start(fleet.command(&["events", "operator", "--event", "mesh:left", "--since", "5m", "--json"]))?;
    assert!(following.next()?.contains("blackroad-os-web"));
    Ok(())
}
