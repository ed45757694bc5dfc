//! OAuth clients: `client/{id}` holds one that was registered, `fleet/{key}` the secret of one of the fleet's own.
//!
//! Every service of the registry is a client: where its codes go follows from its public URL, and it shows who it is by its own token, so that
//! nothing has to be registered or set for it. A secret is for a program outside the fleet that stands for one of its services.

use blackroad_os_contracts::core::{
    CLIENT_CHANGED, CLIENT_DELETED, Client, Clients, CreateClient, CreatedClient, GetClient, Hidden, ListClients,
};
use chrono::DateTime;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use syscall_sdk::config::Environment;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::http::pages::service_url;
use syscall_sdk::name::{Key, Prefix, ServiceKey, new_id};
use syscall_sdk::store::Condition;
use syscall_sdk::wire::Timestamp;

use crate::audit::{self, Decision};
use crate::{roles, token};

const NAMESPACE: &str = "clients";
const REGISTERED: &str = "client/";
/// Where the SDK takes a code at every service with pages.
const CALLBACK: &str = "auth/callback";
/// Where the SDK takes people back who were signed out.
const SIGNED_OUT: &str = "auth/out";
/// Most addresses of a client: one an environment and a host.
const REDIRECTS_MAX: usize = 10;
/// Longest address, in bytes.
const REDIRECT_MAX_BYTES: usize = 2_000;
/// Most rights of a client: what one program does.
const RIGHTS_MAX: usize = 64;
/// Longest name, in characters: it is shown to people in one line.
const NAME_MAX_CHARS: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    client: Client,
    /// The hash of its secret; absent where it keeps none.
    secret: Option<String>,
}

/// A client, and how it shows who it is.
pub(super) struct Found {
    pub(super) client: Client,
    secret: Option<String>,
}

impl Found {
    /// Where people may be sent who were signed out at this client's wish: its redirect addresses, and what a service of the fleet has for it.
    pub(super) fn may_send_out(&self, context: &Context, uri: &str) -> bool {
        let own = || format!("{}{SIGNED_OUT}", service_url(context, &self.client.id));
        self.client.redirect_uris.iter().any(|known| known == uri) || (self.client.first_party && own() == uri)
    }

    /// Whether a secret is the client's. One that keeps none shows none.
    pub(super) fn is_shown_by(&self, secret: Option<&str>) -> bool {
        match (self.client.confidential, &self.secret, secret) {
            (true, Some(kept), Some(secret)) => token::same(kept, &token::hashed(secret)),
            (false, _, None) => true,
            _ => false,
        }
    }
}

pub(crate) async fn create(context: Context, params: CreateClient) -> Result<CreatedClient> {
    let name = params.name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX_CHARS || name.chars().any(char::is_control) {
        return Err(wrong(&format!(
            "a client's name is 1 to {NAME_MAX_CHARS} characters on one line"
        )));
    }
    if params.redirect_uris.len() > REDIRECTS_MAX {
        return Err(wrong(&format!("a client has at most {REDIRECTS_MAX} redirect URIs")));
    }
    params.redirect_uris.iter().try_for_each(|uri| check_redirect(uri))?;
    let rights = roles::checked(&params.rights, RIGHTS_MAX)?;
    if !params.confidential && !rights.is_empty() {
        return Err(wrong("a client that cannot keep a secret has no rights of its own"));
    }
    let client = Client {
        id: new_id(),
        name: name.to_owned(),
        redirect_uris: params.redirect_uris,
        rights,
        confidential: params.confidential,
        first_party: false,
        created_at: Timestamp(context.clock().now()),
    };
    put(&context, client, "client.create", Condition::Absent).await
}

pub(crate) async fn list(context: Context, _: ListClients) -> Result<Clients> {
    let all: Vec<(String, Kept)> = context.namespace(NAMESPACE)?.list(&Prefix::new(REGISTERED)?).await?;
    Ok(Clients {
        clients: all.into_iter().map(|(_, kept)| kept.client).collect(),
    })
}

pub(crate) async fn rotate_secret(context: Context, params: GetClient) -> Result<CreatedClient> {
    let found = find(&context, &params.id).await?.ok_or_else(|| missing(&params.id))?;
    put(&context, found.client, "client.rotate", Condition::Any).await
}

pub(crate) async fn delete(context: Context, params: GetClient) -> Result<Client> {
    let clients = context.namespace(NAMESPACE)?;
    let key = format!("{REGISTERED}{}", params.id);
    if Key::new(&key).is_err() {
        return Err(missing(&params.id));
    }
    let kept: Kept = clients.get(&key).await?.ok_or_else(|| missing(&params.id))?;
    let commit = context
        .batch()
        .delete(&clients, &key, Condition::Present)
        .emit(&CLIENT_DELETED, &params);
    audit::commit(
        commit,
        Decision::allowed("client.delete", format!("client/{}", params.id)),
    )
    .await?;
    Ok(kept.client)
}

