//! What must hold of a store's rows together, whatever keeps them.

use std::collections::{BTreeMap, BTreeSet};

use super::Contents;
use crate::store::{Change, Entry, Seq, rules};
use crate::wire::JobStatus;

/// Every rule that the rows break, a sentence each; empty where all is well.
pub fn violations(contents: &Contents) -> Vec<String> {
    let mut faults = Vec::new();
    counts(contents, &mut faults);
    sequences(contents, &mut faults);
    state(contents, &mut faults);
    jobs(contents, &mut faults);
    keys(contents, &mut faults);
    attempts(contents, &mut faults);
    faults
}

fn counts(contents: &Contents, faults: &mut Vec<String>) {
    let (said, real) = (contents.meta, contents.counted());
    for (kind, said, real) in [
        ("entries of state", said.entries, real.entries),
        ("changes", said.changes, real.changes),
        ("events", said.events, real.events),
        ("live jobs", said.jobs_live, real.jobs_live),
        ("ended jobs", said.jobs_ended, real.jobs_ended),
        ("bytes of events", said.kept.events, real.kept.events),
        ("bytes of changes", said.kept.changes, real.kept.changes),
        ("bytes of ended jobs", said.kept.jobs, real.kept.jobs),
    ] {
        if said != real {
            faults.push(format!("the store counts {said} {kind} and holds {real}"));
        }
    }
}

/// One sequence for all kinds, none twice, none past the head; the logs lie between their floors and their heads.
fn sequences(contents: &Contents, faults: &mut Vec<String>) {
    let meta = contents.meta;
    let mut seen = BTreeSet::new();
    let changes = contents
        .changes
        .iter()
        .map(|(_, row)| ("change", row.seq, meta.change_floor, meta.change_head));
    let events = contents
        .events
        .iter()
        .map(|row| ("event", row.seq, meta.event_floor, meta.event_head));
    let jobs = contents.jobs.iter().map(|row| ("job", row.seq, 0, meta.seq));
    let schedules = contents.schedules.iter().map(|row| ("schedule", row.seq, 0, meta.seq));
    for (kind, seq, floor, head) in changes.chain(events).chain(jobs).chain(schedules) {
        if !seen.insert(seq) {
            faults.push(format!("the sequence {seq} of a {kind} is another row's too"));
        }
        if seq <= floor || seq > head {
            faults.push(format!(
                "the sequence {seq} of a {kind} is not past {floor} and up to {head}"
            ));
        }
    }
    for (kind, sorted) in [
        ("changes", contents.changes.is_sorted_by_key(|(_, row)| row.seq)),
        ("events", contents.events.is_sorted_by_key(|row| row.seq)),
        ("jobs", contents.jobs.is_sorted_by_key(|row| row.seq)),
        (
            "attempts",
            contents.attempts.is_sorted_by_key(|(job, row)| (*job, row.attempt)),
        ),
    ] {
        if !sorted {
            faults.push(format!("the {kind} are not in order"));
        }
    }
    for (kind, head) in [("event", meta.event_head), ("change", meta.change_head)] {
        if head > meta.seq {
            faults.push(format!(
                "the head of the {kind}s is {head}, past the store's, {}",
                meta.seq
            ));
        }
    }
    let mut ids = BTreeSet::new();
    for event in contents.events.iter().filter(|event| !ids.insert(&event.id)) {
        faults.push(format!("the event id {} is there twice", event.id));
    }
}

/// State is what its changes come to, as far back as they are kept; the versions of a key count its writes.
fn state(contents: &Contents, faults: &mut Vec<String>) {
    let floor = contents.meta.change_floor;
    let mut last: BTreeMap<(&str, &str), &Change> = BTreeMap::new();
    for (space, change) in &contents.changes {
        let before = last.insert((space, &change.key), change);
        let version = change.entry.as_ref().map(|entry| entry.version);
        let follows = before.is_none_or(|before| {
            let next = before.entry.as_ref().map_or(1, |entry| entry.version + 1);
            // A key that has expired starts anew without a word.
            version.is_none_or(|version| version == next || version == 1)
        });
        if !follows {
            faults.push(format!(
                "the change {} of {space} {} does not have the version after the one before",
                change.seq, change.key
            ));
        }
    }
    let mut kept: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (space, entry) in &contents.entries {
        let key = (space.as_str(), entry.key.as_str());
        if !kept.insert(key) {
            faults.push(format!("{space} {} is there twice", entry.key));
        }
        let agrees = match last.get(&key) {
            Some(change) => change.entry.as_ref() == Some(entry),
            None => entry.revision <= floor,
        };
        if !agrees {
            faults.push(format!("{space} {} is not what its last change says", entry.key));
        }
        check_entry(space, entry, contents.meta.change_head, faults);
    }
    for ((space, key), change) in last {
        if change.entry.is_some() && !kept.contains(&(space, key)) {
            faults.push(format!(
                "{space} {key} is not there, though its last change, {}, wrote it",
                change.seq
            ));
        }
    }
}

