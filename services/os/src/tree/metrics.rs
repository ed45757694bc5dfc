//! A service's figures by name: those that it exposes, and those that it was told.

use std::collections::BTreeMap;

use blackroad_os_contracts::os::{FsKind, FsNode};
use syscall_sdk::error::Result;
use syscall_sdk::wire::Metrics;

use super::service::misread;
use super::{Ask, entry, file, options, text};
use crate::path::encode;

/// Where the exposition of Prometheus is.
const EXPOSITION: &str = "/metrics";

pub(super) async fn list(ask: &Ask<'_>) -> Result<FsNode> {
    let exposition = exposition(ask).await?;
    let told: Metrics = ask.get("/v1/sys/metrics?limit=1000").await?;
    let mut names: BTreeMap<String, String> = families(&exposition)
        .into_iter()
        .map(|(name, help)| (name.to_owned(), help.to_owned()))
        .collect();
    for metric in told.metrics {
        names
            .entry(metric.name)
            .or_insert_with(|| "recorded by hand".to_owned());
    }
    let entries = names
        .iter()
        .map(|(name, help)| entry(name, FsKind::File, Some(help.clone())));
    Ok(ask.dir(entries.collect(), None))
}

pub(super) async fn read(ask: &Ask<'_>, name: &str) -> Result<FsNode> {
    let lines = family(&exposition(ask).await?, name);
    if !lines.is_empty() {
        return text(ask.path, &lines);
    }
    let told: Metrics = ask.get(&format!("/v1/sys/metrics?name={}", encode(name))).await?;
    if told.metrics.is_empty() {
        return Err(ask.nothing());
    }
    file(ask.path, &told.metrics)
}

async fn exposition(ask: &Ask<'_>) -> Result<String> {
    let reply = ask
        .context
        .rpc()
        .get(&ask.key, EXPOSITION, &options(ask.context))
        .await?;
    if !reply.status.is_success() {
        // The refusal's own words, read the way that every refusal is.
        return ask.get(EXPOSITION).await;
    }
    String::from_utf8(reply.body.to_vec()).map_err(|error| misread(ask, "figures").with_source(error))
}

/// The names of an exposition, each with what it is.
fn families(exposition: &str) -> Vec<(&str, &str)> {
    let helps = exposition.lines().filter_map(|line| line.strip_prefix("# HELP "));
    helps.map(|help| help.split_once(' ').unwrap_or((help, ""))).collect()
}

/// The lines of one name: from its help to the next one's.
fn family(exposition: &str, name: &str) -> String {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in exposition.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            inside = help.split(' ').next() == Some(name);
        }
        if inside {
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPOSITION: &str =
        "# HELP a_total Of a.\n# TYPE a_total counter\na_total 1\n# HELP a Of a alone.\n# TYPE a gauge\na{b=\"c\"} 2\n";

    #[test]
    fn a_family_is_its_lines_and_no_others() {
        assert_eq!(families(EXPOSITION), [("a_total", "Of a."), ("a", "Of a alone.")]);
        assert_eq!(
            family(EXPOSITION, "a"),
            "# HELP a Of a alone.\n# TYPE a gauge\na{b=\"c\"} 2"
        );
        assert_eq!(family(EXPOSITION, "b"), "");
    }
}
