//! DMARC records that the platform has a hand in: its DMARC Management adds an address of its own to `rua`.

/// Where the platform has reports sent to, when its DMARC Management is on.
const PLATFORMS: &str = "@dmarc-reports.cloudflare.net";

/// Whether a text is a DMARC policy.
pub(super) fn is_policy(text: &str) -> bool {
    text.get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("v=DMARC1"))
}

/// Whether a live policy says what is wanted, the platform's own address and blanks aside.
pub(super) fn agrees(live: &str, wanted: &str) -> bool {
    is_policy(live) && without(live) == without(wanted)
}

/// What is wanted, with the platform's addresses of the live policy kept.
pub(super) fn merged(wanted: &str, live: &str) -> String {
    let theirs: Vec<String> = addresses(live)
        .into_iter()
        .filter(|address| platforms(address))
        .collect();
    if theirs.is_empty() || !is_policy(wanted) {
        return wanted.to_owned();
    }
    let theirs = theirs.join(",");
    let mut parts: Vec<String> = Vec::new();
    let mut added = false;
    for (tag, value) in tags(wanted) {
        if tag == "rua" {
            added = true;
            parts.push(format!("rua={value},{theirs}"));
        } else {
            parts.push(format!("{tag}={value}"));
        }
    }
    if !added {
        parts.push(format!("rua={theirs}"));
    }
    format!("{};", parts.join("; "))
}

/// The policy in one form, without the platform's addresses.
fn without(text: &str) -> Vec<(String, String)> {
    let mut found = tags(text);
    for (tag, value) in &mut found {
        if tag == "rua" {
            let mut kept: Vec<&str> = value.split(',').filter(|address| !platforms(address)).collect();
            kept.sort_unstable();
            *value = kept.join(",");
        }
    }
    found.retain(|(tag, value)| tag != "rua" || !value.is_empty());
    // The version comes first by rule; the order of the others says nothing.
    found.sort();
    found
}

fn addresses(text: &str) -> Vec<String> {
    let rua = tags(text).into_iter().find(|(tag, _)| tag == "rua");
    rua.map_or_else(Vec::new, |(_, value)| value.split(',').map(str::to_owned).collect())
}

fn platforms(address: &str) -> bool {
    address.to_ascii_lowercase().ends_with(PLATFORMS)
}

fn tags(text: &str) -> Vec<(String, String)> {
    text.split(';')
        .filter_map(|part| {
            let (tag, value) = part.split_once('=')?;
            let value: String = value.chars().filter(|c| !c.is_whitespace()).collect();
            Some((tag.trim().to_ascii_lowercase(), value))
        })
        .collect()
}
