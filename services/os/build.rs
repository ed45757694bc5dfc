//! Joins the terminal's scripts to one module, without comments and indentation, which the readers of this folder need and browsers do not.

use std::io::{Error, Result};
use std::path::PathBuf;

/// In the order in which each uses the ones before.
const SCRIPTS: [&str; 4] = ["words.js", "fleet.js", "commands.js", "terminal.js"];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=assets");
    let mut module = String::new();
    for script in SCRIPTS {
        let text = std::fs::read_to_string(format!("{}/assets/{script}", env!("CARGO_MANIFEST_DIR")))?;
        for line in text.lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with("//") && !line.starts_with("/**") {
                module.push_str(line);
                module.push('\n');
            }
        }
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| Error::other("cargo says where to write"))?);
    std::fs::write(out.join("terminal.js"), module)
}
