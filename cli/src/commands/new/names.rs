//! The names that a new service or fleet goes by.

use anyhow::{Result, bail};
use syscall_sdk::name::ServiceKey;

/// Words that Rust keeps for itself and that a key could be, since a key is also the name of a module.
const KEYWORDS: [&str; 50] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "super", "trait", "true", "try",
    "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
/// Names that are taken in every fleet: the crate that services share, the apex's other name, and this machine.
const TAKEN: [&str; 3] = ["contracts", "www", "localhost"];
/// Crates that the code of a fleet names, and packages that a fleet has: a module of that name would stand before them.
const CRATES: [&str; 10] = [
    "alloc",
    "blackroad",
    "cli",
    "proc-macro",
    "sdk",
    "serde",
    "std",
    "syscall",
    "test",
    "utoipa",
];

/// What the words of the templates stand for.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// `order-desk`.
    pub(super) key: String,
    /// `acme-order-desk`.
    pub(super) package: String,
    /// `acme-contracts`.
    pub(super) contracts: String,
}

impl Names {
    /// The names of a service in the fleet whose packages begin so.
    pub(super) fn new(prefix: &str, key: &str) -> Result<Self> {
        check(key)?;
        if CRATES.contains(&key) {
            bail!("{key:?} is the name of a crate or of a package that every fleet has; choose another key");
        }
        Ok(Names {
            key: key.to_owned(),
            package: format!("{prefix}-{key}"),
            contracts: format!("{prefix}-contracts"),
        })
    }

    /// `order_desk`: the module of its contract.
    pub(super) fn module(&self) -> String {
        ident(&self.key)
    }

    /// `Order desk`.
    pub(super) fn title(&self) -> String {
        let words = self.key.replace('-', " ");
        let mut letters = words.chars();
        letters
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
            .unwrap_or_default()
    }

    /// A template with these names in it. Longer words go first, since the shorter ones are parts of them.
    pub(super) fn fill(&self, template: &str) -> String {
        let text = template
            .replace("sample-service", &self.package)
            .replace("sample_service", &ident(&self.package))
            .replace("sample-contracts", &self.contracts)
            .replace("sample_contracts", &ident(&self.contracts))
            .replace("sample-key", &self.key)
            .replace("sample", &self.module())
            .replace("Sample", &self.title());
        in_order(&text)
    }
}

/// The same text with each run of `use` lines in order: where a name belongs among the others depends on the name.
fn in_order(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines
        .chunk_by_mut(|one, other| one.starts_with("use ") && other.starts_with("use "))
        .for_each(|run| run.sort_unstable());
    lines.concat()
}

/// What Rust calls a package or a key.
pub(super) fn ident(name: &str) -> String {
    name.replace('-', "_")
}

/// Refuses what cannot be a key, a folder and a module at once.
pub(super) fn check(key: &str) -> Result<()> {
    if let Err(error) = ServiceKey::new(key) {
        bail!("{}", error.message());
    }
    if KEYWORDS.contains(&key) {
        bail!("{key:?} is a word of Rust, so no module can be called that; choose another key");
    }
    if TAKEN.contains(&key) {
        bail!("{key:?} is taken in every fleet; choose another key");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_template_become_the_names_of_the_service() {
        let names = Names::new("acme", "order-desk").unwrap();
        let filled = names
            .fill("sample-service sample_service sample-contracts sample_contracts \"sample-key\" sample:: # Sample");
        assert_eq!(
            filled,
            "acme-order-desk acme_order_desk acme-contracts acme_contracts \"order-desk\" order_desk:: # Order desk"
        );
    }

    #[test]
    fn lines_that_use_something_are_in_order_whatever_the_name() {
        let template =
            "use http::Method;\nuse sample_contracts::REGISTRY;\nuse syscall_sdk::host;\n\nfn b() {}\nfn a() {}\n";
        let filled = Names::new("zeta", "billing").unwrap().fill(template);
        let expected =
            "use http::Method;\nuse syscall_sdk::host;\nuse zeta_contracts::REGISTRY;\n\nfn b() {}\nfn a() {}\n";
        assert_eq!(filled, expected);
    }

    #[test]
    fn what_cannot_be_a_key_a_folder_and_a_module_is_refused() {
        for key in [
            "",
            "Billing",
            "a b",
            "../x",
            "-a",
            "a-",
            "1a",
            "type",
            "yield",
            "www",
            "contracts",
            "std",
            "sdk",
            "syscall",
            "test",
        ] {
            assert!(Names::new("acme", key).is_err(), "{key}");
        }
        for key in ["billing", "order-desk", "core", "a1"] {
            assert!(Names::new("acme", key).is_ok(), "{key}");
        }
    }
}