/// The client of an id.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn find(context: &Context, id: &str) -> Result<Option<Found>> {
    let clients = context.namespace(NAMESPACE)?;
    if let Some(client) = of_fleet(context, id) {
        let secret: Option<String> = clients.get(&format!("fleet/{id}")).await?;
        // On a laptop where nobody is asked for anything, neither is it.
        let kernel = context.kernel();
        let asks = kernel.settings.environment != Environment::Development || !kernel.gate.is_open();
        let keeps = secret.is_some() || asks;
        let client = Client {
            confidential: keeps,
            ..client
        };
        return Ok(Some(Found { client, secret }));
    }
    let key = format!("{REGISTERED}{id}");
    if Key::new(&key).is_err() {
        return Ok(None);
    }
    let kept: Option<Kept> = clients.get(&key).await?;
    Ok(kept.map(|Kept { client, secret }| Found { client, secret }))
}

/// A service of the fleet as a client; core itself is none.
fn of_fleet(context: &Context, id: &str) -> Option<Client> {
    ServiceKey::new(id).ok()?;
    let record = context
        .registry()
        .get(id)
        .ok()
        .filter(|record| record.key == id && id != "core")?;
    Some(Client {
        id: record.key.clone(),
        name: record.name.clone(),
        redirect_uris: vec![format!("{}{CALLBACK}", service_url(context, id))],
        rights: Vec::new(),
        confidential: true,
        first_party: true,
        created_at: Timestamp(DateTime::UNIX_EPOCH),
    })
}

async fn put(context: &Context, client: Client, action: &'static str, condition: Condition) -> Result<CreatedClient> {
    let clients = context.namespace(NAMESPACE)?;
    let secret = (client.confidential || client.first_party)
        .then(token::secret)
        .transpose()?;
    let hash = secret.as_deref().map(token::hashed);
    let commit = match (&hash, client.first_party) {
        (Some(hash), true) => context
            .batch()
            .put(&clients, &format!("fleet/{}", client.id), hash, Condition::Any),
        _ => {
            let kept = Kept {
                client: client.clone(),
                secret: hash,
            };
            let key = format!("{REGISTERED}{}", client.id);
            context.batch().put(&clients, &key, &kept, condition)
        }
    };
    let commit = commit.emit(&CLIENT_CHANGED, &client);
    audit::commit(commit, Decision::allowed(action, format!("client/{}", client.id))).await?;
    Ok(CreatedClient {
        client,
        secret: secret.map(Hidden),
    })
}

/// Codes go over TLS, or stay on the machine of who signs in (RFC 8252, section 7.3).
///
/// A `*` is a pattern to some and a letter to us, and a backslash a slash to browsers alone: neither stands in an address that is compared
/// letter by letter. What `Url` would pass over, such as spaces at its ends, does not either.
fn check_redirect(uri: &str) -> Result<()> {
    let good = || {
        if uri.contains(|c: char| matches!(c, '*' | '\\') || c.is_whitespace() || c.is_control()) {
            return None;
        }
        let url = Url::parse(uri).ok()?;
        let host = url.host_str()?;
        // Names under `localhost` are this machine's (RFC 6761, section 6.3).
        let loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost");
        let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        // What is read is what is gone to: no name that is written otherwise, no third slash, no step back, no empty user.
        let as_read = url.as_str() == uri || url.as_str().strip_suffix('/') == Some(uri);
        let nobody = url.username().is_empty() && url.password().is_none();
        let plain = as_read
            && nobody
            && !uri.contains('#')
            && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
        (scheme && plain && uri.len() <= REDIRECT_MAX_BYTES).then_some(())
    };
    good().ok_or_else(|| {
        wrong("a redirect URI is https://…, or http://localhost…, whole and as a browser shows it, without a fragment, a user name, * or \\")
    })
}

fn wrong(why: &str) -> Error {
    Error::invalid(why).with_code("INVALID_CLIENT_METADATA")
}

fn missing(id: &str) -> Error {
    let shown: String = id.chars().take(60).collect();
    Error::new(Kind::NotFound, format!("there is no client {shown:?}")).with_code("CLIENT_NOT_FOUND")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_goes_over_tls_or_stays_on_the_machine() {
        for good in [
            "https://app.example/callback",
            "http://localhost:8080/cb",
            "http://127.0.0.1/cb?x=1",
            "https://app.example/cb?by=a@b.example",
            "http://[::1]:9/cb",
            "http://core.localhost:8000/cb",
        ] {
            assert!(check_redirect(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/callback",
            "http://app.example/cb",
            "https://app.example/cb#x",
            "https://a@app.example/",
            "https://@app.example/",
            "https:///app.example@evil.example/cb",
            "https:///app.example/cb",
            "https://%61pp.example/cb",
            "https://аpp.example/cb",
            "https://2130706433/cb",
            "https://app.example/../cb",
            "https://./cb",
            "https://a:b@app.example/",
            "https://app.example/cb#",
            "https://*.app.example/cb",
            "https://app.example/*",
            "https://app.example\\@evil.example/",
            "https://app.example/\\evil",
            "https:app.example/cb",
            " https://app.example/cb",
            "javascript:alert(1)",
            "http://localhost.evil.example/",
            "custom:/cb",
        ] {
            assert!(check_redirect(bad).is_err(), "{bad}");
        }
    }
}
