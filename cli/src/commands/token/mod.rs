//! `blackroad token …`: nobody is asked but by `revoke`, and no private key is printed but where that is what was asked for.

mod revoke;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use syscall_sdk::auth::{
    Credential, EVERY_SERVICE, Grant, Holder, Narrowing, PublicKey, Rights, RootKeys, SERVICE_SUBJECT, SigningKey,
    Verifier, claims_of, seconds, sign_first,
};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Secret;
use syscall_sdk::registry::Registry;
use syscall_sdk::wire::{Audience, Timestamp, TokenClaims};

use crate::args::{Inspect, Keygen, Mint, Narrow, Rotate, Target, Token};
use crate::keys;
use crate::print::{self, BAD, DIM, GOOD};
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, target: &Target, machine: bool, token: Token) -> Result<()> {
    match token {
        Token::Keygen(keygen) => make_key(machine, keygen),
        Token::Mint(mint) => self::mint(&remote.registry, machine, mint),
        Token::Narrow(narrow) => self::narrow(&remote.registry, target, machine, narrow),
        Token::Inspect(inspect) => self::inspect(target, machine, inspect),
        Token::Revoke(revoke) => self::revoke::run(&remote.registry, target, machine, revoke).await,
        Token::Rotate(rotate) => self::rotate(&remote.registry, machine, rotate),
    }
}

fn now() -> u64 {
    seconds(&Clock::system())
}

fn make_key(machine: bool, keygen: Keygen) -> Result<()> {
    let key = keys::make_root(&keygen.out)?;
    let public = key.public().text();
    if machine {
        return print::json(&json!({ "file": keygen.out, "publicKey": public, "kid": key.public().thumbprint() }));
    }
    print::line(format!(
        "{DIM}# the private half is in {}; keep it where no service runs{DIM:#}",
        keygen.out.display()
    ))?;
    print::line(format!("SYSCALL_ROOT_KEYS={public}"))
}

fn mint(registry: &Registry, machine: bool, mint: Mint) -> Result<()> {
    let root = keys::read_root(&mint.root.root_key)?;
    if mint.all {
        let directory = mint.out.as_deref().unwrap_or(Path::new("."));
        return mint_all(registry, machine, &root, directory, mint.replace);
    }
    let audience = audience(registry, &mint.at)?;
    let token = match &mint.service {
        Some(service) => {
            let record = registry.get(service)?;
            let said = registry.grants(&record.key)?;
            let grant = Grant {
                subject: format!("{SERVICE_SUBJECT}{}", record.key),
                audience: if mint.at.is_empty() { said.0 } else { audience },
                rights: if mint.right.is_empty() {
                    said.1
                } else {
                    Rights::new(mint.right)
                },
                life: mint.life,
                holder: None,
            };
            with_key(&root, grant)?.to_text()
        }
        None => {
            let grant = Grant {
                subject: mint.subject.unwrap_or_default(),
                audience,
                rights: Rights::new(mint.right),
                life: mint.life,
                holder: None,
            };
            if grant.subject.starts_with(SERVICE_SUBJECT) {
                bail!("a subject that begins with {SERVICE_SUBJECT} is a service; name it without --subject");
            }
            if mint.bearer {
                Secret::new(sign_first(&root, &grant, now())?)
            } else {
                with_key(&root, grant)?.to_text()
            }
        }
    };
    give(machine, &token, mint.out.as_deref())
}

fn mint_all(registry: &Registry, machine: bool, root: &SigningKey, directory: &Path, replace: bool) -> Result<()> {
    let place = |key: &str| directory.join(format!("{key}.token"));
    // All are looked for before one is written: a service with a new token and one with an old are worse than none.
    for service in registry.services() {
        let path = place(&service.key);
        if path.exists() && !replace {
            bail!(
                "{} is there already; --replace mints in the place of what is there",
                path.display()
            );
        }
    }
    let mut made = Vec::new();
    for service in registry.services() {
        let path = place(&service.key);
        keys::replace(&path, &registry.mint(&service.key, root, now())?.to_text())?;
        made.push((service.key.clone(), path));
    }
    if machine {
        let files: serde_json::Map<_, _> = made.into_iter().map(|(key, path)| (key, json!(path))).collect();
        return print::json(&files);
    }
    for (key, path) in made {
        print::line(format!("{key:10} SYSCALL_TOKEN_FILE={}", path.display()))?;
    }
    Ok(())
}

fn narrow(registry: &Registry, target: &Target, machine: bool, narrow: Narrow) -> Result<()> {
    let shown = target
        .token
        .as_ref()
        .context("there is nothing to narrow: give the token with --token or BLACKROAD_TOKEN")?;
    let Credential::Holder(holder) = Credential::parse(&Secret::new(shown))? else {
        bail!("this token names no key, so that nothing can be narrowed from it; mint one without --bearer");
    };
    for service in narrow
        .at
        .iter()
        .filter(|at| *at != EVERY_SERVICE && !registry.keys().contains(&at.as_str()))
    {
        eprintln!("warning: the registry has no service with the key {service}; there the token is good for nothing");
    }
    let key = narrow.with_key.then(SigningKey::generate).transpose()?;
    let narrowing = Narrowing {
        audience: narrow.at,
        rights: Rights::new(narrow.right),
        life: narrow.life,
        holder: key.as_ref().map(SigningKey::public),
    };
    let token = holder.narrow(&narrowing, now())?;
    let token = match key {
        Some(key) => Holder::new(token, key)?.to_text(),
        None => Secret::new(token),
    };
    give(machine, &token, None)
}

