//! `blackroad dns check`: what the world's name servers say, against what the registry wants.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Result, bail};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use syscall_sdk::policy::is_cloudflare;

use super::dmarc;
use super::record::{Kind, Record};
use super::servers::Servers;
use super::wanted::{Open, Wanted};
use crate::print::{self, BAD, DIM, GOOD, WARN};

/// Questions under way at once: a name server that is asked more looks at us as an attack.
const AT_ONCE: usize = 8;
/// Mail servers whose priorities Email Routing chooses for each zone by itself.
const EMAIL_ROUTING: &str = ".mx.cloudflare.net";

/// What was found of one thing that is wanted.
#[derive(Serialize)]
struct Finding {
    zone: String,
    name: String,
    #[serde(rename = "type")]
    kind: Kind,
    outcome: Outcome,
    /// What differs, or what is worth a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Well,
    /// Nobody can say, and it is the owner's to say.
    Open,
    /// The name servers gave no answer.
    Unknown,
    Differs,
}

/// What is asked for: all mail servers of a name are one question.
enum Question<'a> {
    Record(&'a Record),
    Mail(&'a str, Vec<&'a Record>),
    Open(&'a Open),
}

pub(super) async fn run(machine: bool, zones: &[Wanted], named: &[SocketAddr]) -> Result<ExitCode> {
    let servers = Servers::new(named)?;
    if let Some(zone) = zones.first() {
        servers.answer(&zone.name).await?;
    }
    let questions = zones
        .iter()
        .flat_map(|zone| questions(zone).into_iter().map(move |asked| (zone, asked)));
    let findings: Vec<Finding> = stream::iter(questions)
        .map(|(zone, asked)| found(&servers, zone, asked))
        .buffered(AT_ONCE)
        .collect()
        .await;
    if machine {
        print::json(&findings)?;
    } else {
        for finding in &findings {
            show(finding)?;
        }
    }
    for note in zones.iter().flat_map(|zone| &zone.notes) {
        eprintln!("{note}");
    }
    let count = |outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    match (count(Outcome::Differs), count(Outcome::Unknown)) {
        (0, 0) => Ok(ExitCode::SUCCESS),
        (1, 0) => bail!("one name differs from the registry"),
        (differing, 0) => bail!("{differing} names differ from the registry"),
        (differing, unknown) => bail!("{differing} names differ from the registry, and of {unknown} nothing is known"),
    }
}

fn questions(zone: &Wanted) -> Vec<Question<'_>> {
    let mut questions = Vec::new();
    for record in &zone.records {
        if record.kind != Kind::Mx {
            questions.push(Question::Record(record));
            continue;
        }
        let known = questions.iter_mut().find_map(|asked| match asked {
            Question::Mail(name, hosts) if *name == record.name => Some(hosts),
            _ => None,
        });
        match known {
            Some(hosts) => hosts.push(record),
            None => questions.push(Question::Mail(&record.name, vec![record])),
        }
    }
    questions.extend(zone.open.iter().map(Question::Open));
    questions
}

async fn found(servers: &Servers, zone: &Wanted, asked: Question<'_>) -> Finding {
    let (name, kind, outcome) = match asked {
        Question::Record(record) => {
            let differs = match record.kind {
                Kind::Txt => text(servers, record).await,
                Kind::Cname if !record.proxied => alias(servers, zone, record).await,
                _ => addresses(servers, record).await,
            };
            (&record.name, record.kind, differs.map(judged))
        }
        Question::Mail(name, hosts) => {
            let differs = mail(servers, name, &hosts).await;
            (&hosts[0].name, Kind::Mx, differs.map(judged))
        }
        Question::Open(open) => (&open.name, Kind::Txt, handed_out(servers, open).await),
    };
    let (outcome, detail) = outcome.unwrap_or_else(|error| (Outcome::Unknown, Some(format!("{error:#}"))));
    Finding {
        zone: zone.name.clone(),
        name: name.clone(),
        kind,
        outcome,
        detail,
    }
}

fn judged(differs: Option<String>) -> (Outcome, Option<String>) {
    match differs {
        None => (Outcome::Well, None),
        differs => (Outcome::Differs, differs),
    }
}

