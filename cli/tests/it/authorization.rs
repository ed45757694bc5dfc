//! Who may do what: every route of every service, as its own OpenAPI document lists it, asked with every credential that is not enough.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use syscall_sdk::auth::{
    EVERY_SERVICE, Grant, Need, Right, Rights, SigningKey, Word, seconds, sign_first, sign_revocation,
};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::{Secret, Variables};
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::registry::Registry;
use syscall_sdk::transport::{Body, Request};
use syscall_sdk::wire::Revoked;

use crate::fleet::SERVICES;

/// The nine services in this process, each behind its gate.
struct Guarded {
    running: Running,
    root: SigningKey,
}

/// An answer, read as far as the test needs it.
struct Answer {
    status: StatusCode,
    challenge: String,
    body: Value,
}

/// A route as a document lists it.
struct Listed {
    service: String,
    verb: Method,
    path: String,
    access: String,
}

impl Guarded {
    async fn start() -> Result<Self> {
        let root = SigningKey::generate()?;
        let variables = [
            ("AMNESIA", "true".to_owned()),
            ("SYSCALL_AUTH", "required".to_owned()),
            ("SYSCALL_ROOT_KEYS", root.public().text()),
        ];
        let variables: Variables = variables.map(|(name, value)| (name.to_owned(), value)).into();
        let (registry, now) = (Registry::builtin(), seconds(&Clock::system()));
        let tokens = SERVICES
            .iter()
            .copied()
            .map(|(key, _)| Ok((key.to_owned(), registry.mint(key, &root, now)?.to_text())))
            .collect::<Result<BTreeMap<String, Secret>>>()?;
        let host = SERVICES
            .iter()
            .copied()
            .fold(Host::new(variables).tokens(tokens), |host, (_, make)| host.mount(make));
        Ok(Guarded {
            running: host.start(Vec::new()).await?,
            root,
        })
    }

    /// A token that is shown as it is.
    fn token(&self, at: &str, rights: &[Right]) -> Result<String> {
        self.token_of(&self.root, at, rights, 0)
    }

    fn token_of(&self, root: &SigningKey, at: &str, rights: &[Right], age: u64) -> Result<String> {
        let grant = Grant {
            subject: "program".to_owned(),
            audience: vec![at.to_owned()],
            rights: Rights::new(rights.iter().cloned()),
            life: Duration::from_secs(600),
            holder: None,
        };
        Ok(sign_first(root, &grant, seconds(&Clock::system()) - age)?)
    }

    async fn ask(&self, service: &str, verb: &Method, path: &str, token: Option<&str>, body: &str) -> Result<Answer> {
        let mut request = Request::new(Body::from(body.to_owned()));
        *request.method_mut() = verb.clone();
        *request.uri_mut() = path.parse()?;
        if let Some(token) = token {
            request
                .headers_mut()
                .insert("authorization", format!("Bearer {token}").parse()?);
        }
        let handler = self.running.handler(service).context("the service runs")?;
        let response = handler.answer(request).await;
        let (parts, body) = response.into_parts();
        let text = |name: &str| {
            let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        // A stream lasts, and what it says is not what is asked about.
        let body = if text("content-type").starts_with("application/json") {
            serde_json::from_slice(
                &body
                    .collect()
                    .await
                    .map_err(|error| anyhow::anyhow!("{error}"))?
                    .to_bytes(),
            )
            .unwrap_or_default()
        } else {
            Value::Null
        };
        Ok(Answer {
            status: parts.status,
            challenge: text("www-authenticate"),
            body,
        })
    }

    async fn routes(&self) -> Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for (service, _) in SERVICES.iter().copied() {
            let token = self.token(service, &[Right::all(Word::OpenapiRead)])?;
            let path = "/v1/sys/openapi.json";
            let document = self.ask(service, &Method::GET, path, Some(&token), "").await?.body;
            let paths = document["paths"].as_object().context("a document has paths")?;
            for (path, operations) in paths {
                for (verb, operation) in operations.as_object().context("a path has operations")? {
                    listed.push(Listed {
                        service: service.to_owned(),
                        verb: verb.to_uppercase().parse()?,
                        path: filled(path),
                        access: operation["x-access"].as_str().unwrap_or_default().to_owned(),
                    });
                }
            }
        }
        Ok(listed)
    }
}

