//! Another OpenID provider: where it is, what it says of itself, and what it gives for a code.

use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use syscall_sdk::config::Secret;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::http::way;

/// How long each answer of the provider may take: a person waits for three of them.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read: a set of keys is a few kilobytes.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// What the environment says of the provider: `OIDC_ISSUER`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET`.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) client_id: String,
    secret: Secret,
}

/// What the provider says of itself (OpenID Connect Discovery, section 3).
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    id_token: String,
}

impl Provider {
    /// The provider that is configured, if one is.
    pub(super) fn of(context: &Context) -> Option<Self> {
        Some(Provider {
            issuer: context.secret("OIDC_ISSUER")?.reveal().trim_end_matches('/').to_owned(),
            client_id: context.secret("OIDC_CLIENT_ID")?.reveal().to_owned(),
            secret: context.secret("OIDC_CLIENT_SECRET")?,
        })
    }

    /// Its host, for people.
    pub(super) fn name(&self) -> String {
        let url = Url::parse(&self.issuer).ok();
        url.and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| self.issuer.clone())
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// `PROVIDER_FAILED` where it does not answer, or says that it is another.
    pub(super) async fn metadata(&self, context: &Context) -> Result<Metadata> {
        let url = trusted(&format!("{}/.well-known/openid-configuration", self.issuer))?;
        let metadata: Metadata = read(context.http().get(url)).await?;
        if metadata.issuer.trim_end_matches('/') != self.issuer {
            return Err(failed("the provider says that it is another than the one configured"));
        }
        Ok(metadata)
    }

    /// The keys that sign its tokens.
    ///
    /// # Errors
    /// `PROVIDER_FAILED`.
    pub(super) async fn keys(&self, context: &Context, metadata: &Metadata) -> Result<JwkSet> {
        read(context.http().get(trusted(&metadata.jwks_uri)?)).await
    }

    /// The id token that it gives for a code.
    ///
    /// # Errors
    /// `PROVIDER_FAILED`, also where it refuses the code.
    pub(super) async fn exchange(
        &self,
        context: &Context,
        metadata: &Metadata,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<String> {
        let mut form = Url::parse("http://form/").map_err(|error| Error::internal("a URL").with_source(error))?;
        form.query_pairs_mut()
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("code_verifier", verifier);
        let request = context
            .http()
            .post(trusted(&metadata.token_endpoint)?)
            .basic_auth(encoded(&self.client_id), Some(encoded(self.secret.reveal())))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.query().unwrap_or_default().to_owned());
        read::<Tokens>(request).await.map(|tokens| tokens.id_token)
    }
}

/// The id and the secret are form-encoded within the header (RFC 6749, section 2.3.1).
fn encoded(text: &str) -> String {
    way::in_query(text)
}

/// A URL that is asked over TLS, or stays on this machine.
///
/// # Errors
/// `PROVIDER_FAILED`.
pub(super) fn trusted(url: &str) -> Result<Url> {
    let url =
        Url::parse(url).map_err(|error| failed("the provider names an endpoint that is no URL").with_source(error))?;
    let host = url.host_str().unwrap_or_default();
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost");
    if url.scheme() == "https" || (url.scheme() == "http" && local) {
        return Ok(url);
    }
    Err(failed("the provider is asked over https alone"))
}

/// What it answers, as JSON.
///
/// # Errors
/// `PROVIDER_FAILED`.
pub(super) async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T> {
    let answer = async {
        let mut response = request
            .timeout(TIMEOUT)
            .send()
            .await
            .map_err(|error| failed("the provider does not answer").with_source(error.without_url()))?;
        if !response.status().is_success() {
            return Err(failed(&format!("the provider answered {}", response.status().as_u16())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| failed("the provider's answer broke off").with_source(error.without_url()))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_MAX_BYTES {
                return Err(failed("the provider's answer is too large"));
            }
        }
        serde_json::from_slice(&body)
            .map_err(|error| failed("the provider's answer is not what the standard says").with_source(error))
    };
    answer.await
}

pub(super) fn failed(why: &str) -> Error {
    Error::new(Kind::Unavailable, why).with_code("PROVIDER_FAILED")
}
