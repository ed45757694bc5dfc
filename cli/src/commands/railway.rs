//! `blackroad railway render` and `blackroad railway check`.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::Railway;
use crate::print::{self, BAD, DIM};
use crate::railway::{Checkout, ENTRY, FLEET, check};

pub(crate) fn run(machine: bool, railway: &Railway) -> Result<ExitCode> {
    let checkout = Checkout::here()?;
    match railway {
        Railway::Render => render(machine, &checkout),
        Railway::Check => told(machine, &checkout),
    }
}

fn render(machine: bool, checkout: &Checkout) -> Result<ExitCode> {
    let written = checkout.write()?;
    if machine {
        print::json(&written)?;
    } else if written.is_empty() {
        print::line(format!("{FLEET} and {ENTRY} are as they should be"))?;
    } else {
        for path in written {
            print::line(format!("wrote {path}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(machine: bool, checkout: &Checkout) -> Result<ExitCode> {
    let findings = check::all(checkout)?;
    let code = if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    if machine {
        print::json(&findings)?;
        return Ok(code);
    }
    for found in &findings {
        print::line(format!(
            "{BAD}{}{BAD:#}: {}\n  {DIM}{}{DIM:#}",
            found.at, found.what, found.instead
        ))?;
    }
    match findings.len() {
        0 => print::line("nothing would go wrong that can be seen from here")?,
        1 => print::line("1 thing would go wrong")?,
        many => print::line(format!("{many} things would go wrong"))?,
    }
    Ok(code)
}
