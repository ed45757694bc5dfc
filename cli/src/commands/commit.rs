//! `blackroad commit SERVICE FILE|-`.

use std::path::Path;

use anyhow::{Context as _, Result};
use reqwest::Method;
use syscall_sdk::wire::{CommitResult, Committed, Json};

use crate::args::Commit;
use crate::remote::Remote;
use crate::{input, print};

pub(super) async fn run(remote: &Remote, machine: bool, commit: Commit) -> Result<()> {
    let body = read(&commit.file)?;
    let mut request = remote
        .request(Method::POST, &commit.service, "/v1/sys/commit")?
        .json(&body);
    if let Some(key) = &commit.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    let committed: Committed = remote.send(&commit.service, request).await?.read()?;
    if machine {
        return print::json(&committed);
    }
    for result in &committed.results {
        print::line(told(result))?;
    }
    Ok(())
}

/// What is committed, as it was written: an amount keeps every digit.
fn read(file: &Path) -> Result<Json> {
    if file.as_os_str() == "-" {
        return input::json("-");
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Json::parse(&text).with_context(|| format!("{} holds no JSON", file.display()))
}

fn told(result: &CommitResult) -> String {
    match result {
        CommitResult::Put(entry) => format!("{} is at version {}", entry.key, entry.version),
        CommitResult::Delete(deleted) if deleted.deleted => format!("{} is deleted", deleted.key),
        CommitResult::Delete(deleted) => format!("{} was not there", deleted.key),
        CommitResult::Check(check) => format!("{} is as expected", check.key),
        CommitResult::Emit(emitted) => format!("emitted {}", emitted.id),
        CommitResult::Job(job) => format!("job {} ({}) is {}", job.id, job.name, job.status),
    }
}
