//! Whether what runs is what was meant: asked of services that run, of a commit that is not wanted, and not at all.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::binary::{Fleet, Ran, blackroad};

const WANTED: &str = "1111111111111111111111111111111111111111";
const ANOTHER: &str = "2222222222222222222222222222222222222222";

/// A service by itself, built from a commit.
fn service(key: &str, commit: &str) -> Result<Fleet> {
    let mut command = blackroad(&["up", "--json", "--port", "0", "--amnesia", "--only", key]);
    command
        .env("RAILWAY_GIT_COMMIT_SHA", commit)
        .env("BUILD_COMMIT", commit);
    Fleet::of(command)
}

/// A question about the platform's development, whose services are found at these places.
fn verify(places: &[(&str, u16)], folder: &Path, args: &[&str]) -> Result<Ran> {
    let mut command = blackroad(&[&["--env", "railway-development"], args].concat());
    for (key, port) in places {
        command.env(
            format!("{}_URL", key.to_uppercase()),
            format!("http://127.0.0.1:{port}"),
        );
    }
    Ok(command.current_dir(folder).output()?.into())
}

fn json(ran: &Ran) -> Result<Value> {
    serde_json::from_str(&ran.out).with_context(|| format!("{ran:?}"))
}

fn told<'a>(report: &'a Value, service: &str, fact: &str) -> [&'a str; 2] {
    let services = report["services"].as_array().expect("a list");
    let row = services
        .iter()
        .find(|row| row["service"] == service)
        .expect("it was asked for");
    ["state", "told"].map(|part| row[fact][part].as_str().unwrap_or_default())
}

#[test]
fn a_service_of_another_commit_and_one_that_is_down_are_drift() -> Result<()> {
    let elsewhere = tempfile::tempdir()?;
    let (core, api) = (service("core", WANTED)?, service("api", ANOTHER)?);
    // Nothing listens on port 1 of this machine.
    let places = [("core", core.port), ("api", api.port), ("docs", 1)];
    let asked = ["--json", "verify", "--commit", WANTED, "--service", "core,api,docs"];
    let ran = verify(&places, elsewhere.path(), &asked)?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = json(&ran)?;
    assert_eq!(
        (&report["environment"], &report["drift"]),
        (&"development".into(), &true.into())
    );
    assert_eq!(told(&report, "core", "commit"), ["well", "1111111"]);
    for fact in ["health", "configuration", "contract"] {
        assert_eq!(told(&report, "core", fact)[0], "well", "{fact}: {report:#}");
    }
    // An address needs no name server, and plain HTTP no certificate.
    for fact in ["dns", "certificate"] {
        assert_eq!(told(&report, "core", fact), ["unknown", "-"], "{fact}");
    }
    assert_eq!(told(&report, "api", "commit"), ["drift", "2222222"]);
    assert_eq!(told(&report, "api", "health")[0], "well");
    assert_eq!(told(&report, "docs", "health"), ["drift", "down"]);

    let table = verify(&places, elsewhere.path(), &asked[1..])?;
    assert_eq!(table.code, Some(1), "{table:?}");
    let (rows, rest) = table.out.split_once("\napi runs").context("sentences stand beneath")?;
    for row in rows.lines() {
        assert!(row.chars().count() <= 80, "{row:?} is wider than a terminal");
    }
    assert!(rest.contains("2222222 and not 1111111"), "{table:?}");
    assert!(rest.contains("docs does not answer at http://127.0.0.1:1"), "{table:?}");

    let well = verify(
        &places,
        elsewhere.path(),
        &["verify", "--commit", WANTED, "--service", "core"],
    )?;
    assert_eq!(well.code, Some(0), "{well:?}");
    assert!(
        well.out.contains("development is as it should be with 1111111"),
        "{well:?}"
    );
    Ok(())
}

