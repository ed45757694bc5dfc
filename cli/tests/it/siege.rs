//! The fleet under attack, as those see it who do nothing wrong.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};

use crate::binary::{Fleet, Following, SOON, blackroad, send};

/// How long each attack lasts: long enough that every connection of it is open at the same time.
const ATTACK_SECONDS: u32 = 12;
/// Slow headers, slow bodies, a range of ranges, and answers that are read slowly; the numbers are slowhttptest's own examples, with as many
/// connections as one address may have.
const ATTACKS: [&[&str]; 4] = [
    &["-H", "-c", "240", "-r", "200", "-i", "5", "-x", "24", "-p", "3"],
    &[
        "-B", "-c", "240", "-r", "200", "-i", "5", "-s", "8192", "-x", "10", "-p", "3",
    ],
    &[
        "-R", "-c", "240", "-r", "200", "-a", "10", "-b", "3000", "-t", "HEAD", "-p", "3",
    ],
    &[
        "-X", "-c", "240", "-r", "200", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3", "-p", "3",
    ],
];

/// Asks over a connection of its own, as a client that does nothing wrong; gives how long it took.
fn ask(fleet: &Fleet, method: &str, path: &str, body: &Value) -> Result<Duration> {
    let begun = Instant::now();
    let (status, answer) = fleet.send(method, "core", path, body)?;
    ensure!(status == 200, "{path} answered {status}: {answer}");
    Ok(begun.elapsed())
}

/// Normal traffic, each request as soon as the one before is answered, until it is told to end: nothing of it may fail. Gives what each request took, in order of time.
fn traffic(fleet: &Fleet, goes_on: impl Fn() -> bool) -> Result<Vec<Duration>> {
    let call = json!({ "method": "listUsers", "params": {} });
    let mut took = Vec::new();
    while goes_on() {
        took.push(ask(fleet, "GET", "/v1/sys/identity", &Value::Null)?);
        took.push(ask(fleet, "GET", "/health", &Value::Null)?);
        took.push(ask(fleet, "POST", "/v1/sys/rpc", &call)?);
    }
    took.sort_unstable();
    Ok(took)
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default()
}

#[test]
fn four_slow_attacks_at_once_fail_no_request_of_anybody_else() -> Result<()> {
    let installed = Command::new("slowhttptest")
        .arg("-h")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if installed.is_err() {
        ensure!(
            std::env::var_os("CI").is_none(),
            "slowhttptest is missing; .ci/setup installs it"
        );
        eprintln!("skipped: slowhttptest is missing; .ci/setup installs it");
        return Ok(());
    }
    let fleet = Fleet::start(&["--amnesia", "--only", "core"])?;
    let calm_until = Instant::now() + Duration::from_secs(3);
    let calm = traffic(&fleet, || Instant::now() < calm_until)?;

    let url = format!("http://127.0.0.1:{}/v1/sys/openapi.json", fleet.port);
    let seconds = ATTACK_SECONDS.to_string();
    let mut attackers = Vec::new();
    for attack in ATTACKS {
        let mut command = Command::new("slowhttptest");
        command.args(attack).args(["-l", &seconds, "-u", &url]);
        attackers.push(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?,
        );
    }
    let until = Instant::now() + Duration::from_secs(ATTACK_SECONDS.into());
    let besieged = traffic(&fleet, || Instant::now() < until);
    for attacker in &mut attackers {
        // It may have ended by itself, since everybody hung up on it.
        let _ = attacker.kill();
        attacker.wait()?;
    }
    let besieged = besieged?;
    println!(
        "p99 {:?} in calm ({} requests), {:?} under four attacks ({} requests), none failed",
        p99(&calm),
        calm.len(),
        p99(&besieged),
        besieged.len()
    );
    ensure!(besieged.len() > 300, "{} requests are no traffic", besieged.len());
    Ok(())
}

#[test]
fn a_process_that_runs_out_of_descriptors_serves_again_when_it_has_some() -> Result<()> {
    let (fleet, port, _) = with_its_lines()?;
    let id = fleet.process.id();
    let healthy = || -> Result<()> {
        let answer = raw(
            port,
            b"GET /health HTTP/1.1\r\nHost: core.localhost\r\nConnection: close\r\n\r\n",
        )?;
        ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        Ok(())
    };
    healthy()?;
    let open = std::fs::read_dir(format!("/proc/{id}/fd"))?.count() as u64;
    let pid = Pid::from_raw(id.cast_signed()).context("a process id")?;
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: Some(open + 20),
        maximum,
    };
    prlimit(Some(pid), Resource::Nofile, limit)?;

    let mut held = Vec::new();
    for _ in 0..100 {
        let mut connection = TcpStream::connect(("127.0.0.1", port))?;
        // Half a request: it holds its connection for as long as a head may take.
        connection.write_all(b"GET /health HTTP/1.1\r\nHost: core.localhost\r\n")?;
        held.push(connection);
    }
    while !fleet.next()?.contains("NO_ROOM") {}
    let busy = || -> Result<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        let rest = stat.rsplit_once(") ").context("a name in brackets")?.1;
        let fields: Vec<&str> = rest.split(' ').collect();
        Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
    };
    let before = busy()?;
    // Its work over a span of real time is what is measured; there is nothing to wait for.
    std::thread::sleep(Duration::from_secs(2));
    let ticks = busy()? - before;
    ensure!(
        ticks < 60,
        "it waits with {ticks} hundredths of a second of work in two seconds"
    );

    drop(held);
    let freed = Instant::now();
    healthy()?;
    ensure!(freed.elapsed() < SOON, "it took {:?}", freed.elapsed());
    Ok(())
}

