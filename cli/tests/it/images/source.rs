//! The long form: the service compiled within the build, with the profile that is deployed, and what comes of it in size, memory and time.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::container::Container;
use super::engine::Engine;
use super::{IMAGE, NAME, USER};
use crate::binary::SOON;
use crate::github::Checkout;

/// What an image may weigh, certificates and all.
const IMAGE_BYTES_MAX: u64 = 30_000_000;
/// What a start may take on a machine that does other things too: ten times what is aimed at.
const START_MAX: Duration = Duration::from_secs(1);
/// Starts that are timed, for the one in the middle.
const STARTS: usize = 9;

#[test]
#[ignore = "compiles for a quarter of an hour; `make image-from-source` asks for it"]
fn an_image_that_is_compiled_from_source_is_small_static_and_starts_at_once() -> Result<()> {
    let Some(engine) = Engine::compiling()? else {
        return Ok(());
    };
    let checkout = Checkout::new()?;
    engine.make(&checkout)?;
    let bytes: u64 = engine
        .well("podman", &["image", "inspect", "--format", "{{.Size}}", IMAGE])?
        .parse()?;

    let data = engine.folder().join("data");
    fs::create_dir(&data)?;
    chown(&data, Some(USER), Some(USER))?;
    let container = Container::start(&engine, &data)?;
    container.healthy()?;
    let pid = container.inspect(".State.Pid")?;
    let idle = resident(&pid)?;
    // A container's own beginning is the engine's time; the binary's is ours, and is taken outside of one.
    let binary = engine.folder().join("service");
    let from = format!("{}:/service", container.id);
    engine.well("podman", &["cp", &from, binary.to_str().context("a path of UTF-8")?])?;
    let told = Instant::now();
    engine.well("podman", &["stop", "--time", "20", &container.id])?;
    let stopped = told.elapsed();
    ensure!(
        container.inspect(".State.ExitCode")? == "0",
        "it drained, and was not killed"
    );

    let headers = engine.well("readelf", &["--program-headers", binary.to_str().context("UTF-8")?])?;
    ensure!(!headers.contains("INTERP"), "it asks for no loader: {headers}");
    let mut starts = (0..STARTS)
        .map(|_| start(&binary, &engine.folder().join("trial")))
        .collect::<Result<Vec<_>>>()?;
    starts.sort();
    println!(
        "{NAME}: image {:.1} MB, idle {:.1} MB, healthy after {:?} ({:?} to {:?}), ended {stopped:?} after SIGTERM",
        bytes as f64 / 1e6,
        idle as f64 / 1024.0,
        starts[STARTS / 2],
        starts[0],
        starts[STARTS - 1],
    );
    ensure!(bytes <= IMAGE_BYTES_MAX, "{bytes} bytes");
    ensure!(starts[STARTS / 2] < START_MAX, "{starts:?}");
    Ok(())
}

/// What a process holds of memory, in KiB.
fn resident(pid: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("Linux says what a process holds")?.parse()?)
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// From the start of the process to its first good answer at `/health`, on a store of its own.
fn start(binary: &Path, data: &Path) -> Result<Duration> {
    if data.exists() {
        fs::remove_dir_all(data)?;
    }
    fs::create_dir(data)?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let begun = Instant::now();
    let _running = Running(
        Command::new(binary)
            .env_clear()
            .env("PORT", port.to_string())
            .env("ENVIRONMENT", "production")
            .env("SYSCALL_AUTH", "open")
            .env("DATA_DIR", data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?,
    );
    while healthy(port).is_none() {
        ensure!(begun.elapsed() < SOON, "it does not answer");
    }
    Ok(begun.elapsed())
}

/// Whether what listens there says that it is well, if anything listens.
fn healthy(port: u16) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).ok()?;
    reply.starts_with("HTTP/1.1 200 ").then_some(())
}
