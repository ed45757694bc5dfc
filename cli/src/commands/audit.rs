//! `blackroad audit list|verify|export|head`: the trail that core keeps.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write, stdin, stdout};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use syscall_sdk::audit::{Fault, Verifier, chain};
use syscall_sdk::contract::audit::KEEPER;
use syscall_sdk::wire::{AuditEntry, AuditHead, AuditPage};

use crate::args::{Audit, AuditList, AuditVerify};
use crate::print;
use crate::remote::Remote;

const PATH: &str = "/v1/audit";
/// Entries asked for at once.
const PAGE: usize = 1_000;
/// Of who did it, so many characters are shown: `user/` and an id are 41.
const WHO_CHARS: usize = 60;

pub(super) async fn run(remote: &Remote, machine: bool, audit: Audit) -> Result<()> {
    match audit {
        Audit::List(list) => show(remote, machine, list).await,
        Audit::Verify(verify) => check(remote, machine, verify).await,
        Audit::Export(export) => write(remote, &export.file).await,
        Audit::Head => {
            let page: AuditPage = remote.get(KEEPER, PATH, &[("limit", Some("1".to_owned()))]).await?;
            if machine {
                return print::json(&page.head);
            }
            print::line(shown(&page.head))
        }
    }
}

async fn show(remote: &Remote, machine: bool, list: AuditList) -> Result<()> {
    let query = [
        ("action", list.action),
        ("actor", list.actor),
        ("target", list.target),
        ("outcome", list.outcome.map(outcome)),
        ("service", list.service),
        ("trace", list.trace),
        ("before", list.before.map(|before| before.to_string())),
        ("limit", Some(list.limit.to_string())),
    ];
    let page: AuditPage = remote.get(KEEPER, PATH, &query).await?;
    if machine {
        return print::json(&page);
    }
    if page.entries.is_empty() && page.cursor.is_none() {
        return print::line("nothing is on the record");
    }
    let mut table = print::table(&[
        "entry", "when", "service", "who", "what", "on", "outcome", "from", "times",
    ]);
    for entry in page.entries {
        let outcome = outcome(entry.outcome);
        table.add_row([
            entry.sequence.to_string(),
            when(&entry),
            entry.service,
            print::short(&entry.actor, WHO_CHARS),
            entry.action,
            print::short(&entry.target, 60),
            entry.reason.map_or(outcome.clone(), |reason| {
                format!("{outcome}: {}", print::short(&reason, 40))
            }),
            entry.address.unwrap_or_default(),
            entry.count.to_string(),
        ]);
    }
    print::show(&table)?;
    match page.cursor {
        Some(cursor) => print::line(format!("… and earlier ones: --before {cursor}")),
        None => Ok(()),
    }
}

/// When it is said to have happened, and how far off that was when core took it, where it matters.
fn when(entry: &AuditEntry) -> String {
    let age = print::age(entry.at);
    match entry.apart().map(|apart| apart.as_seconds_f64()) {
        None => age,
        Some(late) if late > 0.0 => format!("{age}, taken {} later", print::span(late)),
        Some(early) => format!("{age}, taken {} before", print::span(-early)),
    }
}

/// The word on the wire.
fn outcome(outcome: syscall_sdk::wire::AuditOutcome) -> String {
    json!(outcome).as_str().unwrap_or_default().to_owned()
}

async fn check(remote: &Remote, machine: bool, verify: AuditVerify) -> Result<()> {
    let mut verifier = verify.heads.into_iter().fold(Verifier::default(), Verifier::pinned);
    match &verify.file {
        Some(file) => {
            let lines: Box<dyn BufRead> = if file == Path::new("-") {
                Box::new(stdin().lock())
            } else {
                Box::new(BufReader::new(
                    File::open(file).with_context(|| format!("opening {}", file.display()))?,
                ))
            };
            for line in lines.lines() {
                verifier.line(&line?)?;
            }
        }
        None => {
            let mut fleet = None;
            each_page(remote, |page| {
                fleet.get_or_insert_with(|| page.head.clone());
                page.entries.iter().try_for_each(|entry| Ok(verifier.entry(entry)?))
            })
            .await?;
            // What core says of the end counts as kept elsewhere: an entry that is gone from the end shows against it.
            verifier = fleet.into_iter().fold(verifier, Verifier::pinned);
        }
    }
    let entries = verifier.entries();
    let (head, faults) = verifier.finish();
    told(machine, entries, &head, &faults)
}

fn told(machine: bool, entries: u64, head: &AuditHead, faults: &[Fault]) -> Result<()> {
    let sentences: Vec<&str> = faults.iter().map(|fault| fault.what.as_str()).collect();
    if machine {
        print::json(&json!({ "entries": entries, "head": head, "faults": sentences }))?;
    } else {
        sentences.iter().try_for_each(print::line)?;
    }
    match faults.len() {
        0 if machine => Ok(()),
        0 => print::line(format!(
            "{entries} entries are whole and in order; the chain ends at {}",
            shown(head)
        )),
        1 => bail!("the audit trail has a fault"),
        many => bail!("the audit trail has {many} faults"),
    }
}

async fn write(remote: &Remote, file: &Path) -> Result<()> {
    let mut out: Box<dyn Write> = if file == Path::new("-") {
        Box::new(stdout())
    } else {
        let file = File::create(file).with_context(|| format!("creating {}", file.display()))?;
        Box::new(file)
    };
    let mut lines = BufWriter::new(&mut out);
    let (mut written, mut last) = (0_u64, None);
    each_page(remote, |page| {
        for entry in &page.entries {
            writeln!(lines, "{}", chain::line(entry)?)?;
            written += 1;
        }
        last = page.entries.last().map(chain::head_of).or(last.take());
        Ok(())
    })
    .await?;
    lines.flush()?;
    // Beside the lines, which may be going into a pipe.
    eprintln!(
        "{written} entries; the chain ends at {}",
        shown(&last.unwrap_or_else(chain::empty))
    );
    Ok(())
}

/// Goes along the whole chain, oldest first.
async fn each_page(remote: &Remote, mut take: impl FnMut(&AuditPage) -> Result<()>) -> Result<()> {
    let mut after = Some(0);
    while let Some(place) = after {
        let query = [("after", Some(place.to_string())), ("limit", Some(PAGE.to_string()))];
        let page: AuditPage = remote.get(KEEPER, PATH, &query).await?;
        take(&page)?;
        after = page.cursor.filter(|next| *next > place);
    }
    Ok(())
}

/// A head as `verify` takes it.
fn shown(head: &AuditHead) -> String {
    format!("{}:{}", head.sequence, head.hash)
}
