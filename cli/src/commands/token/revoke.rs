//! `blackroad token revoke`: looks at what is to be refused, signs a statement of it, and tells every service.

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::json;
use syscall_sdk::auth::{
    Credential, EVERY_SERVICE, Grant, Right, Rights, RootKeys, SERVICE_SUBJECT, SigningKey, Verifier, Word, claims_of,
    sign_first, sign_revocation,
};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Secret;
use syscall_sdk::registry::Registry;
use syscall_sdk::wire::{Revocations, RevocationsTaken, Revoked};

use super::now;
use crate::args::{self, Revoke, Target};
use crate::keys;
use crate::print::{self, BAD, DIM, GOOD};
use crate::remote::Remote;

/// How long the token lives with which a revocation is brought: as long as nine services may take to answer.
const BRINGER_LIFE: std::time::Duration = std::time::Duration::from_secs(5 * 60);
/// A SHA-256 in base64url (RFC 7638).
const THUMBPRINT_CHARS: usize = 43;

pub(super) async fn run(registry: &Registry, target: &Target, machine: bool, revoke: Revoke) -> Result<()> {
    let root = keys::read_root(&revoke.root.root_key)?;
    let revoked = what_is_revoked(registry, &root, revoke.what)?;
    let statement = sign_revocation(&root, revoked.clone(), now())?;
    if !machine {
        let what = match &revoked {
            Revoked::Jti(jti) => format!("the token {jti} and what was narrowed from it"),
            Revoked::Key(key) => format!("what names the key {key}"),
            Revoked::Subject(subject) => format!("what {subject} was given until now"),
        };
        print::line(format!(
            "{DIM}# revokes {what}. Tokens are made offline: no service can say whether there is one{DIM:#}"
        ))?;
    }
    let bringer = Grant {
        subject: "owner".to_owned(),
        audience: vec![EVERY_SERVICE.to_owned()],
        rights: Rights::new([Right::all(Word::RevocationWrite)]),
        life: BRINGER_LIFE,
        holder: None,
    };
    let bringer = Target {
        token: Some(sign_first(&root, &bringer, now())?),
        ..target.clone()
    };
    let remote = Remote::new(registry, &bringer)?;
    let body = serde_json::to_value(Revocations {
        statements: vec![statement],
    })?;
    let mut missed = Vec::new();
    let mut told = serde_json::Map::new();
    for service in remote.registry.keys() {
        let brought: Result<RevocationsTaken> = async {
            let request = remote
                .request(Method::POST, service, "/v1/sys/revocations")?
                .json(&body);
            remote.send(service, request).await?.read()
        }
        .await;
        match brought {
            Ok(taken) if machine => drop(told.insert(service.to_owned(), json!(taken))),
            Ok(_) => print::line(format!("{service:10} {GOOD}refuses it from now on{GOOD:#}"))?,
            Err(error) => {
                told.insert(service.to_owned(), json!({ "error": format!("{error:#}") }));
                missed.push(service.to_owned());
                if !machine {
                    print::line(format!("{service:10} {BAD}was not told{BAD:#}: {error:#}"))?;
                }
            }
        }
    }
    if machine {
        print::json(&told)?;
    }
    if missed.is_empty() {
        return Ok(());
    }
    bail!(
        "{} not told; run it again. A service that is down asks the operator when it comes up",
        match missed.as_slice() {
            [one] => format!("{one} was"),
            several => format!("{} were", several.join(", ")),
        }
    )
}

/// What to refuse, with what can be known of it looked at first: a word that was mistyped would be refused for nothing, and the token go on.
fn what_is_revoked(registry: &Registry, root: &SigningKey, what: args::Revoked) -> Result<Revoked> {
    if let Some(found) = what.jti {
        let text = found.trim();
        if !text.contains('.') {
            return Ok(Revoked::Jti(text.to_owned()));
        }
        let token = match Credential::parse(&Secret::new(text))? {
            Credential::Holder(holder) => holder.token().to_owned(),
            Credential::Bearer(_) => text.to_owned(),
        };
        let links = claims_of(&token);
        let link = links.first().context("that is no token: its claims cannot be read")?;
        let verifier = Verifier::new(String::new(), RootKeys::new([root.public()])?, Clock::system());
        if verifier
            .inspect(&token)
            .is_err_and(|error| error.code() == "TOKEN_INVALID")
        {
            eprintln!(
                "warning: this root key did not sign that token, which may be one of another environment; it is revoked here all the same"
            );
        }
        return Ok(Revoked::Jti(link.jti.clone()));
    }
    if let Some(key) = what.key {
        if key.len() != THUMBPRINT_CHARS || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            bail!("{key} is no thumbprint of a key; `blackroad token inspect` shows that of a token");
        }
        return Ok(Revoked::Key(key));
    }
    let subject = what
        .subject
        .context("say what to revoke: a jti, a token, --key or --subject")?;
    if let Some(service) = subject.strip_prefix(SERVICE_SUBJECT)
        && !registry.keys().contains(&service)
    {
        eprintln!("warning: the registry has no service {service}; what it was given is refused all the same");
    }
    Ok(Revoked::Subject(subject))
}
