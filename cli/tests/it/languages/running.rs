//! An example that runs, beside services of ours.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use syscall_sdk::auth::SigningKey;
use tempfile::TempDir;

use super::programs::Program;
use crate::binary::{Fleet, Following, Ran, blackroad};

/// Whether callers are asked for tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Callers {
    Anybody,
    WithTokens,
}

/// An example that runs as `web`, beside an operator, a core and a gateway that know where it is.
pub(super) struct Running {
    pub(super) example: Example,
    pub(super) fleet: Fleet,
    pub(super) url: String,
    pub(super) callers: Callers,
    data: TempDir,
}

/// The process of an example; killed when dropped.
pub(super) struct Example(pub(super) Child);

impl Drop for Example {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts the fleet and the example, and waits until the example is on the roster: it has told the operator, with a token where that is
    /// asked for.
    pub(super) fn start(program: &Program, callers: Callers) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}");
        let data = tempfile::tempdir()?;
        let mut up = blackroad(&["up", "--json", "--port", "0", "--only", "operator,core,api", "--ports"]);
        up.arg("--data-dir").arg(data.path()).env("WEB_INTERNAL_URL", &url);
        if callers == Callers::WithTokens {
            up.args(["--auth", "required"]);
        }
        let fleet = Fleet::of(up)?;
        let registry: Ran = blackroad(&["registry", "--json"]).output()?.into();
        std::fs::write(data.path().join("registry.json"), registry.out)?;
        let mut command = Command::new(&program.program);
        command
            .arg(&program.script)
            .env("SERVICE_NAME", "web")
            .env("PORT", port.to_string())
            .env("OWN_URL", &url)
            .env("REGISTRY_FILE", data.path().join("registry.json"))
            .env("OPERATOR_INTERNAL_URL", own_url(&fleet, "operator")?)
            // What is compiled would lie beside the source.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(File::create(data.path().join("log"))?)
            .stderr(Stdio::null());
        let keys = data.path().join("keys");
        if callers == Callers::WithTokens {
            command
                .env("SYSCALL_AUTH", "required")
                .env("SYSCALL_ROOT_KEYS", root(&keys)?.public().text())
                .env("SYSCALL_TOKEN", minted(&keys.join("root.key"), &["web"])?);
        }
        let running = Running {
            example: Example(command.spawn()?),
            fleet,
            url,
            callers,
            data,
        };
        let joined = [
            "events",
            "operator",
            "--event",
            "mesh:joined",
            "--since",
            "5m",
            "--json",
        ];
        let following = Following::start(running.command(&joined)?)?;
        while !following
            .next()
            .context("the example did not join")?
            .contains("blackroad-os-web")
        {}
        Ok(running)
    }

    /// A command against the fleet, with its owner's token where it asks for one.
    pub(super) fn command(&self, args: &[&str]) -> Result<Command> {
        let mut command = self.fleet.command(args);
        if self.callers == Callers::WithTokens {
            let owner = std::fs::read_to_string(self.keys().join("owner.token"))?;
            command.env("BLACKROAD_TOKEN", owner.trim());
        }
        Ok(command)
    }

    /// What a command of the fleet's owner answers.
    pub(super) fn json(&self, args: &[&str]) -> Result<Value> {
        let ran: Ran = self.command(&[&["--json"], args].concat())?.output()?.into();
        ensure!(ran.code == Some(0), "{args:?} came to {ran:?}");
        serde_json::from_str(&ran.out).with_context(|| format!("{ran:?}"))
    }

    /// A token that the fleet's root signs.
    pub(super) fn minted(&self, args: &[&str]) -> Result<String> {
        minted(&self.keys().join("root.key"), args)
    }

    /// The fleet's root key.
    pub(super) fn root(&self) -> Result<SigningKey> {
        root(&self.keys())
    }

    /// Calls a method of the example and gives the status and the answer.
    pub(super) fn call(&self, token: Option<&str>, body: &Value) -> Result<(u16, Value)> {
        use std::io::{Read as _, Write as _};
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let shown = token
            .map(|token| format!("Authorization: Bearer {token}\r\n"))
            .unwrap_or_default();
        let body = body.to_string();
        write!(
            stream,
            "POST /v1/sys/rpc HTTP/1.0\r\nHost: {address}\r\n{shown}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
        let status = head.split(' ').nth(1).context("an answer has a status")?.parse()?;
        Ok((status, serde_json::from_str(body).with_context(|| answer.clone())?))
    }

    /// The lines of its log that are whole.
    pub(super) fn log(&self) -> Result<Vec<Value>> {
        let said = std::fs::read_to_string(self.data.path().join("log"))?;
        let (whole, _) = said.rsplit_once('\n').context("it has said something")?;
        let lines = whole
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()));
        lines.collect()
    }

    fn keys(&self) -> PathBuf {
        self.data.path().join("keys")
    }
}

fn own_url(fleet: &Fleet, key: &str) -> Result<String> {
    let services = fleet.told["services"].as_array().into_iter().flatten();
    let port = services
        .clone()
        .find(|service| service["key"] == key)
        .map(|service| &service["port"]);
    Ok(format!("http://127.0.0.1:{}", port.context("it runs")?))
}

fn root(keys: &Path) -> Result<SigningKey> {
    Ok(SigningKey::of_jwk(&std::fs::read_to_string(keys.join("root.key"))?)?)
}

/// A token that a root key signs.
pub(super) fn minted(root: &Path, args: &[&str]) -> Result<String> {
    let mut command = blackroad(&["token", "mint", "--root-key"]);
    let ran: Ran = command.arg(root).args(args).output()?.into();
    ensure!(ran.code == Some(0), "{ran:?}");
    let token = ran.out.lines().rfind(|line| line.contains("eyJ"));
    let token = token.and_then(|line| line.rsplit(['=', ' ']).next());
    token.map(str::to_owned).with_context(|| ran.out.clone())
}
