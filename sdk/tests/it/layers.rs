//! The architecture as a test: what a module may know, and what only one module may do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One total order: a module uses only what stands before it. Ports stand on one level and do not know one another.
const LEVELS: [&[&str]; 18] = [
    &["error"],
    &["name"],
    &["policy"],
    &["wire"],
    &["config"],
    &["contract"],
    &["clock"],
    &["telemetry"],
    &["lifecycle"],
    &["store", "resolve", "transport"],
    &["auth"],
    &["state", "events", "jobs", "logs", "metrics", "registry", "admission"],
    &["audit", "health", "rpc"],
    &["pipe"],
    &["subscription", "workflow"],
    &["why"],
    &["context"],
    &["service"],
];
/// What stands above the kernel; `pages` is markup alone.
const UPPER: [&[&str]; 3] = [&["pages"], &["http"], &["host"]];

struct Source {
    path: PathBuf,
    module: String,
    code: String,
}

/// Every source file below `src`, without tests, comments and what follows a `#[cfg(test)]`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let relative = entry.strip_prefix(&root).unwrap().to_path_buf();
            let first = relative
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_string_lossy()
                .into_owned();
            let test_only = ["tests.rs", "property.rs", "cluster.rs"]
                .iter()
                .any(|name| relative.ends_with(name))
                || relative
                    .components()
                    .any(|part| part.as_os_str() == "conformance" || part.as_os_str() == "tests");
            if entry.extension().is_none_or(|ending| ending != "rs") || test_only {
                continue;
            }
            let text = fs::read_to_string(&entry).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n");
            found.push(Source {
                path: relative,
                module: first.trim_end_matches(".rs").to_owned(),
                code,
            });
        }
    }
    assert!(found.len() > 50, "the sources were found");
    found
}

fn level(module: &str) -> usize {
    let all = LEVELS.iter().chain(&UPPER);
    all.enumerate()
        .find_map(|(level, modules)| modules.contains(&module).then_some(level))
        .unwrap_or_else(|| panic!("module {module} has no level; give it one here and in lib.rs"))
}

/// The modules that a source names as `crate::module`.
fn used(code: &str) -> BTreeSet<&str> {
    let end = |rest: &str| {
        rest.find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len())
    };
    code.split("crate::")
        .skip(1)
        .map(|rest| &rest[..end(rest)])
        .filter(|module| !module.is_empty())
        .collect()
}

#[test]
fn a_module_uses_only_what_stands_above_it() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| source.module != "lib") {
        for module in used(&source.code).into_iter().filter(|module| *module != source.module) {
            if level(module) >= level(&source.module) {
                faults.push(format!("{} ({}) uses {module}", source.path.display(), source.module));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "a module reaches up or sideways:\n{}",
        faults.join("\n")
    );
}

#[test]
fn braces_hide_no_use_from_the_layer_test() {
    for source in sources() {
        assert!(
            !source.code.contains("use crate::{"),
            "{} groups crate imports; name each",
            source.path.display()
        );
    }
}

#[test]
fn only_the_lifecycle_spawns() {
    only(
        &["tokio::spawn(", "task::spawn(", "spawn_blocking(", "thread::spawn("],
        &["lifecycle"],
    );
}

#[test]
fn only_named_owners_start_threads() {
    // A store's writer and readers and the writer of log lines are threads by nature; each is joined or ends with its channel.
    only(&["thread::Builder"], &["telemetry", "store"]);
}

#[test]
fn only_the_host_reads_the_environment() {
    only(&["env::var", "env::vars", "vars_os"], &["host"]);
}

#[test]
fn only_http_knows_status_codes() {
    // The client reads them back, in one file, and passes them on.
    only(&["StatusCode::"], &["http"]);
}

#[test]
fn only_wire_and_contracts_derive_serde_for_the_wire() {
    // `policy::Backoff` is a wire type by way of a job's fields; the registry and the environment are files, not wire.
    only(
        &["derive(Clone, Debug, Serialize", "ToSchema)]"],
        &["wire", "policy", "registry", "http"],
    );
}

#[test]
fn nothing_is_process_wide() {
    for source in sources() {
        for line in source.code.lines() {
            let line = line.trim_start();
            let is_static =
                line.starts_with("static ") || line.starts_with("pub static ") || line.contains("thread_local!");
            assert!(!is_static, "{}: {line}", source.path.display());
        }
    }
}

fn only(words: &[&str], owners: &[&str]) {
    let mut faults = Vec::new();
    for source in sources() {
        for word in words {
            if source.code.contains(word) && !owners.contains(&source.module.as_str()) {
                faults.push(format!("{} has {word}", source.path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "only {owners:?} may:\n{}", faults.join("\n"));
}
