//! `blackroad store stats|verify SERVICE`, `blackroad store export|import SERVICE FILE`.
//!
//! These ask no fleet: they open what a service keeps where it lies. A file that a fleet holds is refused; a schema is read in one
//! snapshot while its replicas go on.

mod place;

use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal as _, Write, stderr, stdin, stdout};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Map, Value, json};
use syscall_sdk::config::{self, KeptMax};
use syscall_sdk::host::process_environment;
use syscall_sdk::store::transfer::{self, Contents, sizes, violations};
use syscall_sdk::wire::Timestamp;

use crate::args::{self, StoreFile, StoreOf, StorePlace};
use crate::print;
use crate::remote::Remote;
use place::Place;

/// A service, and where its data lies.
struct Kept {
    key: String,
    place: Place,
}

pub(super) async fn run(remote: &Remote, machine: bool, store: args::Store) -> Result<()> {
    let kept = |service: &str, typed: StorePlace| -> Result<Kept> {
        let registry = &remote.registry;
        let record = registry
            .get(service)
            .map_err(|error| anyhow!("{error}; there are {}", registry.keys().join(", ")))?;
        Ok(Kept {
            key: record.key.clone(),
            place: Place::of(typed, record)?,
        })
    };
    match store {
        args::Store::Stats(StoreOf { service, place }) => stats(&kept(&service, place)?, machine).await,
        args::Store::Verify(StoreOf { service, place }) => verify(&kept(&service, place)?, machine).await,
        args::Store::Export(StoreFile { service, file, place }) => {
            export(&kept(&service, place)?, machine, &file).await
        }
        args::Store::Import(StoreFile { service, file, place }) => {
            import(&kept(&service, place)?, machine, &file).await
        }
    }
}

async fn stats(kept: &Kept, machine: bool) -> Result<()> {
    let (contents, bytes) = kept.place.dump().await?;
    let (meta, sizes) = (contents.meta, sizes(&contents));
    let most = kept_max()?;
    let bounds = [
        ("events", meta.kept.events, most.events),
        ("changes", meta.kept.changes, most.changes),
        ("ended jobs", meta.kept.jobs, most.jobs),
    ];
    if machine {
        let rows = sizes.kinds.iter().map(|kind| {
            let oldest = kind.oldest.map(Timestamp);
            json!({ "kind": kind.name, "rows": kind.rows, "oldest": oldest })
        });
        let jobs = sizes
            .jobs
            .iter()
            .map(|(status, count)| (status.as_str().to_owned(), Value::from(*count)));
        return print::json(&json!({
            "service": kept.key,
            "place": kept.place.to_string(),
            "bytes": bytes,
            "heads": { "seq": meta.seq, "event": meta.event_head, "change": meta.change_head },
            "floors": { "event": meta.event_floor, "change": meta.change_floor },
            "rows": rows.collect::<Vec<_>>(),
            "kept": bounds.map(|(kind, bytes, most)| json!({ "kind": kind, "bytes": bytes, "most": most })),
            "jobs": jobs.collect::<Map<_, _>>(),
        }));
    }
    print::line(format!(
        "{} in {}: {bytes} bytes, sequence {}",
        kept.key, kept.place, meta.seq
    ))?;
    let mut table = print::table(&["kind", "rows", "oldest", "floor", "head"]);
    for kind in &sizes.kinds {
        let (floor, head) = match kind.name {
            "changes" => (meta.change_floor.to_string(), meta.change_head.to_string()),
            "events" => (meta.event_floor.to_string(), meta.event_head.to_string()),
            _ => Default::default(),
        };
        let oldest = kind
            .oldest
            .map_or_else(String::new, |moment| print::age(Timestamp(moment)));
        table.add_row([kind.name.to_owned(), kind.rows.to_string(), oldest, floor, head]);
    }
    print::show(&table)?;
    let mut table = print::table(&["kept", "bytes", "most", "used"]);
    for (kind, bytes, most) in bounds {
        let used = format!("{} %", bytes.saturating_mul(100) / most);
        table.add_row([kind.to_owned(), bytes.to_string(), most.to_string(), used]);
    }
    print::show(&table)?;
    let mut table = print::table(&["jobs", "rows"]);
    for (status, count) in &sizes.jobs {
        table.add_row([print::job_status(*status), (*count).into()]);
    }
    print::show(&table)
}

