//! `blackroad why ID`: why something ran, and why it did not, as a timeline.

use anyhow::{Result, bail};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value};
use syscall_sdk::wire::{self, LogLevel, Timestamp};

use super::job::segment;
use crate::args::Why;
use crate::print::{self, BAD, DIM, GOOD, NAME, WARN};
use crate::remote::Remote;

/// What one service knows.
struct Told {
    service: String,
    story: Result<Option<wire::Why>>,
}

pub(super) async fn run(remote: &Remote, machine: bool, why: Why) -> Result<()> {
    if let Some(service) = &why.service {
        let path = format!("/v1/sys/why/{}", segment(&why.id));
        let story: wire::Why = remote.get(service, &path, &[]).await?;
        return if machine {
            print::json(&story)
        } else {
            show(service, &story)
        };
    }
    let mut told = ask_all(remote, &why.id).await;
    // Where nobody answers it is the fleet that is missing, and saying so nine times helps no one.
    if told.iter().all(|told| told.story.is_err())
        && let Some(Told { story: Err(error), .. }) = told.pop()
    {
        return Err(error);
    }
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for Told { service, story } in told {
        match story {
            Ok(Some(story)) => found.push((service, story)),
            Ok(None) => {}
            Err(_) => silent.push(service),
        }
    }
    if found.is_empty() {
        bail!("{}", nowhere(&why.id, &silent));
    }
    // The service whose it is comes before those that only had it delivered.
    found.sort_by_key(|(_, story)| story.kind == wire::WhyKind::Delivery);
    if machine {
        let map: Map<String, Value> = found
            .into_iter()
            .map(|(service, story)| Ok((service, serde_json::to_value(story)?)))
            .collect::<Result<_>>()?;
        return print::json(&map);
    }
    for (nth, (service, story)) in found.iter().enumerate() {
        if nth > 0 {
            print::line("")?;
        }
        show(service, story)?;
    }
    match silent.is_empty() {
        true => Ok(()),
        false => print::line(format!("{DIM}no answer from {}{DIM:#}", silent.join(", "))),
    }
}

/// Asks every service of the registry, side by side.
async fn ask_all(remote: &Remote, id: &str) -> Vec<Told> {
    let keys: Vec<String> = remote.registry.keys().into_iter().map(str::to_owned).collect();
    let asked = keys.into_iter().map(async |service| {
        let story = ask(remote, &service, id).await;
        Told { service, story }
    });
    join_all(asked).await
}

/// What a service knows of an id; nothing is an answer too.
async fn ask(remote: &Remote, service: &str, id: &str) -> Result<Option<wire::Why>> {
    let path = format!("/v1/sys/why/{}", segment(id));
    let answer = remote
        .send(service, remote.request(Method::GET, service, &path)?)
        .await?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    answer.read().map(Some)
}

fn nowhere(id: &str, silent: &[String]) -> String {
    let mut text = format!(
        "no service has anything of the id {id:?}: it is mistyped, or older than what is kept (events and ended jobs for a week)"
    );
    if !silent.is_empty() {
        text.push_str(&format!("; {} did not answer and may have it", silent.join(", ")));
    }
    text
}

fn show(service: &str, story: &wire::Why) -> Result<()> {
    let kind = story.kind.as_str();
    print::line(format!(
        "{NAME}{}{NAME:#} {kind} {} {DIM}in {service}{DIM:#}",
        story.name, story.id
    ))?;
    print::line(format!("  {}", story.summary))?;
    print::line("")?;
    let mut day = String::new();
    for fact in &story.facts {
        let date = fact.at.0.format("%Y-%m-%d").to_string();
        if day != date {
            print::line(format!("  {DIM}{date}{DIM:#}"))?;
            day = date;
        }
        let style = grave(fact.level);
        let time = print::time_of_day(fact.at);
        print::line(format!("  {DIM}{time}{DIM:#}  {style}{}{style:#}", fact.what))?;
    }
    for wait in &story.waits {
        let until = wait.until.map_or_else(String::new, until);
        print::line(format!("  {GOOD}now{GOOD:#}           {}{until}", wait.what))?;
    }
    if !story.links.is_empty() || story.trace.is_some() {
        print::line("")?;
    }
    for link in &story.links {
        print::line(format!("  {DIM}{:12}{DIM:#}  {}", words(&link.relation), link.id))?;
    }
    match &story.trace {
        Some(trace) if trace.held => {
            let id = &trace.trace_id;
            print::line(format!(
                "  {DIM}trace{DIM:#}         {id}; `blackroad trace {service} {id}` shows it"
            ))
        }
        Some(trace) => print::line(format!(
            "  {DIM}trace{DIM:#}         {}, of which nothing is held any more",
            trace.trace_id
        )),
        None => Ok(()),
    }
}

fn until(moment: Timestamp) -> String {
    format!(" {DIM}until {moment} ({}){DIM:#}", print::age(moment))
}

/// How a fact is coloured: what is as it should be is not.
fn grave(level: LogLevel) -> anstyle::Style {
    match level {
        LogLevel::Debug | LogLevel::Info => anstyle::Style::new(),
        LogLevel::Warn => WARN,
        LogLevel::Error | LogLevel::Fatal => BAD,
    }
}

/// `forkedFrom` as a person reads it.
fn words(relation: &str) -> String {
    let mut words = String::with_capacity(relation.len() + 1);
    for letter in relation.chars() {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_is_shown_in_words() {
        assert_eq!(
            ["parent", "forkedFrom", "deadLetter"].map(words),
            ["parent", "forked from", "dead letter"]
        );
    }

    #[test]
    fn an_id_that_nobody_knows_is_told_with_who_may_know_it() {
        let told = nowhere("x1", &["core".to_owned()]);
        assert!(
            told.contains("\"x1\"") && told.ends_with("core did not answer and may have it"),
            "{told}"
        );
    }
}
