//! A small checkout, and what the program says of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::binary::{Ran, blackroad};

/// The root of the checkout that this was built from.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the checkout")
        .to_owned()
}

const REGISTRY: &str = r#"
domain = "example.org"
health_path = "/health"
probe_interval_seconds = 0
railway_project = "p"
organisation = "o"
zone = []
[deploy]
draining_seconds = 15
[[service]]
key = "one"
name = "fleet-one"
role = "one"
port = 8000
production = { railway = "https://one.up.railway.app" }
development = { railway = "https://one-dev.up.railway.app" }
calls = ["two"]
[[service]]
key = "two"
name = "fleet-two"
role = "two"
port = 8000
production = { railway = "https://two.up.railway.app" }
development = { railway = "https://two-dev.up.railway.app" }
[edge_health]
interval_seconds = 60
timeout_seconds = 5
retries = 2
expects = 200
"#;

struct Checkout(tempfile::TempDir);

impl Checkout {
    /// Two services and a crate that the first is built from.
    fn new() -> Result<Self> {
        let checkout = Checkout(tempfile::tempdir()?);
        checkout.write("registry.toml", REGISTRY)?;
        checkout.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\", \"shared\"]\n",
        )?;
        for (name, needs) in [
            ("one", "shared = { path = \"../shared\" }\n"),
            ("two", ""),
            ("shared", ""),
        ] {
            let package = if name == "shared" {
                name.to_owned()
            } else {
                format!("fleet-{name}")
            };
            let manifest = format!("[package]\nname = \"{package}\"\nedition = \"2024\"\n[dependencies]\n{needs}");
            checkout.write(&format!("{name}/Cargo.toml"), &manifest)?;
            checkout.write(&format!("{name}/src/lib.rs"), "")?;
            checkout.write(&format!("{name}/src/more.rs"), "")?;
        }
        checkout.write("Dockerfile", "FROM scratch\nARG SERVICE\n")?;
        Ok(checkout)
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().context("it lies in a folder")?)?;
        Ok(fs::write(path, text)?)
    }

    fn edit(&self, path: &str, from: &str, to: &str) -> Result<()> {
        let text = fs::read_to_string(self.0.path().join(path))?;
        assert!(text.contains(from), "{path} has {from:?}");
        self.write(path, &text.replace(from, to))
    }

    fn run(&self, args: &[&str]) -> Result<Ran> {
        Ok(blackroad(args).current_dir(self.0.path()).output()?.into())
    }

    fn git(&self, args: &[&str]) -> Result<()> {
        let status = Command::new("git")
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.org",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(args)
            .current_dir(self.0.path())
            .status()?;
        anyhow::ensure!(status.success(), "git {args:?}");
        Ok(())
    }

    /// Each finding as one text; the exit code must fit.
    fn findings(&self) -> Result<Vec<String>> {
        let ran = self.run(&["--json", "railway", "check"])?;
        let findings: Vec<Value> = serde_json::from_str(&ran.out).with_context(|| format!("{ran:?}"))?;
        assert_eq!(ran.code, Some(i32::from(!findings.is_empty())), "{ran:?}");
        let text = |found: &Value| {
            let part = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
            format!("{}: {} → {}", part("at"), part("what"), part("instead"))
        };
        Ok(findings.iter().map(text).collect())
    }
}

#[test]
fn what_is_rendered_and_committed_is_found_to_be_well() -> Result<()> {
    let checkout = Checkout::new()?;
    let ran = checkout.run(&["railway", "render"])?;
    assert_eq!(
        ran.out, "wrote railway/fleet.ts\nwrote .railway/railway.ts\n",
        "{ran:?}"
    );
    assert_eq!(checkout.findings()?, Vec::<String>::new());
    let again = checkout.run(&["railway", "render"])?;
    assert!(again.out.contains("as they should be"), "{again:?}");
    Ok(())
}

/// What is done to a checkout.
type Damage = fn(&Checkout) -> Result<()>;

