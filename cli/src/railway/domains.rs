//! Under which names people reach a service.

use std::collections::BTreeSet;

use reqwest::Url;
use syscall_sdk::registry::{RegistryFile, ServiceRecord};

/// The names of a service in production that are the fleet's own: that of its public URL, and each record of a zone that leads to it, by
/// whatever steps. The platform answers 404 to a name that it was not told.
pub(crate) fn own(file: &RegistryFile, service: &ServiceRecord) -> BTreeSet<String> {
    let mut own: BTreeSet<String> = service
        .production
        .cloudflare
        .as_deref()
        .and_then(host)
        .into_iter()
        .collect();
    let leads_here: Vec<(String, &str)> = file
        .zone
        .iter()
        .flat_map(|zone| zone.records.iter().map(move |record| (zone, record)))
        .filter(|(_, record)| record.r#type == "CNAME")
        .map(|(zone, record)| (full_name(&record.name, &zone.name), record.value.trim_end_matches('.')))
        .collect();
    let edge = host(&service.production.railway);
    // Each round finds a name or ends: there are no more rounds than records.
    loop {
        let found = leads_here
            .iter()
            .find(|(name, target)| !own.contains(name) && (own.contains(*target) || edge.as_deref() == Some(*target)));
        match found {
            Some((name, _)) => own.insert(name.clone()),
            None => return own,
        };
    }
}

/// The host of a URL.
pub(crate) fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

fn full_name(name: &str, zone: &str) -> String {
    if name == "@" {
        zone.to_owned()
    } else {
        format!("{name}.{zone}")
    }
}
