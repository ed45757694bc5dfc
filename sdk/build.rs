//! Tells the kernel which compiler built it: `/v1/sys/version` says so.

#[expect(
    clippy::disallowed_methods,
    reason = "a build script is told by its environment and by nothing else"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let said = std::process::Command::new(compiler).arg("--version").output();
    let version = said
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_default();
    // "rustc 1.95.0 (59807616e 2026-04-14)" is "rustc 1.95.0".
    let short: Vec<&str> = version.split_whitespace().take(2).collect();
    println!(
        "cargo::rustc-env=RUSTC_VERSION={}",
        if short.is_empty() {
            "rustc".to_owned()
        } else {
            short.join(" ")
        }
    );
}