#[test]
fn a_log_line_is_one_line_of_json_whatever_is_sent() -> Result<()> {
    let (fleet, port, mut lines) = with_its_lines()?;
    let post = |path: &str, body: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: core.localhost\r\nConnection: close\r\n");
        raw(
            port,
            format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes(),
        )
    };
    let nasty = "a\r\nb\u{1b}[31mc\u{0}d\u{2028}e\u{7f}\"\\{}";
    for path in ["/v1/sys/log", "/v1/sys/event"] {
        let body = json!({ "level": "info", "message": nasty, "event": "a", "data": { nasty: nasty }, "meta": { nasty: nasty } });
        post(path, &body.to_string())?;
    }
    // White space between the tokens is the sender's, and stays with what is kept as it came.
    post(
        "/v1/sys/log",
        "{\"level\":\"info\",\"message\":\"spaced\",\"meta\":{\r\n\"a\"\n:\r\n1\n}\n}",
    )?;
    // In every field that is read, and some that are not: what may stand in a field at all, and what may not.
    for field in FIELDS {
        for bytes in NASTY {
            let host = if *field == "host" {
                ""
            } else {
                "Host: core.localhost\r\n"
            };
            let get = format!("GET /v1/sys/%0d%0a%1b[31m{field} HTTP/1.1\r\n{host}Connection: close\r\n{field}: ");
            raw(port, &[get.as_bytes(), bytes, b"\r\n\r\n"].concat())?;
            let call =
                format!("POST /v1/sys/rpc HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: 2\r\n{field}: ");
            raw(port, &[call.as_bytes(), bytes, b"\r\n\r\n{}"].concat())?;
        }
    }
    post("/v1/sys/log", r#"{"level":"info","message":"the last line"}"#)?;
    send("TERM", fleet.process.id())?;
    while let Some(line) = fleet.next_within(SOON) {
        lines.push(line);
    }
    let mut messages = BTreeSet::new();
    for line in lines {
        let entry: Value = serde_json::from_str(&line).with_context(|| format!("{line:?} is no JSON"))?;
        ensure!(!line.chars().any(|c| c < ' '), "{line:?}");
        messages.insert(entry["message"].as_str().unwrap_or_default().to_owned());
    }
    for message in [nasty, "spaced", "the last line"] {
        ensure!(messages.contains(message), "{message:?} is missing of {messages:#?}");
    }
    Ok(())
}

/// Fields of a request that anybody reads, and one that nobody does.
const FIELDS: &[&str] = &[
    "host",
    "x-request-id",
    "traceparent",
    "tracestate",
    "x-service-name",
    "x-service-role",
    "authorization",
    "user-agent",
    "cf-connecting-ip",
    "x-real-ip",
    "idempotency-key",
    "connect-timeout-ms",
    "content-type",
    "accept",
    "x-any",
];
/// What somebody could put in them.
const NASTY: [&[u8]; 6] = [
    b"\xff\xfe\xc3\x28{}\"\\'%0d%0a%1b",
    b"\x1b[31m",
    b"a\rb",
    b"a\nb",
    b"a\0b",
    b"a\x7f\x9b",
];

/// The most memory that a process had at once, in KiB.
fn peak(id: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.context("VmHWM")?.trim().trim_end_matches(" kB");
    Ok(kib.parse()?)
}

#[test]
fn documents_that_would_be_large_trees_and_bombs_cost_no_memory() -> Result<()> {
    let fleet = Fleet::start(&["--amnesia", "--only", "core"])?;
    let post = |fields: &str, body: &[u8]| {
        let head = format!(
            "POST /v1/sys/event HTTP/1.1\r\nHost: core.localhost\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let event = |data: &str| format!("{{\"event\":\"a\",\"data\":{data}}}").into_bytes();
    let keys: Vec<String> = (0..1_000_000).map(|key| format!("\"{key:x}\":1")).collect();
    let documents = [
        post("", &event(&"[".repeat(10_000))),
        post("", &event(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)))),
        post("", &event(&format!("{{{}}}", keys[..90_000].join(",")))),
        post("", &event(&format!("{{{}}}", keys.join(",")))),
        post("", &event(&format!("[{}]", vec!["[]"; 340_000].join(",")))),
        post("Content-Encoding: gzip\r\n", &[0x1f; 200_000]),
        post("Content-Encoding: zstd\r\n", &[0x28; 200_000]),
    ];
    // What any request takes is taken already.
    raw(fleet.port, &post("", &event("1")))?;
    let before = peak(fleet.process.id())?;
    for _ in 0..3 {
        for document in &documents {
            let answer = raw(fleet.port, document)?;
            let refused = ["400", "413", "415"]
                .iter()
                .any(|status| answer.starts_with(&format!("HTTP/1.1 {status} ")));
            ensure!(refused, "{answer}");
        }
    }
    let grown = peak(fleet.process.id())? - before;
    ensure!(grown < 32 * 1024, "{grown} KiB more");
    Ok(())
}

/// Core with its lines, the port at which it is up, and the lines that came before it was.
fn with_its_lines() -> Result<(Following, u16, Vec<String>)> {
    let only_core = ["--only", "core", "--amnesia", "--port", "0"];
    let fleet = Following::start(blackroad(&[&["up", "--json", "--logs"], &only_core[..]].concat()))?;
    let mut lines = Vec::new();
    loop {
        let line = fleet.next()?;
        let told: Value = serde_json::from_str(&line).with_context(|| format!("{line:?} is no JSON"))?;
        if let Some(port) = told["port"].as_u64() {
            return Ok((fleet, u16::try_from(port)?, lines));
        }
        lines.push(line);
    }
}

/// Sends bytes and gives what comes back until the connection is closed.
fn raw(port: u16, bytes: &[u8]) -> Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    // What is refused may be closed before all of it is taken.
    let _ = connection.write_all(bytes);
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
