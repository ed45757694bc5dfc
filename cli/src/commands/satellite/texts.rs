//! What a satellite has that the checkout has otherwise: its README, its workflow, and an image that knows which service it is of.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use syscall_sdk::registry::{Registry, ServiceRecord};

const README: &str = include_str!("README.md");
const WORKFLOW: &str = include_str!("test.yml");
/// The line of the Dockerfile that is given the service, before its first stage.
const ARGUMENT: &str = "\nARG SERVICE\n";

/// Writes them, and gives how many they are.
pub(super) fn write(root: &Path, folder: &Path, registry: &Registry, service: &ServiceRecord) -> Result<usize> {
    let dockerfile = fs::read_to_string(root.join("Dockerfile")).context("the Dockerfile cannot be read")?;
    ensure!(
        dockerfile.contains(ARGUMENT),
        "the Dockerfile has no line `ARG SERVICE`, to which a satellite gives its service"
    );
    let dockerfile = dockerfile.replacen(ARGUMENT, &format!("\nARG SERVICE={}\n", service.name), 1);
    let told = |text: &str| {
        text.replace("{name}", &service.name)
            .replace("{key}", &service.key)
            .replace("{port}", &service.port.to_string())
            .replace("{organisation}", &registry.file().organisation)
    };
    let files = [
        ("Dockerfile", dockerfile),
        ("README.md", told(README)),
        (".github/workflows/test.yml", told(WORKFLOW)),
    ];
    for (name, text) in &files {
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(files.len() + 1)
}
