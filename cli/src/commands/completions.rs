//! `blackroad completions SHELL`.

use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Args;
use crate::print;

pub(super) fn run(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "blackroad", &mut script);
    print::line(String::from_utf8_lossy(&script).trim_end())
}
