//! What a service keeps, looked at and moved by the command line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use syscall_sdk::store::postgres::cluster::Cluster;

use crate::binary::{Fleet, Ran, SOON, run};

const ONLY: &[&str] = &["--only", "core,operator"];

/// Runs `store` with arguments, which must succeed, and gives what it printed.
fn store(args: &[&str]) -> Result<String> {
    let ran = run(&[&["store"], args].concat())?;
    anyhow::ensure!(ran.code == Some(0), "{args:?} came to {ran:?}");
    Ok(ran.out)
}

fn refused(args: &[&str]) -> Result<Ran> {
    let ran = run(&[&["store"], args].concat())?;
    anyhow::ensure!(ran.code == Some(1), "{args:?} came to {ran:?}");
    Ok(ran)
}

/// The first messages of a stream of events: each with its id, its data behind it.
fn stream(fleet: &Fleet, query: &str, header: &str, most: usize) -> Result<Vec<(String, Value)>> {
    let mut stream = TcpStream::connect(("127.0.0.1", fleet.port))?;
    stream.set_read_timeout(Some(SOON))?;
    write!(
        stream,
        "GET /v1/sys/events?event=move:test{query} HTTP/1.1\r\nHost: core.localhost\r\n{header}\r\n"
    )?;
    let (mut found, mut id) = (Vec::new(), String::new());
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some(said) = line.strip_prefix("id:") {
            id = said.trim().to_owned();
        }
        if let Some(data) = line.strip_prefix("data:") {
            found.push((id.clone(), serde_json::from_str(data)?));
        }
        if found.len() == most {
            break;
        }
    }
    Ok(found)
}

fn ok(answer: (u16, Value)) -> Result<Value> {
    anyhow::ensure!(answer.0 < 300, "{answer:?}");
    Ok(answer.1)
}

/// What a reader sees of the data, through the fleet.
fn seen(fleet: &Fleet, job: &str) -> Result<Value> {
    let state = ok(fleet.send("GET", "core", "/v1/sys/state?key=orders%2F7", &Value::Null)?)?;
    let job = ok(fleet.send("GET", "operator", &format!("/v1/sys/job/{job}"), &Value::Null)?)?;
    let events = ok(fleet.send("GET", "core", "/v1/sys/events/recent?event=move:test", &Value::Null)?)?;
    Ok(json!([state, job, events["events"]]))
}

#[test]
fn a_fleet_moved_from_its_files_to_postgresql_and_back_answers_the_same() -> Result<()> {
    let (data, back) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (dumps, cluster) = (tempfile::tempdir()?, Cluster::start());
    let directory = data.path().to_str().context("a path")?;
    let fleet = Fleet::start(&[ONLY, &["--data-dir", directory]].concat())?;
    for value in [1, 2] {
        let put = json!({ "key": "orders/7", "value": value });
        ok(fleet.send("PUT", "core", "/v1/sys/state", &put)?)?;
        let emit = json!({ "event": "move:test", "data": value });
        ok(fleet.send("POST", "core", "/v1/sys/event", &emit)?)?;
    }
    let job = ok(fleet.send("POST", "operator", "/v1/sys/job", &json!({ "name": "sweep-roster" }))?)?;
    let job = job["id"].as_str().context("an id")?.to_owned();
    let wait = format!("/v1/sys/job/{job}?wait=20000");
    let ended = ok(fleet.send("GET", "operator", &wait, &Value::Null)?)?;
    assert_eq!(ended["status"], "completed");
    let before = seen(&fleet, &job)?;
    let told = stream(&fleet, "&since=2020-01-01T00:00:00Z", "", 2)?;
    let held = refused(&["stats", "core", "--data-dir", directory])?;
    assert!(held.err.contains("is held by process"), "{held:?}");
    fleet.signal("TERM")?;
    fleet.wait()?;

    let url = cluster.url();
    for key in ["core", "operator"] {
        let dump = dumps.path().join(key);
        let dump = dump.to_str().context("a path")?;
        store(&["export", key, dump, "--data-dir", directory])?;
        store(&["import", key, dump, "--database-url", &url])?;
        let twice = refused(&["import", key, dump, "--database-url", &url])?;
        assert!(twice.err.contains("holds data already"), "{twice:?}");
        assert!(store(&["verify", key, "--database-url", &url])?.contains("is sound"));
    }
    let fleet = Fleet::start_in(&url, ONLY)?;
    assert_eq!(seen(&fleet, &job)?, before);
    let resumed = format!("Last-Event-ID: {}\r\n", told[0].0);
    assert_eq!(stream(&fleet, "", &resumed, 1)?, told[1..]);
    let put = json!({ "key": "orders/7", "value": 3 });
    let written = ok(fleet.send("PUT", "core", "/v1/sys/state", &put)?)?;
    assert_eq!(written["version"], 3, "{written}");
    let after = seen(&fleet, &job)?;
    fleet.signal("TERM")?;
    fleet.wait()?;

    let directory = back.path().to_str().context("a path")?;
    for key in ["core", "operator"] {
        let dump = dumps.path().join(key);
        let dump = dump.to_str().context("a path")?;
        store(&["export", key, dump, "--database-url", &url])?;
        store(&["import", key, dump, "--data-dir", directory])?;
    }
    let fleet = Fleet::start(&[ONLY, &["--data-dir", directory]].concat())?;
    assert_eq!(seen(&fleet, &job)?, after);
    Ok(())
}

