//! The cargo graph of a checkout: which files make which service. Watch paths, `blackroad affected` and the deploy workflow read it.
//!
//! Cargo itself is asked (`cargo metadata --no-deps --offline`, 0.2 s) instead of the manifests being read here: globs of members, what is
//! inherited from the workspace, renamed and target-specific dependencies and found targets are cargo's rules, and a second reading of them
//! would be wrong one day. It needs no network and no lock file; whoever has a checkout to deploy has cargo.

mod area;
mod outside;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use syscall_sdk::name::ServiceKey;
use syscall_sdk::registry::Registry;

use area::Area;

/// What every image is built from, whatever the service: a change of one touches all.
const SHARED: [&str; 7] = [
    ".cargo/**",
    ".dockerignore",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "registry.toml",
    "rust-toolchain.toml",
];

/// Where cargo looks for what only tests and benches are made of. Another folder is never left out, even where a test lies in it.
const FOR_TESTS: [&str; 3] = ["benches", "examples", "tests"];

/// The packages of a checkout.
#[derive(Debug)]
pub(crate) struct Workspace {
    packages: BTreeMap<String, Package>,
}

/// One package.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// From the root of the workspace; empty is the root itself.
    pub(crate) folder: String,
    /// Packages of this workspace that it is built from.
    needs: BTreeSet<String>,
    /// Folders of tests and benches, which no build takes.
    for_tests: BTreeSet<String>,
    /// Patterns of what it takes from outside of its folder, from the root: `[package.metadata.blackroad] watch`.
    watch: Vec<String>,
}

impl Workspace {
    /// Asks cargo for the packages of the workspace at a root.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let asked = Command::new("cargo")
            .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
            .current_dir(root)
            .output()
            .context("cargo, which knows the packages of this checkout, cannot be run; is it on the PATH?")?;
        if !asked.status.success() {
            let said = String::from_utf8_lossy(&asked.stderr);
            bail!(
                "cargo does not understand the workspace in {}: {}",
                root.display(),
                said.trim()
            );
        }
        let metadata: Metadata = serde_json::from_slice(&asked.stdout).context("cargo metadata")?;
        metadata.workspace()
    }

    fn package(&self, name: &str) -> Result<&Package> {
        self.packages.get(name).ok_or_else(|| {
            anyhow!(
                "the workspace has no package {name:?}; a service's package has the registry's name, and is a member in Cargo.toml"
            )
        })
    }

    /// Whether there is such a package.
    pub(crate) fn has(&self, package: &str) -> bool {
        self.packages.contains_key(package)
    }

    /// A package and all of this workspace that it is built from: normal and build dependencies, also optional ones and those of one target.
    pub(crate) fn closure(&self, package: &str) -> Result<BTreeSet<&Package>> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.package(package)?];
        while let Some(package) = open.pop() {
            if found.insert(package) {
                for name in &package.needs {
                    open.push(self.package(name)?);
                }
            }
        }
        Ok(found)
    }

    /// The patterns, as `.gitignore` has them, of every file that the image of a package is built from; all begin at the root.
    pub(crate) fn watch(&self, package: &str) -> Result<Vec<String>> {
        Ok(self.area(package)?.patterns())
    }

    /// The services that changed paths touch, in the registry's order; paths are from the root, with `/` between. A service that is not
    /// built from this workspace is touched by none.
    pub(crate) fn touched(&self, registry: &Registry, changed: &[String]) -> Vec<ServiceKey> {
        self.because(registry, changed)
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    }

    /// The services that changed paths touch, each with the paths that do.
    pub(crate) fn because<'a>(&self, registry: &Registry, changed: &'a [String]) -> Vec<(ServiceKey, Vec<&'a str>)> {
        registry
            .services()
            .filter_map(|service| {
                let area = self.area(&service.name).ok()?;
                let by: Vec<&str> = changed
                    .iter()
                    .map(String::as_str)
                    .filter(|path| area.holds(path))
                    .collect();
                let key = ServiceKey::new(&service.key).ok()?;
                (!by.is_empty()).then_some((key, by))
            })
            .collect()
    }

    fn area(&self, package: &str) -> Result<Area> {
        let mut area = Area::default();
        let closure = self.closure(package)?;
        for package in &closure {
            area.take_folder(&package.folder);
            for folder in &package.for_tests {
                area.leave_folder(folder);
            }
            let within = |other: &&Package| other.folder != package.folder && is_below(&other.folder, &package.folder);
            for other in self.packages.values().filter(within) {
                if !closure.contains(other) {
                    area.leave_folder(&other.folder);
                }
            }
        }
        let outside = closure
            .iter()
            .flat_map(|package| package.watch.iter().map(String::as_str));
        for pattern in outside.chain(SHARED) {
            area.take(pattern)?;
        }
        Ok(area)
    }
}

/// The root of the checkout that a directory lies in: the nearest folder upwards with a `registry.toml`.
pub(crate) fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("this directory cannot be read")?;
    here.ancestors()
        .find(|folder| folder.join("registry.toml").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            anyhow!(
                "neither {} nor a folder above it has a registry.toml; run this inside a checkout of the fleet",
                here.display()
            )
        })
}

/// The text of a checkout's `registry.toml`.
pub(crate) fn text(root: &Path) -> Result<String> {
    let file = root.join("registry.toml");
    std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
}

/// The registry of a checkout, which may be another than the one that this program was built with.
pub(crate) fn registry(root: &Path) -> Result<Registry> {
    Ok(Registry::parse(&text(root)?)?)
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// What cargo says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Told>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Told {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
    metadata: Option<Extra>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    src_path: PathBuf,
}

/// `[package.metadata]`, where other programs may have tables of their own.
#[derive(Deserialize)]
struct Extra {
    #[serde(default)]
    blackroad: Blackroad,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blackroad {
    #[serde(default)]
    watch: Vec<String>,
}

impl Metadata {
    fn workspace(self) -> Result<Workspace> {
        let root = &self.workspace_root;
        let mut packages = BTreeMap::new();
        for told in self.packages {
            let folder = from_root(root, told.manifest_path.parent().unwrap_or(root))?;
            let needs = told
                .dependencies
                .into_iter()
                .filter(|needed| needed.path.is_some() && needed.kind.as_deref() != Some("dev"))
                .map(|needed| needed.name)
                .collect();
            let mut for_tests = BTreeSet::new();
            for target in &told.targets {
                let source = from_root(root, &target.src_path)?;
                let inner = source.strip_prefix(&folder).unwrap_or_default().trim_start_matches('/');
                if let Some((first, _)) = inner.split_once('/')
                    && FOR_TESTS.contains(&first)
                {
                    for_tests.insert(join(&folder, first));
                }
            }
            let package = Package {
                name: told.name,
                folder,
                needs,
                for_tests,
                watch: told.metadata.map(|extra| extra.blackroad.watch).unwrap_or_default(),
            };
            packages.insert(package.name.clone(), package);
        }
        Ok(Workspace { packages })
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// A path from the root, with `/` between.
fn from_root(root: &Path, path: &Path) -> Result<String> {
    let inner = path.strip_prefix(root).map_err(|_| {
        anyhow!(
            "{} lies outside of {}; what an image is built from lies in the checkout",
            path.display(),
            root.display()
        )
    })?;
    Ok(inner.to_string_lossy().replace('\\', "/"))
}

#[cfg(test)]
mod tests;