#[test]
fn an_older_commit_is_well_where_nothing_changed_that_the_service_is_built_from() -> Result<()> {
    let checkout = tempfile::tempdir()?;
    let write = |path: &str, text: &str| -> Result<()> {
        let path = checkout.path().join(path);
        fs::create_dir_all(path.parent().context("it lies in a folder")?)?;
        Ok(fs::write(path, text)?)
    };
    let git = |args: &[&str]| -> Result<String> {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(args)
            .current_dir(checkout.path())
            .output()?;
        anyhow::ensure!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    write("registry.toml", syscall_sdk::registry::BUILTIN)?;
    write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"core\", \"api\"]\n",
    )?;
    for key in ["core", "api"] {
        write(
            &format!("{key}/Cargo.toml"),
            &format!("[package]\nname = \"blackroad-os-{key}\"\nedition = \"2024\"\n"),
        )?;
        write(&format!("{key}/src/lib.rs"), "")?;
    }
    git(&["init", "-q"])?;
    git(&["add", "-A"])?;
    git(&["commit", "-q", "-m", "one"])?;
    let deployed = git(&["rev-parse", "HEAD"])?;
    write("api/src/lib.rs", "//! Another.\n")?;
    git(&["add", "-A"])?;
    git(&["commit", "-q", "-m", "two"])?;

    let (core, api) = (service("core", &deployed)?, service("api", &deployed)?);
    let places = [("core", core.port), ("api", api.port)];
    let ran = verify(&places, checkout.path(), &["--json", "verify", "--service", "core,api"])?;
    let report = json(&ran)?;
    assert_eq!(report["wanted"], *git(&["rev-parse", "HEAD"])?);
    let short = &deployed[..7];
    assert_eq!(
        told(&report, "core", "commit"),
        ["well", &format!("{short} =")],
        "{report:#}"
    );
    assert_eq!(told(&report, "api", "commit"), ["drift", short], "{report:#}");
    let says = report["services"]
        .as_array()
        .context("a list")?
        .iter()
        .find(|row| row["service"] == "api");
    let says = says
        .and_then(|row| row["commit"]["says"].as_str())
        .unwrap_or_default()
        .to_owned();
    assert!(says.contains("1 file that it is built from changed"), "{says}");
    Ok(())
}

#[test]
fn what_a_service_was_told_otherwise_than_meant_is_drift() -> Result<()> {
    let elsewhere = tempfile::tempdir()?;
    let mut command = blackroad(&["up", "--json", "--port", "0", "--amnesia", "--only", "core"]);
    command
        .env("ENABLE_JOBS", "false")
        .env("ENVIRONMENT", "test")
        .env("SYSCALL_AUTH", "open");
    let core = Fleet::of(command)?;
    let ran = verify(
        &[("core", core.port)],
        elsewhere.path(),
        &["--json", "verify", "--service", "core"],
    )?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = json(&ran)?;
    assert_eq!(told(&report, "core", "configuration"), ["drift", "drift"]);
    let says = report["services"][0]["configuration"]["says"]
        .as_str()
        .unwrap_or_default();
    assert!(
        says.contains("ENVIRONMENT is test and not development") && says.contains("ENABLE_JOBS is false and not true"),
        "{says}"
    );
    let wrong = verify(&[], elsewhere.path(), &["verify", "--commit", "main"])?;
    assert!(wrong.err.contains("--commit \"main\" is no commit"), "{wrong:?}");
    Ok(())
}

/// A TLS server on loopback with a certificate of its own, which ends after so many days.
struct Edge {
    server: std::process::Child,
    port: u16,
    certificate: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Edge {
    fn start(days: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                "/CN=localhost",
            ])
            .args([
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .args(["-days", &days.to_string(), "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .context("openssl makes the certificate")?;
        anyhow::ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www", "-cert"])
            .arg(&certificate)
            .arg("-key")
            .arg(&key)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()?;
        let out = std::io::BufReader::new(server.stdout.take().context("standard output is a pipe")?);
        let accepts = std::io::BufRead::lines(out)
            .map_while(std::io::Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT ")?.rsplit(':').next()?.trim().parse().ok());
        Ok(Edge {
            server,
            port: accepts.context("it says where it listens")?,
            certificate,
            _folder: folder,
        })
    }

    /// What is said of its certificate, by who trusts it or does not.
    fn looked_at(&self, trusted: bool) -> Result<Value> {
        let elsewhere = tempfile::tempdir()?;
        let mut command = blackroad(&["--env", "railway-development", "--json", "verify", "--service", "core"]);
        command
            .env("CORE_URL", format!("https://localhost:{}", self.port))
            .current_dir(elsewhere.path());
        if trusted {
            command.env("SSL_CERT_FILE", &self.certificate);
        }
        json(&command.output()?.into())
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_certificate_is_looked_at_as_a_browser_does() -> Result<()> {
    let edge = Edge::start(60)?;
    let [state, days] = told(&edge.looked_at(true)?, "core", "certificate").map(str::to_owned);
    assert!(state == "well" && ["59 d", "60 d"].contains(&&*days), "{state} {days}");
    let report = edge.looked_at(false)?;
    assert_eq!(told(&report, "core", "certificate"), ["drift", "bad"], "{report:#}");
    let ends_soon = Edge::start(5)?;
    let report = ends_soon.looked_at(true)?;
    assert_eq!(told(&report, "core", "certificate")[0], "drift", "{report:#}");
    Ok(())
}
