//! The files that a new service and a new fleet begin with. They are ordinary files under `cli/templates/`, in which `sample` stands for the
//! key; a test makes a fleet and a service of them, compiles both and runs them.

/// A file: its place, in which `{key}` is the key and `{module}` the module of its contract, and its text.
pub(super) type File = (&'static str, &'static str);

macro_rules! file {
    ($place:literal, $path:literal) => {
        ($place, include_str!(concat!("../../../templates/", $path)))
    };
}

/// A service.
pub(super) const SERVICE: &[File] = &[
    file!("services/contracts/src/{module}.rs", "service/contract.rs"),
    file!("services/{key}/Cargo.toml", "service/package.toml"),
    file!("services/{key}/askama.toml", "service/askama.toml"),
    file!("services/{key}/src/items.rs", "service/src/items.rs"),
    file!("services/{key}/src/lib.rs", "service/src/lib.rs"),
    file!("services/{key}/src/main.rs", "service/src/main.rs"),
    file!("services/{key}/src/page.rs", "service/src/page.rs"),
    file!("services/{key}/src/routes.rs", "service/src/routes.rs"),
    file!("services/{key}/templates/items.html", "service/templates/items.html"),
    file!("services/{key}/tests/it/main.rs", "service/tests/it/main.rs"),
    file!("docs/reference/services/{key}.md", "service/page.md"),
];

/// A fleet around its first service.
pub(super) const FLEET: &[File] = &[
    file!(".gitignore", "fleet/gitignore"),
    file!("Cargo.toml", "fleet/workspace.toml"),
    file!("README.md", "fleet/README.md"),
    file!("clippy.toml", "fleet/clippy.toml"),
    file!("cli/Cargo.toml", "fleet/cli.toml"),
    file!("cli/src/main.rs", "fleet/main.rs"),
    file!("registry.toml", "fleet/registry.toml"),
    file!("rust-toolchain.toml", "fleet/rust-toolchain.toml"),
    file!("rustfmt.toml", "fleet/rustfmt.toml"),
    file!("services/contracts/Cargo.toml", "fleet/contracts.toml"),
    file!("services/contracts/src/lib.rs", "fleet/contracts.rs"),
];

/// This repository's own manifest: a new fleet begins with the same versions of what its services need.
pub(super) const WORKSPACE: &str = include_str!("../../../../Cargo.toml");

/// The place of a file.
pub(super) fn place(place: &str, key: &str, module: &str) -> String {
    place.replace("{key}", key).replace("{module}", module)
}
