//! One request after another, at the pace that the API asks for.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use syscall_sdk::config::{Secret, Variables};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::refusal::{ApiError, Refusal};

/// The API; `CLOUDFLARE_API_URL` names another, such as a local one in tests.
const ENDPOINT: &str = "https://api.cloudflare.com/client/v4";
/// Longest wait for one answer: a batch of 200 records takes some seconds.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest wait that the API may ask for: whoever asks too often is locked out for five minutes.
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);
/// How often a request that came too soon is made again: after the second long wait something else is wrong.
const WAITS_MAX: u32 = 2;
/// Wait where the API says "too soon" and not how long.
const WAIT_UNSAID: Duration = Duration::from_secs(30);
/// Largest answer: a page of 500 records of 4 KiB, twice over.
const ANSWER_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most pages of a list: 50 of 500 records are more than any plan has.
const PAGES_MAX: u32 = 50;
/// Records on a page.
const PAGE: u32 = 500;

/// A client with its token.
pub(in crate::dns) struct Client {
    http: reqwest::Client,
    base: String,
    token: Secret,
    /// Before when nothing may be asked.
    next: Option<Instant>,
}

/// What is asked for.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// Below the endpoint.
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<&'a Value>,
    /// In words, for a refusal.
    pub(super) what: String,
    pub(super) permission: &'static str,
}

#[derive(Deserialize)]
struct Envelope {
    success: bool,
    #[serde(default)]
    errors: Vec<ApiError>,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    result_info: Option<Info>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    total_pages: Option<u32>,
    #[serde(default)]
    total_count: Option<u64>,
}

impl<'a> Ask<'a> {
    pub(super) fn get(path: String, what: impl Into<String>, permission: &'static str) -> Self {
        Ask {
            method: Method::GET,
            path,
            query: Vec::new(),
            body: None,
            what: what.into(),
            permission,
        }
    }

    pub(super) fn send(
        method: Method,
        path: String,
        body: &'a Value,
        what: impl Into<String>,
        permission: &'static str,
    ) -> Self {
        Ask {
            method,
            path,
            query: Vec::new(),
            body: Some(body),
            what: what.into(),
            permission,
        }
    }
}

impl Client {
    /// From `CLOUDFLARE_API_TOKEN`, or the file that `CLOUDFLARE_API_TOKEN_FILE` names.
    pub(in crate::dns) fn new(variables: &Variables) -> Result<Self> {
        let said = |name: &str| {
            variables
                .get(name)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        let Some(token) = said("CLOUDFLARE_API_TOKEN") else {
            bail!(
                "CLOUDFLARE_API_TOKEN is not set: make a token at dash.cloudflare.com/profile/api-tokens with Zone Read, DNS Write and Zone Settings Write for the fleet's zones, and set it, or its file as CLOUDFLARE_API_TOKEN_FILE"
            );
        };
        let base = said("CLOUDFLARE_API_URL")
            .unwrap_or(ENDPOINT)
            .trim_end_matches('/')
            .to_owned();
        if !may_carry_a_token(&base) {
            bail!(
                "CLOUDFLARE_API_URL is {base:?}; it is https://, or http:// on this machine, since a token is sent there"
            );
        }
        Ok(Client {
            http: crate::remote::client()?,
            base,
            token: Secret::new(token),
            next: None,
        })
    }

    /// Asks, waits where the API says so, and gives what it answered.
    pub(super) async fn ask<T: DeserializeOwned>(&mut self, ask: Ask<'_>) -> Result<T> {
        let envelope = self.envelope(&ask).await?;
        serde_json::from_value(envelope.result)
            .with_context(|| format!("Cloudflare answered {} in a shape that it does not document", ask.what))
    }

    /// Asks for every page of a list.
    pub(super) async fn all<T: DeserializeOwned>(&mut self, ask: Ask<'_>) -> Result<Vec<T>> {
        let mut all = Vec::new();
        for page in 1..=PAGES_MAX {
            let mut query = ask.query.clone();
            query.extend([("page", page.to_string()), ("per_page", PAGE.to_string())]);
            let asked = Ask {
                method: ask.method.clone(),
                path: ask.path.clone(),
                query,
                body: None,
                what: ask.what.clone(),
                permission: ask.permission,
            };
            let envelope = self.envelope(&asked).await?;
            let part: Vec<T> = serde_json::from_value(envelope.result)
                .with_context(|| format!("Cloudflare answered {} in a shape that it does not document", ask.what))?;
            let empty = part.is_empty();
            all.extend(part);
            let more = envelope
                .result_info
                .is_some_and(|info| match (info.total_pages, info.total_count) {
                    (Some(pages), _) => page < pages,
                    (None, Some(count)) => (all.len() as u64) < count,
                    (None, None) => false,
                });
            if !more || empty {
                return Ok(all);
            }
        }
        bail!(
            "{} has more than {PAGES_MAX} pages of {PAGE}; this is no zone of a fleet",
            ask.what
        )
    }

    async fn envelope(&mut self, ask: &Ask<'_>) -> Result<Envelope> {
        let mut waits = 0;
        loop {
            if let Some(next) = self.next.take() {
                let left = next.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    eprintln!(
                        "Cloudflare's rate limit is spent; it goes on in {} s",
                        left.as_secs() + 1
                    );
                }
                sleep_until(next).await;
            }
            let mut request = self
                .http
                .request(ask.method.clone(), format!("{}/{}", self.base, ask.path))
                .query(&ask.query)
                .bearer_auth(self.token.reveal());
            if let Some(body) = ask.body {
                request = request.json(body);
            }
            let (status, headers, body) = timeout(TIMEOUT, answer(request))
                .await
                .with_context(|| format!("Cloudflare did not answer {} within {} s", ask.what, TIMEOUT.as_secs()))?
                .with_context(|| format!("{} could not be asked of {}", ask.what, self.base))?;
            // Refused before anything was done, so that it can be asked again, whatever it was.
            if status == StatusCode::TOO_MANY_REQUESTS && waits < WAITS_MAX {
                let wait = asked_for(&headers).unwrap_or(WAIT_UNSAID);
                if wait <= WAIT_MAX {
                    waits += 1;
                    eprintln!(
                        "Cloudflare asks for a rest; {} is asked again in {} s",
                        ask.what,
                        wait.as_secs()
                    );
                    sleep(wait).await;
                    continue;
                }
            }
            if spent(&headers)
                && let Some(wait) = asked_for(&headers).filter(|wait| *wait <= WAIT_MAX)
            {
                self.next = Some(Instant::now() + wait);
            }
            let envelope: Option<Envelope> = serde_json::from_slice(&body).ok();
            return match envelope {
                Some(envelope) if envelope.success && status.is_success() => Ok(envelope),
                other => Err(Refusal {
                    what: ask.what.clone(),
                    permission: ask.permission,
                    writes: ask.method != Method::GET,
                    status,
                    errors: other.map(|envelope| envelope.errors).unwrap_or_default(),
                }
                .into()),
            };
        }
    }
}