fn check_entry(space: &str, entry: &Entry, head: Seq, faults: &mut Vec<String>) {
    if entry.version == 0 || entry.revision == 0 || entry.revision > head {
        faults.push(format!(
            "{space} {} has version {} at revision {}, and the last change is {head}",
            entry.key, entry.version, entry.revision
        ));
    }
}

fn jobs(contents: &Contents, faults: &mut Vec<String>) {
    for (job, real) in contents.jobs.iter().zip(contents.attempt_bytes()) {
        let said = job.attempt_bytes;
        if said != real {
            faults.push(format!(
                "the job {} counts {said} bytes of attempts and has {real}",
                job.id
            ));
        }
    }
    let (mut ids, mut keys, mut windows) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let schedules = contents.schedules.iter().map(|schedule| &schedule.id);
    for id in contents.jobs.iter().map(|job| &job.id).chain(schedules) {
        if !ids.insert(id) {
            faults.push(format!("the id {id} is of two jobs or schedules"));
        }
    }
    for job in &contents.jobs {
        let id = &job.id;
        if job.status == JobStatus::Running && job.owner.is_none() {
            faults.push(format!("the job {id} runs for nobody"));
        }
        if job.turn.is_some() && (job.status != JobStatus::Pending || job.concurrency.is_none()) {
            faults.push(format!(
                "the job {id} is {} and has a turn in the queue of a key",
                job.status.as_str()
            ));
        }
        if rules::lives(job) == job.completed_at.is_some() {
            faults.push(format!(
                "the job {id} is {} and its end says otherwise",
                job.status.as_str()
            ));
        }
        let unique_key = job.unique_key.as_ref().filter(|_| rules::lives(job));
        if let Some(key) = unique_key.filter(|key| !keys.insert(*key)) {
            faults.push(format!("two living jobs have the unique key {key}, {id} is one"));
        }
        if let Some(key) = job.throttle_key.as_ref().filter(|key| !windows.insert(*key)) {
            faults.push(format!("two jobs have the throttle key {key}, {id} is one"));
        }
    }
}

/// Never more jobs of a key run than the most that one of them allows.
fn keys(contents: &Contents, faults: &mut Vec<String>) {
    let mut running: BTreeMap<&str, (u64, u32)> = BTreeMap::new();
    for job in contents.jobs.iter().filter(|job| job.status == JobStatus::Running) {
        if let Some(of) = &job.concurrency {
            let (count, most) = running.entry(&of.key).or_default();
            (*count, *most) = (*count + 1, of.limit.max(*most).max(1));
        }
    }
    for (key, (count, most)) in running {
        if count > u64::from(most) {
            faults.push(format!("{count} jobs of the key {key} run, and it allows {most}"));
        }
    }
}

fn attempts(contents: &Contents, faults: &mut Vec<String>) {
    let jobs: BTreeMap<Seq, (&str, u32)> = contents
        .jobs
        .iter()
        .map(|job| (job.seq, (job.id.as_str(), job.attempt)))
        .collect();
    let mut seen = BTreeSet::new();
    for (job, attempt) in &contents.attempts {
        let number = attempt.attempt;
        match jobs.get(job) {
            None => faults.push(format!("attempt {number} is of a job that is not there, {job}")),
            Some((id, last)) if number == 0 || number > *last => {
                faults.push(format!("attempt {number} of the job {id} is past its last, {last}"));
            }
            Some(_) => {}
        }
        if !seen.insert((*job, number)) {
            faults.push(format!("attempt {number} of the job {job} is there twice"));
        }
    }
}
