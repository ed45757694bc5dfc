//! `blackroad dead-letters SERVICE`, `blackroad dead-letter show|edit|redrive|rm SERVICE ID`.

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::json;
use syscall_sdk::wire::{self, Redriven};

use crate::args::{DeadLetter, DeadLetters, OneLetter};
use crate::remote::Remote;
use crate::{input, print};

const PATH: &str = "/v1/sys/events/dead";

pub(super) async fn list(remote: &Remote, machine: bool, letters: DeadLetters) -> Result<()> {
    let query = [("holder", letters.holder), ("limit", Some(letters.limit.to_string()))];
    let found: wire::DeadLetters = remote.get(&letters.service, PATH, &query).await?;
    if machine {
        return print::json(&found);
    }
    if found.letters.is_empty() {
        return print::line("no dead letters");
    }
    let mut table = print::table(&["id", "given up by", "event", "tries", "died", ""]);
    for letter in found.letters {
        table.add_row([
            letter.id,
            letter.holder,
            letter.event.event,
            letter.attempts.to_string(),
            print::age(letter.died_at),
            print::short(&letter.error, 60),
        ]);
    }
    print::show(&table)?;
    match found.cursor {
        Some(_) => print::line(format!("… and later ones; -n asks for more than {}", letters.limit)),
        None => Ok(()),
    }
}

pub(super) async fn run(remote: &Remote, machine: bool, letter: DeadLetter) -> Result<()> {
    match letter {
        DeadLetter::Show(one) => {
            let letter: wire::DeadLetter = remote.get(&one.service, &path(&one, "")?, &[]).await?;
            show(machine, &letter)
        }
        DeadLetter::Edit(edit) => {
            let body = wire::EditDeadLetter {
                data: Some(input::json(&edit.data)?),
            };
            let request = remote
                .request(Method::PUT, &edit.one.service, &path(&edit.one, "")?)?
                .json(&body);
            let letter: wire::DeadLetter = remote.send(&edit.one.service, request).await?.read()?;
            show(machine, &letter)
        }
        DeadLetter::Redrive(one) => {
            let redriven: Redriven = remote.post(&one.service, &path(&one, "/redrive")?, &json!({})).await?;
            if machine {
                return print::json(&redriven);
            }
            print::line(match redriven.outcome.as_str() {
                "handled" => "the handler took it",
                _ => "the group's next fetch gets it",
            })
        }
        DeadLetter::Rm(one) => {
            let request = remote.request(Method::DELETE, &one.service, &path(&one, "")?)?;
            remote.send(&one.service, request).await?.done()?;
            if machine {
                return print::json(&json!({ "id": one.id, "deleted": true }));
            }
            print::line(format!("{} is forgotten", one.id))
        }
    }
}

fn show(machine: bool, letter: &wire::DeadLetter) -> Result<()> {
    if machine {
        print::json(letter)
    } else {
        print::pretty(&serde_json::to_value(letter)?)
    }
}

fn path(one: &OneLetter, rest: &str) -> Result<String> {
    if one.id.contains(['/', '?', '#']) {
        bail!("{:?} is no dead letter's id", one.id);
    }
    Ok(format!("{PATH}/{}{rest}", one.id))
}
