//! Which registry a command goes by: the one that this program was built with, or that of the checkout in which it is typed.
//!
//! Commands that say what is wanted, or hold something against it, go by the checkout's, as `railway` and `affected` do: who edits
//! `registry.toml` sees at once what comes of it, and `verify` tells a service that is not there yet. Commands that make a fleet do something
//! go by the one built in, wherever they are typed: it was built with the services that they ask.

use anyhow::{Context as _, Result};
use syscall_sdk::registry::Registry;

use crate::args::{Command, Token};
use crate::fleet::Known;
use crate::workspace;

/// The fleet as a command sees it. Where that is not the one built in, it is said on standard error.
///
/// # Errors
/// The checkout's `registry.toml` cannot be read, or says what no registry can; the line or the service is named.
pub(crate) fn seen_by(command: &Command, built: &Known) -> Result<Known> {
    let needs_data = match command {
        Command::Dns(_)
        | Command::Registry(_)
        | Command::Verify(_)
        | Command::Cost(_)
        | Command::Contract(_)
        | Command::Token(Token::Mint(_) | Token::Rotate(_)) => true,
        // A process of one service is started by another `up`, which has said it.
        Command::Up(up) if up.serve_one.is_none() => false,
        _ => return Ok(built.clone()),
    };
    // Outside of every checkout there is nothing to differ from.
    let Ok(root) = workspace::root() else {
        return Ok(built.clone());
    };
    if !needs_data {
        // What cannot be read is not what was built in either, and it runs all the same.
        if !workspace::text(&root).is_ok_and(|text| built.was_built_with(&text)) {
            eprintln!(
                "warning: registry.toml of this checkout differs from the one that this program was built with, which runs; build the \
                 program again"
            );
        }
        return Ok(built.clone());
    }
    let text = workspace::text(&root)?;
    if built.was_built_with(&text) {
        return Ok(built.clone());
    }
    let registry = Registry::parse(&text).with_context(|| format!("the fleet in {} cannot be read", root.display()))?;
    eprintln!("registry.toml of this checkout differs from the one that this program was built with; it is used here");
    Ok(built.with(registry))
}