/// A path with something in the place of each parameter.
fn filled(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (_, behind) = after.split_once('}').unwrap_or(("", ""));
        out.push_str(before);
        out.push('x');
        rest = behind;
    }
    out + rest
}

/// A body that asks for something, where a route finds what it asks for in it.
fn body_of(listed: &Listed) -> &'static str {
    match listed.path.as_str() {
        "/v1/sys/commit" => r#"{"ops":[{"put":{"key":"a","value":1}}]}"#,
        _ => "{}",
    }
}

#[tokio::test]
async fn every_route_of_every_service_asks_for_what_it_declares() -> Result<()> {
    let fleet = Guarded::start().await?;
    let routes = fleet.routes().await?;
    ensure!(routes.len() > 300, "the documents list {} routes", routes.len());
    let forger = SigningKey::generate()?;
    let mut seen = BTreeSet::new();
    for listed in &routes {
        let Listed {
            service,
            verb,
            path,
            access,
        } = listed;
        let what = format!("{verb} {service}{path} ({access})");
        let ask = async |token: Option<&str>| fleet.ask(service, verb, path, token, body_of(listed)).await;
        seen.insert(access.clone());
        if access == "public" {
            let answer = ask(None).await?;
            ensure!(
                !refused(answer.status),
                "{what} is public, and answered {}",
                answer.status
            );
            continue;
        }
        let (enough, other) = match access.as_str() {
            "session" => (Right::all(Word::PageRead), Right::all(Word::LogsWrite)),
            "credential" => (Right::all(Word::Admin), Right::all(Word::LogsWrite)),
            right => {
                let word = right
                    .strip_prefix("right: ")
                    .with_context(|| format!("{what} declares no access"))?;
                let word = Word::parse(word)?;
                let other = if word == Word::LogsWrite {
                    Word::LogsRead
                } else {
                    Word::LogsWrite
                };
                (Right::all(word), Right::all(other))
            }
        };
        // Who makes a group by the first fetch reads what is in it.
        let reads = (enough.word == Word::EventConsume).then(|| Right::all(Word::EventRead));
        let enough: Vec<Right> = [enough].into_iter().chain(reads).collect();
        let forged = fleet.token_of(&forger, service, &enough, 0)?;
        let ended = fleet.token_of(&fleet.root, service, &enough, 7_200)?;
        let elsewhere = if service == "core" { "api" } else { "core" };
        let elsewhere = fleet.token(elsewhere, &enough)?;
        for (token, code) in [
            (None, "UNAUTHENTICATED"),
            (Some("nonsense".to_owned()), "TOKEN_INVALID"),
            (Some(forged), "TOKEN_INVALID"),
            (Some(ended), "TOKEN_EXPIRED"),
            (Some(elsewhere), "TOKEN_AUDIENCE"),
        ] {
            let answer = ask(token.as_deref()).await?;
            ensure!(
                answer.status == StatusCode::UNAUTHORIZED && answer.body["error"]["code"] == code,
                "{what} with {code} answered {} {}",
                answer.status,
                answer.body
            );
            ensure!(answer.challenge.starts_with("Bearer"), "{what} says how to come in");
        }
        let answer = ask(Some(&fleet.token(service, &[other])?)).await?;
        ensure!(
            answer.status == StatusCode::FORBIDDEN && answer.body["error"]["code"] == "FORBIDDEN",
            "{what} with another right answered {} {}",
            answer.status,
            answer.body
        );
        let answer = ask(Some(&fleet.token(service, &enough)?)).await?;
        // What a page does in its reader's name the service that it asks may still refuse.
        ensure!(
            answer.status != StatusCode::UNAUTHORIZED && (access == "session" || !refused(answer.status)),
            "{what} with the right that it asks for answered {} {}",
            answer.status,
            answer.body
        );
    }
    ensure!(
        seen.contains("public") && seen.contains("session") && seen.contains("right: state write"),
        "{seen:?}"
    );
    fleet.running.stop(DrainBudget::none(), "the test is over").await;
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_revoked_is_refused_by_every_service_at_once() -> Result<()> {
    let fleet = Guarded::start().await?;
    let token = fleet.token(EVERY_SERVICE, &[Right::all(Word::LogsRead)])?;
    let subject = Revoked::Subject("program".to_owned());
    let statement = sign_revocation(&fleet.root, subject, seconds(&Clock::system()))?;
    let bringer = Grant {
        subject: "owner".to_owned(),
        audience: vec![EVERY_SERVICE.to_owned()],
        rights: Rights::new([Right::all(Word::RevocationWrite)]),
        life: Duration::from_secs(60),
        holder: None,
    };
    let bringer = sign_first(&fleet.root, &bringer, seconds(&Clock::system()))?;
    let brought = json!({ "statements": [statement] }).to_string();
    for (service, _) in SERVICES.iter().copied() {
        let read = async || fleet.ask(service, &Method::GET, "/v1/sys/logs", Some(&token), "").await;
        ensure!(read().await?.status == StatusCode::OK, "{service}");
        let taken = fleet
            .ask(service, &Method::POST, "/v1/sys/revocations", Some(&bringer), &brought)
            .await?;
        ensure!(
            taken.body == json!({ "taken": 1, "known": 1 }),
            "{service}: {}",
            taken.body
        );
        let answer = read().await?;
        ensure!(
            answer.body["error"]["code"] == "TOKEN_REVOKED",
            "{service}: {}",
            answer.body
        );
    }
    Ok(())
}

fn refused(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN
}

#[test]
fn the_registry_gives_each_service_what_it_needs_and_nothing_beyond() -> Result<()> {
    let registry = Registry::builtin();
    let may = |service: &str, at: &str, text: &str| -> Result<bool> {
        let (audience, rights) = registry.grants(service)?;
        let right: Right = text.parse()?;
        let there = audience.iter().any(|named| named == at);
        Ok(there
            && rights.allow(
                &Need {
                    at: Some(at),
                    ..right.need()
                },
                at,
            ))
    };
    for service in registry.keys() {
        ensure!(
            may(service, "operator", "rpc operator mesh.announce")?,
            "{service} announces itself"
        );
        ensure!(
            may(service, "operator", "revocation read")?,
            "{service} asks what was revoked"
        );
        ensure!(
            !registry.grants(service)?.1.have_anywhere(Word::RevocationWrite),
            "{service} revokes nothing"
        );
    }
    ensure!(may("web", "operator", "event read mesh:*")? && may("web", "operator", "rpc operator events.subscribe")?);
    ensure!(
        may("operator", "web", "rpc web events.deliver")?,
        "the operator pushes to who may read"
    );
    ensure!(!may("web", "operator", "event read *")? && !may("web", "operator", "rpc operator createJob")?);
    ensure!(
        !may("web", "core", "rpc core getUserById")?,
        "nobody is called who is not in calls"
    );
    // What people do by way of a page; not what makes somebody somebody else.
    ensure!(may("console", "core", "logs read")? && may("console", "core", "job cancel x")?);
    ensure!(
        may("console", "api", "rpc api x")? && may("os", "api", "state read x")? && !may("os", "api", "state write x")?
    );
    for service in ["console", "os", "app"] {
        ensure!(
            may(service, "core", "rpc core checkSession")?,
            "{service} asks who is signed in"
        );
        for method in [
            "setPassword",
            "bootstrapAdmin",
            "putRole",
            "assignRole",
            "createApiKey",
            "createClient",
            "createPasswordLink",
        ] {
            let right = format!("rpc core {method}");
            ensure!(!may(service, "core", &right)?, "{service} calls {method}");
        }
    }
    ensure!(may("operator", "core", "job create send-email")? && !may("operator", "core", "state read a")?);
    Ok(())
}
