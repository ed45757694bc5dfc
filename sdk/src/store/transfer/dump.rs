//! The dump: a header line, a line a row, and an end line with the number of lines before it and their SHA-256.
//!
//! The end is what a dump that was cut short lacks, and what one that was edited does not match. That is a guard against
//! accidents: who may write the file may write the hash.

use std::fmt;
use std::io::{self, BufRead, Write};

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::{Contents, Meta};
use crate::store::{Attempt, Change, Entry, Event, Job, Remembered, Schedule, Seq};

/// The version of the format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

/// Why a dump cannot be used.
#[derive(Debug)]
pub enum Flaw {
    /// It could not be read or written.
    Io(io::Error),
    /// It is no whole dump of this format; the sentence says what to do.
    Unfit(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Io(_) => f.write_str("the dump cannot be read or written"),
            Flaw::Unfit(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Flaw {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Flaw::Io(error) => Some(error),
            Flaw::Unfit(_) => None,
        }
    }
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Flaw::Io(error)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    service: String,
    meta: Meta,
}

/// What every version of the format says first.
#[derive(Deserialize)]
struct Version {
    dump: Format,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    lines: u64,
    sha256: String,
}

/// A line as it is read; [`Writer::line`] writes the same.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Dump(Header),
    State(String, Entry),
    Change(String, Change),
    Event(Event),
    Job(Box<Job>),
    Attempt(Seq, Attempt),
    Schedule(Box<Schedule>),
    Remembered(String, String, Remembered),
    Rate(String, i64),
    End(End),
}

/// Writes a dump of a service. `told` hears how many rows are written, now and then.
///
/// # Errors
/// [`Flaw::Io`] where it cannot be written.
pub fn write(service: &str, contents: &Contents, out: impl Write, mut told: impl FnMut(u64)) -> Result<(), Flaw> {
    let mut writer = Writer {
        out,
        hash: Context::new(&SHA256),
        lines: 0,
    };
    let header = Header {
        format: FORMAT,
        service: service.to_owned(),
        meta: contents.meta,
    };
    writer.line("dump", &header)?;
    macro_rules! rows {
        ($($kind:literal: $table:ident),*) => {
            $(for row in &contents.$table {
                writer.line($kind, row)?;
                tell(writer.lines - 1, &mut told);
            })*
        };
    }
    rows!(
        "state": entries, "change": changes, "event": events, "job": jobs, "attempt": attempts, "schedule": schedules,
        "remembered": remembered, "rate": rates
    );
    let end = End {
        lines: writer.lines,
        sha256: hex(writer.hash.clone()),
    };
    writer.line("end", &end)?;
    Ok(writer.out.flush()?)
}

/// Reads a dump of a service, whole, and checks that it is.
///
/// # Errors
/// [`Flaw::Unfit`] where it was cut short or edited, is of another format or of another service; [`Flaw::Io`] where it cannot be read.
pub fn read(service: &str, mut from: impl BufRead, mut told: impl FnMut(u64)) -> Result<Contents, Flaw> {
    let (mut contents, mut hash) = (Contents::default(), Context::new(&SHA256));
    let (mut lines, mut text) = (0, Vec::new());
    loop {
        text.clear();
        if from.read_until(b'\n', &mut text)? == 0 {
            return Err(unfit(format!(
                "the dump ends after {lines} lines without its end line: it was cut short; export it again"
            )));
        }
        let line = if lines == 0 {
            first(&text)?
        } else {
            parse(&text, lines)?
        };
        match line {
            Line::Dump(header) if lines == 0 => contents.meta = of(service, header)?,
            Line::End(end) => {
                finish(&end, lines, hash)?;
                break;
            }
            Line::Dump(_) => return Err(unfit(format!("line {} of the dump is a second header", lines + 1))),
            Line::State(space, entry) => contents.entries.push((space, entry)),
            Line::Change(space, change) => contents.changes.push((space, change)),
            Line::Event(event) => contents.events.push(event),
            Line::Job(job) => contents.jobs.push(*job),
            Line::Attempt(job, attempt) => contents.attempts.push((job, attempt)),
            Line::Schedule(schedule) => contents.schedules.push(*schedule),
            Line::Remembered(scope, key, kept) => contents.remembered.push((scope, key, kept)),
            Line::Rate(name, next) => contents.rates.push((name, next)),
        }
        hash.update(&text);
        lines += 1;
        tell(lines - 1, &mut told);
    }
    text.clear();
    match from.read_until(b'\n', &mut text)? {
        0 => {
            contents.plain();
            contents.weigh();
            Ok(contents)
        }
        _ => Err(unfit("the dump goes on after its end line; export it again".to_owned())),
    }
}

struct Writer<W> {
    out: W,
    hash: Context,
    lines: u64,
}

impl<W: Write> Writer<W> {
    fn line(&mut self, kind: &str, row: &impl Serialize) -> Result<(), Flaw> {
        let row = serde_json::to_string(row).map_err(io::Error::from)?;
        let line = format!("{{\"{kind}\":{row}}}\n");
        self.hash.update(line.as_bytes());
        self.lines += 1;
        Ok(self.out.write_all(line.as_bytes())?)
    }
}

/// Rows between two words on how far it is: some tenths of a second.
const TELL_EVERY: u64 = 50_000;

fn tell(rows: u64, told: &mut impl FnMut(u64)) {
    if rows > 0 && rows.is_multiple_of(TELL_EVERY) {
        told(rows);
    }
}

/// The header, of which the version is read before anything that depends on it.
fn first(text: &[u8]) -> Result<Line, Flaw> {
    let Ok(version) = serde_json::from_slice::<Version>(text) else {
        return Err(unfit(
            "this is no dump of a store: it does not begin with a header line".to_owned(),
        ));
    };
    match version.dump.format {
        FORMAT => parse(text, 0),
        other => Err(unfit(format!(
            "the dump is of format {other} and this program knows format {FORMAT}; use the version that wrote it"
        ))),
    }
}

fn parse(text: &[u8], before: u64) -> Result<Line, Flaw> {
    serde_json::from_slice(text).map_err(|error| {
        unfit(format!(
            "line {} of the dump is no row of it ({error}): it was cut short or edited; export it again",
            before + 1
        ))
    })
}

fn of(service: &str, header: Header) -> Result<Meta, Flaw> {
    if header.service == service {
        return Ok(header.meta);
    }
    Err(unfit(format!(
        "the dump is of the service {}, not of {service}; name that one",
        header.service
    )))
}

fn finish(end: &End, lines: u64, hash: Context) -> Result<(), Flaw> {
    if end.lines == lines && end.sha256 == hex(hash) {
        return Ok(());
    }
    Err(unfit(format!(
        "the dump is not as it was written: its {lines} lines do not have the hash that its end line gives for {}; export it again",
        end.lines
    )))
}

fn unfit(sentence: String) -> Flaw {
    Flaw::Unfit(sentence)
}

fn hex(hash: Context) -> String {
    hash.finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
