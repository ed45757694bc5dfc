//! The program in a checkout whose registry is another than the one that it was built with.

use anyhow::Result;
use syscall_sdk::registry::BUILTIN;

use crate::binary::{Ran, blackroad};

const SAYS_SO: &str =
    "registry.toml of this checkout differs from the one that this program was built with; it is used here\n";

/// Runs a command below a folder with such a registry.
fn ran_beside(registry: &str, args: &[&str]) -> Result<Ran> {
    let checkout = tempfile::tempdir()?;
    std::fs::write(checkout.path().join("registry.toml"), registry)?;
    let below = checkout.path().join("services");
    std::fs::create_dir(&below)?;
    Ok(blackroad(args).current_dir(below).output()?.into())
}

#[test]
fn what_needs_data_alone_goes_by_the_registry_of_the_checkout_and_says_so() -> Result<()> {
    let other = BUILTIN.replace("blackroad.systems", "fleet.example");
    let export = ["dns", "export", "--format", "bind", "--zone", "fleet.example"];
    for args in [&export[..], &["--json", "registry"][..]] {
        let ran = ran_beside(&other, args)?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(
            ran.out.contains("fleet.example") && !ran.out.contains("blackroad.systems"),
            "{ran:?}"
        );
        assert!(ran.err.contains(SAYS_SO), "{ran:?}");
    }
    Ok(())
}

#[test]
fn nothing_is_said_where_the_two_are_the_same() -> Result<()> {
    let ran = ran_beside(BUILTIN, &["registry"])?;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    Ok(())
}

#[test]
fn a_registry_that_cannot_be_read_is_refused_with_its_line() -> Result<()> {
    let broken = BUILTIN.replacen("\ndomain = ", "\ndomain = = ", 1);
    let ran = ran_beside(&broken, &["registry"])?;
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.err.contains("registry.toml") && ran.err.contains("at line "),
        "{ran:?}"
    );
    Ok(())
}
