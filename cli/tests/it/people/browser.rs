//! A browser without a screen, as a person uses it or as an attacker does.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use http::{Method, StatusCode};
use serde_json::Value;

use super::household::PASSWORD;
use crate::fleet::Fleet;

const PAGE: &str = "text/html,application/xhtml+xml";

/// A browser without a screen: it keeps each host's cookies and follows nothing by itself.
pub(super) struct Browser<'a> {
    fleet: &'a Fleet,
    pub(super) cookies: BTreeMap<(String, String), String>,
    /// What it says of the page that asks.
    pub(super) site: &'static str,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) location: String,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn field(&self, name: &str) -> Result<String> {
        let start = format!(r#"name="{name}" value=""#);
        let (_, rest) = self
            .text
            .split_once(&start)
            .with_context(|| format!("no field {name} in {}", self.text))?;
        Ok(rest.split_once('"').context("the value ends")?.0.to_owned())
    }

    pub(super) fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://form/").expect("it is a URL");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

pub(super) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    url.query_pairs()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

impl<'a> Browser<'a> {
    pub(super) fn new(fleet: &'a Fleet) -> Self {
        Browser {
            fleet,
            cookies: BTreeMap::new(),
            site: "same-origin",
        }
    }

    pub(super) async fn get(&mut self, url: &str) -> Result<Answer> {
        self.send(Method::GET, url, &[("accept", PAGE)], String::new()).await
    }

    pub(super) async fn post(&mut self, url: &str, pairs: &[(&str, &str)]) -> Result<Answer> {
        let headers = [
            ("accept", PAGE),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", self.site),
        ];
        self.send(Method::POST, url, &headers, form(pairs)).await
    }

    /// As a script of a page asks.
    pub(super) async fn act(&mut self, url: &str, token: &str) -> Result<Answer> {
        let headers = [
            ("accept", "application/json, text/html"),
            ("sec-fetch-site", self.site),
            ("x-csrf-token", token),
        ];
        self.send(Method::POST, url, &headers, "{}".to_owned()).await
    }

    pub(super) async fn send(
        &mut self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer> {
        let url = reqwest::Url::parse(url)?;
        let host = format!("{}:{}", url.host_str().context("a host")?, self.fleet.port());
        let path = format!(
            "{}{}",
            url.path(),
            url.query().map(|query| format!("?{query}")).unwrap_or_default()
        );
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let own = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let cookies: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = client
            .request(method, format!("http://127.0.0.1:{}{path}", self.fleet.port()))
            .header("host", &host)
            .header("cookie", cookies.join("; "))
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await?;
        for cookie in answer.headers().get_all("set-cookie") {
            let (pair, rest) = cookie.to_str()?.split_once(';').context("attributes")?;
            ensure!(
                rest.contains("HttpOnly") && rest.contains("SameSite=Lax") && rest.contains("Path=/"),
                "{rest}"
            );
            let (name, value) = pair.split_once('=').context("a pair")?;
            let key = (host.clone(), name.to_owned());
            if rest.contains("Max-Age=0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
        let location = answer
            .headers()
            .get("location")
            .map_or("", |to| to.to_str().unwrap_or_default());
        let location = if location.starts_with('/') {
            format!("http://{host}{location}")
        } else {
            location.to_owned()
        };
        Ok(Answer {
            status: answer.status(),
            location,
            text: answer.text().await?,
        })
    }

    /// Follows redirects to the first page.
    pub(super) async fn open(&mut self, url: &str) -> Result<(String, Answer)> {
        let mut url = url.to_owned();
        for _ in 0..10 {
            let answer = self.get(&url).await?;
            if !answer.status.is_redirection() {
                return Ok((url, answer));
            }
            url = answer.location;
        }
        anyhow::bail!("it goes round: {url}")
    }

    /// Opens a page, signs in where that is asked for, and gives where the browser came to.
    pub(super) async fn sign_in(&mut self, url: &str, email: &str) -> Result<(String, Answer)> {
        let back = self.come_back(url, email).await?;
        self.open(&back).await
    }

    /// The same, up to the address at which the browser comes back with a code.
    pub(super) async fn come_back(&mut self, url: &str, email: &str) -> Result<String> {
        let (at, page) = self.open(url).await?;
        ensure!(
            at.starts_with(&self.fleet.url("core", "/login")),
            "led to {at}: {}",
            page.text
        );
        let (token, way) = (page.field("form")?, parameter(&at, "return").context("a way back")?);
        let pairs = [
            ("email", email),
            ("password", PASSWORD),
            ("return", &way),
            ("form", &token),
        ];
        let signed_in = self.post(&self.fleet.url("core", "/login"), &pairs).await?;
        Ok(self.get(&signed_in.location).await?.location)
    }

    pub(super) fn holds(&self, service: &str) -> bool {
        let host = format!("{service}.localhost:{}", self.fleet.port());
        self.cookies.contains_key(&(host, format!("{service}-session")))
    }
}
