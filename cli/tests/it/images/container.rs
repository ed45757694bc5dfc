//! The image, running.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::IMAGE;
use super::engine::Engine;
use crate::binary::SOON;

/// A container that runs; killed and gone when dropped.
pub(super) struct Container<'a> {
    engine: &'a Engine,
    port: u16,
    pub(super) id: String,
}

impl<'a> Container<'a> {
    /// Runs the image as a platform does: not as root, on a root that cannot be written, with a volume for the data.
    pub(super) fn start(engine: &'a Engine, data: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let volume = format!("{}:/data", data.display());
        let port_is = format!("PORT={port}");
        let said = engine.well(
            "podman",
            &[
                "run",
                "--detach",
                "--read-only",
                "--read-only-tmpfs=false",
                "--cap-drop=all",
                "--network=host",
                "--ulimit=nofile=1024:1024",
                "--ulimit=nproc=1024:1024",
                "--volume",
                &volume,
                "--env",
                &port_is,
                "--env",
                "ENVIRONMENT=production",
                "--env",
                "SYSCALL_AUTH=open",
                "--env",
                "DATA_DIR=/data",
                IMAGE,
            ],
        )?;
        let id = said.lines().last().context("podman names the container")?.to_owned();
        Ok(Container { engine, port, id })
    }

    /// A field of what podman says of it.
    pub(super) fn inspect(&self, field: &str) -> Result<String> {
        self.engine.well(
            "podman",
            &["inspect", "--format", &format!("{{{{{field}}}}}"), &self.id],
        )
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let said = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "5"])
            .arg(format!("http://127.0.0.1:{}{path}", self.port))
            .output()?;
        Ok(serde_json::from_slice(&said.stdout)?)
    }

    /// Waits until the image's own health check is content.
    pub(super) fn healthy(&self) -> Result<()> {
        let until = Instant::now() + SOON;
        loop {
            let asked = self.engine.podman(&["healthcheck", "run", &self.id])?;
            if asked.code == Some(0) {
                return Ok(());
            }
            if Instant::now() > until || self.inspect(".State.Running")? != "true" {
                bail!(
                    "it did not become healthy: {asked:?} {:?}",
                    self.engine.podman(&["logs", &self.id])?
                );
            }
        }
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.engine.podman(&["rm", "--force", "--time", "0", &self.id]);
    }
}
