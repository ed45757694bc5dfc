//! How long the certificate of a service's public name is still good, seen in a handshake as a browser makes it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use chrono::{DateTime, Utc};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use syscall_sdk::clock::Clock;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::dates;
use super::facts::Fact;
use super::names::{Found, host_and_port};

/// For the connection and the handshake: a slow edge answers in one or two.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The edges that stand in front renew a month ahead: with less than this left, they have failed to for two weeks.
const DAYS_LEFT_MIN: i64 = 14;

/// The certificate of a URL's host.
pub(super) async fn look(url: &str, found: &Found) -> Fact {
    let Some((host, port)) = host_and_port(url).filter(|_| url.starts_with("https://")) else {
        return Fact::unknown("-");
    };
    if matches!(found, Found::Nothing(_) | Found::Failed(_)) {
        return Fact::unknown("?");
    }
    let ends = match timeout(HANDSHAKE_TIMEOUT, ends(&host, port)).await {
        Ok(Ok(ends)) => ends,
        Ok(Err(error)) => return Fact::drift("bad", format!("has no certificate that a browser takes: {error:#}")),
        Err(_) => {
            let seconds = HANDSHAKE_TIMEOUT.as_secs();
            return Fact::drift("none", format!("made no TLS handshake in {seconds} s at {host}:{port}"));
        }
    };
    let days = (ends - Clock::system().now()).num_days();
    let told = format!("{days} d");
    if days < DAYS_LEFT_MIN {
        return Fact::drift(
            told,
            format!(
                "has a certificate that ends in {days} days and was to be renewed by now; look at the edge's page of {host}"
            ),
        );
    }
    Fact::well(told)
}

/// When the certificate ends that a server shows and the system trusts.
async fn ends(host: &str, port: u16) -> Result<DateTime<Utc>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    let stream = TcpStream::connect((host, port))
        .await
        .context("it takes no connection")?;
    let name = ServerName::try_from(host.to_owned())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    let own = chain.first().ok_or_else(|| anyhow!("it showed none"))?;
    dates::not_after(own).ok_or_else(|| anyhow!("its dates cannot be read"))
}
