//! A fleet of one's own.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use syscall_sdk::registry::Registry;

use super::names::{self, Names};
use super::{Made, Plan, checkout, template};
use crate::args::NewFleet;

/// What the crates of a service need beside the SDK and the contracts.
const NEEDED: [&str; 8] = [
    "askama",
    "axum",
    "http",
    "http-body-util",
    "serde",
    "serde_json",
    "tokio",
    "utoipa",
];
/// Where the workspace's template has its dependencies.
const DEPENDENCIES: &str = "# dependencies\n";

pub(super) fn plan(order: &NewFleet) -> Result<Made> {
    names::check(&order.name).context("the name of a fleet is one that its packages can have")?;
    let domain = domain(&order.domain)?;
    let names = Names::new(&order.name, &order.service)?;
    let folder = order.folder.clone().unwrap_or_else(|| PathBuf::from(&order.name));
    let folder = std::path::absolute(&folder).with_context(|| format!("{} is no folder", folder.display()))?;
    let is_empty = std::fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        is_empty && !folder.is_file(),
        "{} is there already, and not empty; name another folder",
        folder.display()
    );
    let sdk = Sdk::of(order)?;
    let mut plan = Plan::new(folder);
    for (place, file) in template::FLEET {
        let text = names
            .fill(file)
            .replace("FLEET", &order.name)
            .replace("DOMAIN", &domain)
            .replace("# sdk\n", &sdk.dependencies())
            .replace(DEPENDENCIES, &dependencies());
        if *place == "registry.toml" {
            Registry::parse(&text).context("the registry would not be one")?;
        }
        plan.create(*place, text)?;
    }
    for (place, file) in template::SERVICE {
        plan.create(template::place(place, &names.key, &names.module()), names.fill(file))?;
    }
    if let Some(lock) = sdk.lock() {
        plan.create("Cargo.lock", lock)?;
    }
    let go = format!("cd {}", plan.root().display());
    Ok(Made {
        plan,
        what: format!("the fleet {}", order.name),
        next: vec![go, "cargo test --workspace".to_owned(), "cargo run -- up".to_owned()],
    })
}

/// Where the SDK comes from.
enum Sdk {
    Folder(PathBuf),
    Git { url: String, tag: String },
}

impl Sdk {
    fn of(order: &NewFleet) -> Result<Self> {
        let git = |url: &str| {
            let release = || format!("v{}", env!("CARGO_PKG_VERSION"));
            Sdk::Git {
                url: url.to_owned(),
                tag: order.tag.clone().unwrap_or_else(release),
            }
        };
        let sdk = match &order.sdk {
            Some(url) if url.contains("://") || url.starts_with("git@") => git(url),
            Some(folder) => Sdk::Folder(clone_at(Path::new(folder))?),
            None => match checkout::of_sdk() {
                Some(folder) => Sdk::Folder(folder),
                None => git(env!("CARGO_PKG_REPOSITORY")),
            },
        };
        if order.tag.is_some() && matches!(sdk, Sdk::Folder(_)) {
            bail!("--tag is a tag of a repository, and --sdk a folder; leave one out");
        }
        let said = match &sdk {
            Sdk::Folder(folder) => folder.display().to_string(),
            Sdk::Git { url, tag } => format!("{url}{tag}"),
        };
        // It goes into a manifest, between quotes.
        ensure!(
            !said.contains(['"', '\\']) && !said.contains(char::is_control),
            "where the SDK comes from has a quote or a backslash in it, which a manifest cannot hold: {said:?}"
        );
        Ok(sdk)
    }

    fn dependencies(&self) -> String {
        let (sdk, cli) = match self {
            Sdk::Folder(folder) => {
                let at = |package: &str| format!("path = \"{}\"", folder.join(package).display());
                (at("sdk"), at("cli"))
            }
            Sdk::Git { url, tag } => {
                let at = format!("git = \"{url}\", tag = \"{tag}\"");
                (at.clone(), at)
            }
        };
        format!("syscall-sdk = {{ {sdk} }}\nblackroad = {{ {cli}, default-features = false }}\n")
    }

    /// The versions that the SDK was tested with; cargo drops what this fleet does not use.
    fn lock(&self) -> Option<String> {
        match self {
            Sdk::Folder(folder) => std::fs::read_to_string(folder.join("Cargo.lock")).ok(),
            Sdk::Git { .. } => None,
        }
    }
}

fn clone_at(folder: &Path) -> Result<PathBuf> {
    let folder =
        std::fs::canonicalize(folder).with_context(|| format!("--sdk: {} cannot be found", folder.display()))?;
    ensure!(
        checkout::is_sdk(&folder),
        "--sdk: {} is no clone of the SDK's repository: it has no sdk/Cargo.toml beside cli/Cargo.toml",
        folder.display()
    );
    Ok(folder)
}

/// The lines of this repository's manifest for what a service needs.
fn dependencies() -> String {
    let needed = |line: &&str| {
        let name = line.split_once(" = ").map(|(name, _)| name);
        name.is_some_and(|name| NEEDED.contains(&name))
    };
    let lines: Vec<&str> = template::WORKSPACE.lines().filter(needed).collect();
    lines.join("\n") + "\n"
}

/// A domain as a registry has it: labels of a host name, two at least.
fn domain(text: &str) -> Result<String> {
    let domain = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&label.len()) && label.chars().all(fits) && !label.starts_with('-') && !label.ends_with('-')
    };
    ensure!(
        domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label),
        "--domain: {text:?} is no domain; write one such as example.org"
    );
    Ok(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_one_or_is_refused() {
        assert_eq!(domain("Example.org.").unwrap(), "example.org");
        for text in [
            "",
            "example",
            "https://example.org",
            "a..b",
            "-a.org",
            "a b.org",
            "\".org",
        ] {
            assert!(domain(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_dependency_that_the_templates_name_is_there() {
        let lines = dependencies();
        assert_eq!(lines.lines().count(), NEEDED.len(), "{lines}");
    }
}