#[test]
fn what_a_service_keeps_is_counted_and_what_is_broken_is_named() -> Result<()> {
    let data = tempfile::tempdir()?;
    let directory = data.path().to_str().context("a path")?;
    let missing = refused(&["stats", "core", "--data-dir", directory])?;
    assert!(missing.err.contains("is not there"), "{missing:?}");
    let fleet = Fleet::start(&["--only", "core", "--data-dir", directory])?;
    ok(fleet.send("PUT", "core", "/v1/sys/state", &json!({ "key": "a", "value": 1 }))?)?;
    fleet.signal("TERM")?;
    fleet.wait()?;

    let place = ["core", "--data-dir", directory];
    assert!(store(&[&["stats"], &place[..]].concat())?.contains("state"));
    let stats: Value = serde_json::from_str(&store(&[&["stats", "--json"], &place[..]].concat())?)?;
    let kind = |kind: &str| {
        stats["rows"]
            .as_array()?
            .iter()
            .find(|row| row["kind"] == kind)
            .cloned()
    };
    let state = kind("state").context("state is counted")?;
    assert!(
        state["rows"].as_u64() >= Some(1) && state["oldest"].is_string(),
        "{stats}"
    );
    assert!(
        stats["bytes"].as_u64() > Some(0) && stats["jobs"]["running"] == 0,
        "{stats}"
    );
    let changes = stats["kept"]
        .as_array()
        .and_then(|kept| kept.iter().find(|row| row["kind"] == "changes"));
    let changes = changes.context("the bytes of changes are told")?;
    assert!(
        changes["bytes"].as_u64() > Some(128) && changes["most"] == 134_217_728,
        "{stats}"
    );
    assert!(store(&[&["verify"], &place[..]].concat())?.contains("is sound"));

    let file = data.path().join("blackroad-os-core.db");
    // An index that no longer agrees with its table, which no row tells of.
    let damaged = data.path().join("damaged");
    std::fs::create_dir(&damaged)?;
    let copy = damaged.join("blackroad-os-core.db");
    std::fs::copy(&file, &copy)?;
    let conn = rusqlite::Connection::open(&copy)?;
    let (page, size): (i64, i64) = conn.query_row(
        "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'job_unique'",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    drop(conn);
    let mut bytes = std::fs::read(&copy)?;
    let at = usize::try_from((page - 1) * size)?;
    bytes[at..at + usize::try_from(size)?].fill(0xff);
    std::fs::write(&copy, bytes)?;
    let broken = refused(&["verify", "core", "--data-dir", damaged.to_str().context("a path")?])?;
    assert!(
        !broken.out.contains("is sound") && broken.out.contains("the file is damaged"),
        "{broken:?}"
    );
    rusqlite::Connection::open(file)?
        .execute_batch("UPDATE state SET version = 40; UPDATE meta SET events = 99, change_bytes = 1")?;
    let broken = refused(&[&["verify"], &place[..]].concat())?;
    assert!(broken.out.contains("counts 99 events"), "{broken:?}");
    assert!(broken.out.contains("counts 1 bytes of changes"), "{broken:?}");
    assert!(broken.out.contains("is not what its last change says"), "{broken:?}");
    let dump = data.path().join("dump");
    let dump = dump.to_str().context("a path")?;
    store(&["export", "core", dump, "--data-dir", directory])?;
    let other = data.path().join("other");
    let other = refused(&["import", "core", dump, "--data-dir", other.to_str().context("a path")?])?;
    assert!(other.err.contains("cannot be taken in"), "{other:?}");
    Ok(())
}
