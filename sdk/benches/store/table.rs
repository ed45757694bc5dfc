//! What is printed: a row a question, with what each store came to, its aim, and whether it was met.

use std::collections::BTreeMap;
use std::io::Write;

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    /// At least this.
    Least(f64),
    /// At most this.
    Most(f64),
    /// It is shown beside the others and has no aim.
    None,
}

impl Aim {
    fn met(self, value: f64) -> &'static str {
        match self {
            Aim::Least(aim) if value < aim => "missed",
            Aim::Most(aim) if value > aim => "missed",
            Aim::None => "",
            _ => "met",
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Aim::Least(aim) => format!("≥ {}", number(aim, unit)),
            Aim::Most(aim) => format!("≤ {}", number(aim, unit)),
            Aim::None => String::new(),
        }
    }
}

/// One figure.
pub(crate) struct Cell {
    /// The figure that the aim is about.
    pub(crate) value: f64,
    /// `/s`, `ms` and the like.
    pub(crate) unit: &'static str,
    /// What else is worth knowing of it.
    pub(crate) more: String,
    /// What it should be.
    pub(crate) aim: Aim,
}

/// Figures by question and store.
#[derive(Default)]
pub(crate) struct Table(BTreeMap<String, BTreeMap<&'static str, Cell>>);

impl Table {
    /// Adds a figure to a question. Questions are shown in the order of their names, which begin with a number.
    pub(crate) fn cell(&mut self, question: &str, store: &'static str, cell: Cell) {
        eprintln!("{store}: {question}: {}", shown(&cell));
        self.0.entry(question.to_owned()).or_default().insert(store, cell);
    }

    /// Prints Markdown, as docs/benchmarks.md holds it.
    pub(crate) fn print(&self) {
        println!("\n| | what | embedded | aim | | PostgreSQL | aim | |\n|---|---|---|---|---|---|---|---|");
        let mut rows: Vec<_> = self.0.iter().collect();
        let number = |question: &str| {
            let digits = question.bytes().take_while(u8::is_ascii_digit).count();
            question[..digits].parse::<u32>().unwrap_or(u32::MAX)
        };
        // By number; those of one number stay in the order of their names.
        rows.sort_by_key(|(question, _)| number(question));
        for (question, cells) in rows {
            let (row, what) = question.split_once(' ').unwrap_or(("", question));
            let parts: Vec<String> = ["embedded", "postgres"]
                .into_iter()
                .map(|store| match cells.get(store) {
                    None => "| | ".to_owned(),
                    Some(cell) => {
                        let (aim, met) = (cell.aim.text(cell.unit), cell.aim.met(cell.value));
                        format!("{} | {aim} | {met}", shown(cell))
                    }
                })
                .collect();
            println!("| {row} | {what} | {} |", parts.join(" | "));
        }
    }

    /// Appends a line of JSON a figure.
    pub(crate) fn append_json(&self, path: &str) {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .expect("the file can be written");
        for (question, cells) in &self.0 {
            for (store, cell) in cells {
                let durability = match *store {
                    "embedded" => "a sync before each answer (SQLite WAL, synchronous=FULL)",
                    _ => "a sync before each answer (PostgreSQL, synchronous_commit=on)",
                };
                let line = serde_json::json!({
                    "system": format!("BlackRoad, {store}"),
                    "question": question,
                    "value": cell.value,
                    "unit": cell.unit,
                    "more": cell.more,
                    "durability": durability,
                });
                writeln!(file, "{line}").expect("the file can be written");
            }
        }
    }
}

fn shown(cell: &Cell) -> String {
    let figure = number(cell.value, cell.unit);
    match cell.more.as_str() {
        "" => figure,
        more => format!("{figure} ({more})"),
    }
}

fn number(value: f64, unit: &str) -> String {
    let space = if unit.starts_with('/') { "" } else { " " };
    if value >= 100.0 || value == value.round() {
        format!("{value:.0}{space}{unit}")
    } else {
        format!("{value:.2}{space}{unit}")
    }
}