fn inspect(target: &Target, machine: bool, inspect: Inspect) -> Result<()> {
    let text = match inspect.token.or_else(|| target.token.clone()) {
        None => bail!("there is nothing to look at: give a token, - for standard input, or --token"),
        Some(text) if text == "-" => {
            std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?
        }
        Some(text) => text,
    };
    let text = text.trim();
    let (token, has_key) = match Credential::parse(&Secret::new(text))? {
        Credential::Holder(holder) => (holder.token().to_owned(), true),
        Credential::Bearer(_) => (text.to_owned(), false),
    };
    let links = claims_of(&token);
    if links.is_empty() {
        bail!("that is no token: its claims cannot be read");
    }
    let verdict = match &inspect.root_keys {
        None => None,
        Some(keys) => {
            let verifier = Verifier::new(String::new(), RootKeys::parse(keys)?, Clock::system());
            Some(verifier.inspect(&token).map(drop))
        }
    };
    if machine {
        let verdict =
            verdict.map(|verdict| verdict.map_or_else(|error| error.code().to_owned(), |()| "VALID".to_owned()));
        return print::json(&json!({ "links": links, "withKey": has_key, "verdict": verdict }));
    }
    for (place, claims) in links.iter().rev().enumerate() {
        show(place, claims)?;
    }
    let kind = match (links[0].cnf.is_some(), has_key) {
        (true, true) => "a token with its key: narrower ones are signed with it",
        (true, false) => "a token that names a key, without the key: it is no credential by itself",
        (false, _) => "a token that is shown as it is",
    };
    print::line(kind)?;
    match verdict {
        None => print::line(format!(
            "{DIM}not checked; --root-keys names the keys to check it against{DIM:#}"
        )),
        Some(Ok(())) => print::line(format!("{GOOD}valid{GOOD:#}")),
        Some(Err(error)) => print::line(format!("{BAD}{}{BAD:#}: {error}", error.code())),
    }
}

fn show(place: usize, claims: &TokenClaims) -> Result<()> {
    let audience = match &claims.aud {
        Audience::One(one) => one.clone(),
        Audience::Several(several) => several.join(", "),
    };
    let moment =
        |seconds| Timestamp::of_seconds(seconds).map_or_else(|| seconds.to_string(), |moment| moment.to_string());
    print::line(format!("{DIM}link {place}, signed by {}{DIM:#}", claims.iss))?;
    let mut fields = vec![
        ("subject", claims.sub.clone()),
        ("good at", audience),
        ("from", moment(claims.iat)),
        ("until", moment(claims.exp)),
        ("jti", claims.jti.clone()),
    ];
    if let Some(key) = claims
        .cnf
        .as_ref()
        .and_then(|named| PublicKey::of_text(&named.jwk.x).ok())
    {
        fields.push(("key", key.thumbprint()));
    }
    fields.extend(claims.cap.iter().map(|right| ("right", right.clone())));
    for (name, value) in fields {
        print::line(format!("  {DIM}{name:8}{DIM:#} {value}"))?;
    }
    Ok(())
}

fn rotate(registry: &Registry, machine: bool, rotate: Rotate) -> Result<()> {
    let old = keys::read_root(&rotate.root.root_key)?;
    let next = keys::make_root(&rotate.next)?;
    let both = format!("{},{}", old.public(), next.public());
    if machine {
        mint_all(registry, true, &next, &rotate.out, true)?;
        return print::json(&json!({ "both": both, "next": next.public().text() }));
    }
    print::line("1. Have every service trust both keys, and wait until each has restarted:")?;
    print::line(format!("   SYSCALL_ROOT_KEYS={both}"))?;
    print::line("2. Give every service its new token:")?;
    mint_all(registry, false, &next, &rotate.out, true)?;
    print::line(
        "3. When each has restarted, and the tokens of people and programs are minted anew, forget the old key:",
    )?;
    print::line(format!("   SYSCALL_ROOT_KEYS={}", next.public()))?;
    print::line(format!(
        "4. Sign with {} from now on, and destroy {}.",
        rotate.next.display(),
        rotate.root.root_key.display()
    ))
}

/// A token with a key of its own.
fn with_key(root: &SigningKey, grant: Grant) -> Result<Holder> {
    let key = SigningKey::generate()?;
    let grant = Grant {
        holder: Some(key.public()),
        ..grant
    };
    Ok(Holder::new(sign_first(root, &grant, now())?, key)?)
}

fn audience(registry: &Registry, at: &[String]) -> Result<Vec<String>> {
    if at.is_empty() {
        return Ok(vec![EVERY_SERVICE.to_owned()]);
    }
    at.iter()
        .map(|service| match service.as_str() {
            EVERY_SERVICE => Ok(EVERY_SERVICE.to_owned()),
            service => Ok(registry.get(service)?.key.clone()),
        })
        .collect()
}

/// Hands a token out: into a file that only its owner may read, or to standard output, which is what was asked for.
fn give(machine: bool, token: &Secret, out: Option<&Path>) -> Result<()> {
    let Some(out) = out else {
        return if machine {
            print::json(&json!({ "token": token.reveal() }))
        } else {
            print::line(token.reveal())
        };
    };
    keys::replace(out, token)?;
    if machine {
        print::json(&json!({ "file": out }))
    } else {
        print::line(format!("it is in {}", out.display()))
    }
}
