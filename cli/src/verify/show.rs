//! The table, and a sentence for whatever is not as it should be.

use anyhow::Result;
use comfy_table::{Cell, Color};

use super::Row;
use super::facts::{Fact, State};
use crate::args::Target;
use crate::print::{self, BAD, WARN};

pub(super) fn show(rows: &[Row], wanted: Option<&str>, target: &Target) -> Result<()> {
    let header = [
        "service", "commit", "version", "health", "dns", "cert", "config", "contract",
    ];
    let mut table = print::table(&header);
    for row in rows {
        let mut cells = vec![Cell::new(&row.service)];
        cells.extend(row.facts().into_iter().map(cell));
        table.add_row(cells);
    }
    print::show(&table)?;
    // What is wrong with many for one reason is one sentence.
    let mut told: Vec<(&str, bool, Vec<&str>)> = Vec::new();
    let mut drifts = 0;
    for row in rows {
        for fact in row.facts() {
            drifts += usize::from(fact.is_drift());
            let Some(says) = fact.says.as_deref() else { continue };
            match told.iter_mut().find(|(known, ..)| *known == says) {
                Some((.., whose)) => whose.push(row.service.as_str()),
                None => told.push((says, fact.is_drift(), vec![row.service.as_str()])),
            }
        }
    }
    for (says, is_drift, whose) in told {
        let style = if is_drift { BAD } else { WARN };
        let colon = if whose.len() == 1 { "" } else { ": each" };
        print::line(format!("{style}{}{style:#}{colon} {says}", whose.join(", ")))?;
    }
    let environment = target.environment.environment();
    let wanted = wanted.map_or_else(String::new, |commit| {
        format!(" with {}", commit.chars().take(7).collect::<String>())
    });
    let unknown = |of: fn(&Row) -> &Fact| rows.iter().filter(|row| of(row).state == State::Unknown).count();
    match (drifts, unknown(|row| &row.commit), unknown(|row| &row.contract)) {
        (0, 0, 0) => print::line(format!("{environment} is as it should be{wanted}")),
        (0, commits, contracts) => print::line(format!(
            "{environment} is as it should be, as far as that can be told: which commit runs is not known of {commits}, nor the contract of \
             {contracts}"
        )),
        (1, ..) => print::line(format!("{environment} is not as it should be{wanted}: 1 thing differs")),
        (many, ..) => print::line(format!(
            "{environment} is not as it should be{wanted}: {many} things differ"
        )),
    }
}

fn cell(fact: &Fact) -> Cell {
    let cell = Cell::new(&fact.told);
    match fact.state {
        State::Well => cell.fg(Color::Green),
        State::Drift => cell.fg(Color::Red),
        State::Unknown => cell.fg(Color::DarkGrey),
    }
}