/// What a fleet in this environment would keep.
fn kept_max() -> Result<KeptMax> {
    let (variables, faults) = process_environment();
    anyhow::ensure!(faults.is_empty(), "{faults}");
    Ok(config::kept_max(&variables)?)
}

async fn verify(kept: &Kept, machine: bool) -> Result<()> {
    let mut faults = kept.place.damage()?;
    let rows = if faults.is_empty() {
        let (contents, _) = kept.place.dump().await?;
        faults.extend(violations(&contents));
        contents.rows()
    } else {
        // What a damaged file says of its rows is worth nothing.
        0
    };
    if machine {
        let place = kept.place.to_string();
        print::json(&json!({ "service": kept.key, "place": place, "rows": rows, "violations": faults }))?;
    } else {
        for fault in &faults {
            print::line(fault)?;
        }
    }
    match faults.len() {
        0 if machine => Ok(()),
        0 => print::line(format!("{} in {} is sound: {rows} rows agree", kept.key, kept.place)),
        1 => bail!("{} in {} breaks a rule", kept.key, kept.place),
        many => bail!("{} in {} breaks rules in {many} places", kept.key, kept.place),
    }
}

async fn export(kept: &Kept, machine: bool, file: &Path) -> Result<()> {
    told(&format!("reading {}", kept.place));
    let (contents, _) = kept.place.dump().await?;
    let rows = contents.rows();
    let progress = |written| told(&format!("{written} of {rows} rows"));
    if is_dash(file) {
        let mut out = BufWriter::new(stdout().lock());
        return Ok(transfer::write(&kept.key, &contents, &mut out, progress)?);
    }
    // Under another name until it is whole: what was there before goes only for what is as good.
    let mut draft = file.as_os_str().to_owned();
    draft.push(".part");
    let draft = Path::new(&draft);
    write_whole(draft, &kept.key, &contents, progress).with_context(|| format!("writing {}", draft.display()))?;
    std::fs::rename(draft, file).with_context(|| format!("naming {}", file.display()))?;
    done(kept, machine, rows, &format!("lies in {}", file.display()))
}

fn write_whole(path: &Path, key: &str, contents: &Contents, progress: impl FnMut(u64)) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    transfer::write(key, contents, &mut out, progress)?;
    out.flush()?;
    Ok(out.get_ref().sync_all()?)
}

async fn import(kept: &Kept, machine: bool, file: &Path) -> Result<()> {
    let progress = |read| told(&format!("{read} rows"));
    let contents = if is_dash(file) {
        transfer::read(&kept.key, BufReader::new(stdin().lock()), progress)?
    } else {
        let from = File::open(file).with_context(|| format!("opening {}", file.display()))?;
        transfer::read(&kept.key, BufReader::new(from), progress)?
    };
    told(&format!("filling {}", kept.place));
    kept.place.restore(&contents).await?;
    done(kept, machine, contents.rows(), &format!("lies in {}", kept.place))
}

fn done(kept: &Kept, machine: bool, rows: u64, what: &str) -> Result<()> {
    if machine {
        return print::json(&json!({ "service": kept.key, "place": kept.place.to_string(), "rows": rows }));
    }
    print::line(format!("{} {what}: {rows} rows", kept.key))
}

fn is_dash(file: &Path) -> bool {
    file == Path::new("-")
}

/// How far it is, for who watches.
fn told(sentence: &str) {
    if stderr().is_terminal() {
        eprintln!("{sentence}");
    }
}