/// A proxied name shows the edge's addresses, never its target; any other shows its own.
async fn addresses(servers: &Servers, record: &Record) -> Result<Option<String>> {
    let there = servers.addresses(&record.name).await?;
    if there.is_empty() {
        return Ok(Some("the name has no address".to_owned()));
    }
    if record.proxied {
        return Ok(there.iter().find(|address| !is_cloudflare(**address)).map(|address| {
            format!(
                "it answers {address}, which is no address of Cloudflare's edge: it is not proxied, or leads elsewhere"
            )
        }));
    }
    let own = there.iter().any(|address| address.to_string() == record.value);
    Ok((!own).then(|| format!("it answers {}, not {}", listed(&there), record.value)))
}

/// At the apex the platform flattens: there the addresses of the target are all that can be seen.
async fn alias(servers: &Servers, zone: &Wanted, record: &Record) -> Result<Option<String>> {
    let target = &record.value;
    if record.name != zone.name {
        return Ok(match servers.alias(&record.name).await? {
            Some(there) if there == *target => None,
            Some(there) => Some(format!("it leads to {there}, not to {target}")),
            None => Some(format!("it leads nowhere, not to {target}")),
        });
    }
    let there = servers.addresses(&record.name).await?;
    let theirs = servers.addresses(target).await?;
    Ok((there.is_empty() || there.is_disjoint(&theirs))
        .then(|| format!("it answers {}, and {target} has {}", listed(&there), listed(&theirs))))
}

async fn text(servers: &Servers, record: &Record) -> Result<Option<String>> {
    let there = servers.texts(&record.name).await?;
    let wanted = &record.value;
    let rivals: Vec<&String> = there
        .iter()
        .filter(|text| Record::new(&record.name, Kind::Txt, text).slot() == record.slot())
        .collect();
    Ok(match rivals.as_slice() {
        [] => Some("there is no such text".to_owned()),
        [one] if *one == wanted || dmarc::agrees(one, wanted) => None,
        [one] => Some(format!("it says {:?}", print::short(one, 60))),
        many => Some(format!("there are {} texts where one counts", many.len())),
    })
}

async fn mail(servers: &Servers, name: &str, wanted: &[&Record]) -> Result<Option<String>> {
    let there = servers.mail(name).await?;
    let mut differs = Vec::new();
    for record in wanted {
        let priority = record.priority.unwrap_or_default();
        match there.iter().find(|(host, _)| *host == record.value) {
            None => differs.push(format!("{} is missing", record.value)),
            // Email Routing has its own priorities in every zone.
            Some((host, said)) if *said != priority && !host.ends_with(EMAIL_ROUTING) => {
                differs.push(format!("{host} has priority {said}, not {priority}"));
            }
            Some(_) => {}
        }
    }
    let strangers = there
        .iter()
        .filter(|(host, _)| !wanted.iter().any(|record| record.value == *host));
    differs.extend(strangers.map(|(host, _)| format!("{host} takes mail too")));
    Ok((!differs.is_empty()).then(|| differs.join("; ")))
}

/// A text whose value is not known here: that there is one is all that can be seen.
async fn handed_out(servers: &Servers, open: &Open) -> Result<(Outcome, Option<String>)> {
    let there = servers.texts(&open.name).await?;
    Ok(match (there.is_empty(), &open.proves) {
        (false, _) => (Outcome::Well, Some("there; its value is not known here".to_owned())),
        (true, Some(domain)) => (
            Outcome::Differs,
            Some(format!(
                "there is no proof of who owns {domain}: the platform answers it with 404"
            )),
        ),
        (true, None) => (
            Outcome::Open,
            Some("empty in the registry; the owner fills it in".to_owned()),
        ),
    })
}

fn listed<T: ToString>(these: &std::collections::BTreeSet<T>) -> String {
    if these.is_empty() {
        return "nothing".to_owned();
    }
    these.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn show(finding: &Finding) -> Result<()> {
    let (style, word) = match finding.outcome {
        Outcome::Well => (GOOD, "well"),
        Outcome::Open => (WARN, "open"),
        Outcome::Unknown => (WARN, "unknown"),
        Outcome::Differs => (BAD, "differs"),
    };
    let detail = finding.detail.as_deref().unwrap_or_default();
    let line = format!(
        "{style}{word:8}{style:#}{:6}{}  {DIM}{detail}{DIM:#}",
        finding.kind, finding.name
    );
    print::line(line.trim_end())
}