#[test]
fn what_would_go_wrong_is_told_with_where_and_what_to_do() -> Result<()> {
    let render = "run `blackroad railway render`";
    let cases: [(&str, Damage, &[&str]); 7] = [
        (
            "nothing was rendered",
            |checkout| Ok(fs::remove_file(checkout.0.path().join(".railway/railway.ts"))?),
            &[".railway/railway.ts: is not there", render],
        ),
        (
            "a file of the older way at the root",
            |checkout| checkout.write("railway.toml", ""),
            &["railway.toml: is read for every service", "delete it"],
        ),
        (
            "another one deeper down",
            |checkout| checkout.write("one/railway.json", "{}"),
            &["one/railway.json: is the platform's older way", "delete it"],
        ),
        (
            "a crate that is new to a service",
            |checkout| {
                checkout.edit(
                    "two/Cargo.toml",
                    "[dependencies]\n",
                    "[dependencies]\nshared = { path = \"../shared\" }\n",
                )
            },
            &[
                "service \"fleet-two-production\": its watch paths miss the crate shared (/shared)",
                render,
            ],
        ),
        (
            "a drain that is cut short",
            |checkout| {
                checkout.edit("registry.toml", "draining_seconds = 15", "draining_seconds = 3")?;
                checkout.run(&["railway", "render"]).map(drop)
            },
            &[
                "registry.toml, deploy.draining_seconds: the platform kills a process 3 s after SIGTERM",
                "make it 10 or more",
            ],
        ),
        (
            "a Dockerfile that is not told what to build",
            |checkout| checkout.write("Dockerfile", "FROM scratch\nARG SERVICES\n"),
            &["Dockerfile: declares no `ARG SERVICE`", "in the stage that builds"],
        ),
        (
            "a service that is no package",
            |checkout| checkout.edit("registry.toml", "fleet-two", "fleet-2"),
            &[
                "registry.toml, service \"two\": the workspace has no package \"fleet-2\"",
                "name the package so",
            ],
        ),
    ];
    for (case, spoil, parts) in cases {
        let checkout = Checkout::new()?;
        checkout.run(&["railway", "render"])?;
        spoil(&checkout)?;
        let findings = checkout.findings().context(case)?;
        let [found] = &findings[..] else {
            panic!("{case}: {findings:#?}")
        };
        for part in parts {
            assert!(found.contains(part), "{case}: {found}");
        }
    }
    Ok(())
}

#[test]
fn what_a_change_touches_is_told_from_the_graph() -> Result<()> {
    let checkout = Checkout::new()?;
    checkout.git(&["init", "-q"])?;
    checkout.git(&["add", "-A"])?;
    checkout.git(&["commit", "-q", "-m", "all"])?;
    let touched = |args: &[&str]| -> Result<Vec<String>> {
        let ran = checkout.run(&[&["--json", "affected"], args].concat())?;
        serde_json::from_str(&ran.out).with_context(|| format!("{ran:?}"))
    };
    assert_eq!(touched(&[])?, Vec::<String>::new());
    assert_eq!(touched(&["two/src/lib.rs"])?, ["two"]);
    assert_eq!(touched(&["shared/src/lib.rs", "README.md"])?, ["one"]);
    assert_eq!(touched(&["Cargo.lock"])?, ["one", "two"]);
    // What is new to git counts, and what a commit took away.
    checkout.write("two/src/new.rs", "")?;
    assert_eq!(touched(&[])?, ["two"]);
    checkout.git(&["add", "-A"])?;
    checkout.git(&["mv", "shared/src/more.rs", "moved.rs"])?;
    checkout.git(&["commit", "-q", "-m", "more"])?;
    assert_eq!(touched(&["--since", "HEAD~1"])?, ["one", "two"]);
    assert_eq!(touched(&["--since", "HEAD"])?, Vec::<String>::new());
    assert_eq!(
        touched(&["--since", "0000000000000000000000000000000000000000"])?,
        ["one", "two"]
    );

    let ran = checkout.run(&["affected", "--since", "HEAD~1"])?;
    assert!(
        ran.out.contains("one") && ran.out.contains("shared/src/more.rs"),
        "{ran:?}"
    );
    let ran = checkout.run(&["affected", "--since", "nowhere"])?;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("what changed since \"nowhere\" is unknown"), "{ran:?}");
    Ok(())
}
