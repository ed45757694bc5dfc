use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::time::SystemTime;

use super::*;

fn checkout() -> (PathBuf, Registry, Workspace) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the checkout is there");
    let registry = registry(&root).expect("its registry is sound");
    let workspace = Workspace::load(&root).expect("cargo knows it");
    (root, registry, workspace)
}

fn touched(paths: &[&str]) -> Vec<String> {
    let (_, registry, workspace) = checkout();
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    workspace
        .touched(&registry, &paths)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_change_touches_those_that_are_built_from_it_and_no_other() {
    let (_, registry, _) = checkout();
    let all = registry.keys();
    assert_eq!(touched(&["services/core/src/lib.rs"]), ["core"]);
    assert_eq!(touched(&["docs/tutorial.md"]), ["docs"]);
    for shared in [
        "sdk/src/lib.rs",
        "Cargo.lock",
        "Cargo.toml",
        "registry.toml",
        "Dockerfile",
        "rust-toolchain.toml",
    ] {
        assert_eq!(touched(&[shared]), all, "{shared}");
    }
    for of_nobody in [
        "sdk/tests/it/main.rs",
        "sdk/benches/rpc/main.rs",
        "sdk/fuzz/src/lib.rs",
        "sdk/fault-vfs/src/lib.rs",
        "services/core/tests/it/main.rs",
        "cli/src/main.rs",
        "README.md",
        "docsx/page.md",
    ] {
        assert_eq!(touched(&[of_nobody]), Vec::<String>::new(), "{of_nobody}");
    }
    // A module called tests lies beside the code, and a build may take it.
    assert_eq!(touched(&["sdk/src/auth/tests/tokens.rs"]), all);
}

#[test]
fn the_patterns_mean_to_git_what_the_graph_means_here() {
    let (root, registry, workspace) = checkout();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let tracked = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(&root)
        .output()
        .expect("git runs");
    let files = String::from_utf8(tracked.stdout).expect("our paths are UTF-8");
    let files: Vec<String> = files.split_terminator('\0').map(str::to_owned).collect();
    assert!(files.len() > 100, "this is a checkout");
    for service in registry.services() {
        let patterns = workspace.watch(&service.name).unwrap();
        let exclude = folder.path().join(&service.key);
        fs::write(&exclude, patterns.join("\n")).unwrap();
        let repository = folder.path().join(format!("{}-repository", service.key));
        let made = Command::new("git")
            .args(["init", "-q"])
            .arg(&repository)
            .status()
            .unwrap();
        assert!(made.success());
        let mut git = Command::new("git")
            .arg("-c")
            .arg(format!("core.excludesFile={}", exclude.display()))
            .args(["check-ignore", "--no-index", "--stdin", "-z"])
            .current_dir(&repository)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = git.stdin.take().unwrap();
        let asked = files.join("\0") + "\0";
        let feed = std::thread::spawn(move || stdin.write_all(asked.as_bytes()));
        let output = git.wait_with_output().unwrap();
        feed.join().unwrap().unwrap();
        let by_git = String::from_utf8(output.stdout).unwrap();
        let by_git: Vec<&str> = by_git.split_terminator('\0').collect();
        let area = workspace.area(&service.name).unwrap();
        let ours: Vec<&str> = files
            .iter()
            .map(String::as_str)
            .filter(|file| area.holds(file))
            .collect();
        assert_eq!(by_git, ours, "{}: {patterns:#?}", service.key);
    }
}

#[test]
fn every_file_that_was_compiled_into_a_service_is_in_its_watch_paths() {
    let (root, registry, workspace) = checkout();
    let test = std::env::current_exe().expect("a test knows its own file");
    let folder = test.parent().expect("it lies in a folder");
    // Cargo leaves the lists of older builds; the newest of a crate is the one that this test was built with.
    let mut newest: BTreeMap<String, (SystemTime, PathBuf)> = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder can be read").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        // `libNAME-HASH.rmeta` or the bare `NAME-HASH.d`: the list of a library, not that of a test program, which has no .rmeta.
        let Some((stem, hash)) = name.strip_suffix(".d").and_then(|stem| stem.rsplit_once('-')) else {
            continue;
        };
        if !folder.join(format!("lib{stem}-{hash}.rlib")).exists() {
            continue;
        }
        let changed = entry
            .metadata()
            .and_then(|about| about.modified())
            .expect("a file has a time");
        let known = newest.entry(stem.to_owned()).or_insert((changed, path.clone()));
        if changed > known.0 {
            *known = (changed, path);
        }
    }
    for service in registry.services() {
        let area = workspace.area(&service.name).unwrap();
        let mut seen = 0;
        for package in workspace.closure(&service.name).unwrap() {
            for file in told_by_build_script(&root, folder, package) {
                assert!(
                    area.holds(&file),
                    "{} is built from {file}, which it does not watch",
                    service.key
                );
            }
            let (_, list) = newest
                .get(&package.name.replace('-', "_"))
                .expect("this test was built from it");
            for file in listed(&fs::read_to_string(list).unwrap()) {
                let file = root.join(file);
                // What a build script wrote lies in target; what it was made of, the script told cargo.
                let Some(file) = file.canonicalize().ok().and_then(|file| from_root(&root, &file).ok()) else {
                    continue;
                };
                if !file.starts_with("target/") {
                    assert!(
                        area.holds(&file),
                        "{} is built from {file}, which it does not watch",
                        service.key
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "{} is built from {seen} files", service.key);
    }
}

/// The files that a list in make's language names.
fn listed(list: &str) -> Vec<String> {
    let first = list.lines().find(|line| line.contains(".d:")).unwrap_or_default();
    let (_, files) = first.split_once(".d: ").unwrap_or_default();
    files
        .split(' ')
        .filter(|file| !file.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What the build script of a package told cargo that it reads; of a folder, some file in it.
fn told_by_build_script(root: &Path, deps: &Path, package: &Package) -> Vec<String> {
    let of_it = format!("{}-", package.name);
    let built = fs::read_dir(deps.parent().expect("deps lies in a profile's folder").join("build"));
    let newest = built
        .expect("there are build scripts")
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_prefix(&of_it).is_some_and(|hash| !hash.contains('-'))
        })
        .filter_map(|entry| {
            let output = entry.path().join("output");
            let written = fs::metadata(&output).and_then(|about| about.modified()).ok()?;
            Some((written, output))
        })
        .max();
    let said = newest
        .map(|(_, output)| fs::read_to_string(output).expect("it can be read"))
        .unwrap_or_default();
    said.lines()
        .filter_map(|line| {
            line.split_once("cargo::rerun-if-changed=")
                .or(line.split_once("cargo:rerun-if-changed="))
        })
        .filter_map(|(_, path)| {
            let path = root.join(&package.folder).join(path).canonicalize().ok()?;
            // A copied build folder tells of the checkout that it was copied from.
            let inner = from_root(root, &path).ok()?;
            Some(if path.is_dir() { join(&inner, "any") } else { inner })
        })
        .collect()
}
