//! What a person sees while the fleet comes up: one row a service, redrawn in place on a terminal, printed once elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::Result;
use comfy_table::{Cell, Color};
use serde_json::json;
use syscall_sdk::wire::HealthStatus;
use tokio::sync::watch;

use super::Order;
use crate::print;

/// Most characters of a remark.
const REMARK: usize = 100;

/// The rows, as something to change and to wait on.
pub(super) type Rows = watch::Sender<Vec<Row>>;

/// How one service stands.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) key: String,
    /// Its own port, where `--ports` opened one.
    port: Option<u16>,
    pub(super) state: State,
    /// How long the last boot took.
    pub(super) boot: Option<Duration>,
    /// Why it last died.
    pub(super) remark: Option<String>,
}

/// How a service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Booting,
    Up(HealthStatus),
    Restarting,
    GivenUp,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Booting => "booting",
            State::Up(health) => health.as_str(),
            State::Restarting => "restarting",
            State::GivenUp => "given up",
        }
    }

    fn cell(self) -> Cell {
        match self {
            State::Booting => Cell::new(self.word()).fg(Color::DarkGrey),
            State::Up(health) => print::health(Some(health)),
            State::Restarting | State::GivenUp => Cell::new(self.word()).fg(Color::Red),
        }
    }
}

/// Rows of services that all boot.
pub(super) fn booting<'a>(services: impl IntoIterator<Item = (&'a str, Option<u16>)>) -> Rows {
    let row = |(key, port): (&str, _)| Row {
        key: key.to_owned(),
        port,
        state: State::Booting,
        boot: None,
        remark: None,
    };
    watch::Sender::new(services.into_iter().map(row).collect())
}

/// Changes the row of a service.
pub(super) fn change(rows: &Rows, key: &str, change: impl FnOnce(&mut Row)) {
    rows.send_modify(|rows| {
        if let Some(row) = rows.iter_mut().find(|row| row.key == key) {
            change(row);
        }
    });
}

/// Why nothing runs, where not one service has come up: there is no fleet then, and waiting mends no folder and no lock.
pub(super) fn nothing_runs(rows: &Rows) -> Option<String> {
    let rows = rows.borrow();
    let none = rows.iter().all(|row| !matches!(row.state, State::Up(_)));
    none.then(|| rows.iter().find_map(|row| row.remark.clone()).unwrap_or_default())
}

/// Draws the rows, on a terminal, until every service has come up or failed to. Gives how many lines were drawn.
pub(super) async fn draw(order: &Order, port: u16, rows: &Rows) -> Result<usize> {
    let mut changes = rows.subscribe();
    let mut drawn = 0;
    loop {
        let now = changes.borrow_and_update().clone();
        if is_live(order) {
            drawn = redraw(&now, port, drawn)?;
        }
        if now.iter().all(|row| row.state != State::Booting) || changes.changed().await.is_err() {
            return Ok(drawn);
        }
    }
}

/// Says that the fleet is up, and how its services are.
pub(super) fn announce(order: &Order, port: u16, rows: &Rows, drawn: usize, begun: Instant) -> Result<()> {
    let rows = rows.borrow().clone();
    if order.json {
        let services: Vec<_> = rows.iter().map(|row| row.json(port)).collect();
        let mut told = json!({ "port": port, "services": services });
        if let Some(identity) = &order.identity {
            let (name, value) = identity.json();
            told[name] = value;
        }
        return print::json(&told);
    }
    redraw(&rows, port, drawn)?;
    let took = begun.elapsed().as_secs_f64() * 1_000.0;
    print::line(format!(
        "\nthe fleet is up at http://localhost:{port}/ after {took:.0} ms; Ctrl-C drains it"
    ))?;
    order.identity.as_ref().map_or(Ok(()), |identity| identity.tell())
}

/// Lines of log would tear a table that is redrawn among them.
fn is_live(order: &Order) -> bool {
    !order.json && !order.up.logs && std::io::stdout().is_terminal()
}

impl Row {
    fn url(&self, port: u16) -> String {
        format!("http://{}.localhost:{port}", self.key)
    }

    fn boot_millis(&self) -> Option<f64> {
        self.boot.map(|boot| (boot.as_secs_f64() * 1_000.0).round())
    }

    fn json(&self, port: u16) -> serde_json::Value {
        json!({
            "key": self.key, "url": self.url(port), "port": self.port, "health": self.state.word(), "boot": self.boot_millis(), "remark": self.remark,
        })
    }
}

fn table(rows: &[Row], port: u16) -> comfy_table::Table {
    let mut table = print::table(&["service", "url", "health", "boot", ""]);
    for row in rows {
        let boot = row
            .boot_millis()
            .map_or_else(String::new, |millis| format!("{millis:.0} ms"));
        let own = row.port.map(|port| format!("http://127.0.0.1:{port}"));
        let remark = row.remark.as_deref().or(own.as_deref()).unwrap_or_default();
        table.add_row([
            Cell::new(&row.key),
            Cell::new(row.url(port)),
            row.state.cell(),
            Cell::new(boot),
            Cell::new(print::short(remark, REMARK)),
        ]);
    }
    table
}

/// Draws the table over the one before it, and gives how many lines it has.
fn redraw(rows: &[Row], port: u16, drawn: usize) -> Result<usize> {
    if drawn > 0 {
        let mut out = anstream::stdout().lock();
        write!(out, "\x1b[{drawn}A\x1b[J")?;
    }
    let table = table(rows, port);
    print::show(&table)?;
    Ok(table.lines().count())
}
