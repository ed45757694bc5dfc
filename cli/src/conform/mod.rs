//! `blackroad conform`.
use crate::args::{Conform, Target};
use std::process::ExitCode;
pub(crate) async fn run(_: &Target, _: bool, _: Conform) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not here yet")
}