/// The status, the headers and the whole body, as far as it may be long.
pub(in crate::dns) async fn answer(request: reqwest::RequestBuilder) -> Result<(StatusCode, HeaderMap, Vec<u8>)> {
    let mut response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            bail!("the answer is longer than {ANSWER_MAX_BYTES} bytes");
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, headers, body))
}

/// How long the API asks to be left alone: `retry-after`, or the reset of its rate limit.
fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number(RETRY_AFTER.as_str())
        .or_else(|| number("x-ratelimit-reset"))
        .or_else(|| part(headers, "t"))
        .map(Duration::from_secs)
}

/// Whether no request is left until the reset.
fn spent(headers: &HeaderMap) -> bool {
    let left = headers
        .get("x-ratelimit-remaining")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    left.or_else(|| part(headers, "r")) == Some(0)
}

/// A parameter of `ratelimit: "default";r=50;t=30`.
fn part(headers: &HeaderMap, name: &str) -> Option<u64> {
    let text = headers.get("ratelimit")?.to_str().ok()?;
    text.split(';')
        .filter_map(|part| part.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.trim().parse().ok())
}

/// Whether a token may be sent there: encrypted, or without leaving this machine.
pub(in crate::dns) fn may_carry_a_token(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let loopback = url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    });
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_rate_limit_is_read_in_each_of_its_forms() {
        for (fields, is_spent, wait) in [
            (
                vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "12")],
                true,
                Some(12),
            ),
            (
                vec![("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "12")],
                false,
                Some(12),
            ),
            (vec![("ratelimit", "\"default\";r=0;t=30")], true, Some(30)),
            (vec![("ratelimit", "\"default\";r=50;t=30")], false, Some(30)),
            (vec![("retry-after", "3"), ("x-ratelimit-reset", "12")], false, Some(3)),
            (vec![("retry-after", "soon"), ("ratelimit", "?")], false, None),
        ] {
            let headers = headers(&fields);
            let wait = wait.map(Duration::from_secs);
            assert_eq!((spent(&headers), asked_for(&headers)), (is_spent, wait), "{fields:?}");
        }
    }

    #[test]
    fn a_token_goes_nowhere_where_it_could_be_read_on_the_way() {
        for (url, may) in [
            ("https://api.cloudflare.com/client/v4", true),
            ("http://127.0.0.1:8787/client/v4", true),
            ("http://[::1]:8787", true),
            ("http://localhost:8787", true),
            ("http://api.cloudflare.com", false),
            ("http://127.0.0.1.example.com", false),
            ("api.cloudflare.com", false),
        ] {
            assert_eq!(may_carry_a_token(url), may, "{url}");
        }
    }
}
