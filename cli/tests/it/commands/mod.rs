//! Every command, typed as a person types it and as a program does.

mod deliveries;
mod follows;
mod jobs;
mod questions;
mod refusals;
mod tokens;
mod writes;

use anyhow::Result;

use crate::binary::Fleet;

fn start() -> Result<Fleet> {
    Fleet::start(&["--amnesia", "--only", "operator,core"])
}
