//! `health`: asks the service that runs on this machine how it is, as a container's health check does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Sources;
use crate::config::Variables;
use crate::registry::Registry;
use crate::wire::{Health, HealthStatus};

/// Longest wait for an answer, which takes milliseconds where there is one. It is under the 5 s that an image gives the whole check, so that
/// the reason is told before the check is killed.
const PATIENCE: Duration = Duration::from_secs(3);
/// Largest answer that is read: ours has 20 bytes, and who else listens on the port is not read to its end.
const ANSWER_MAX_BYTES: usize = 4 * 1024;

/// Asks, prints one line and gives the exit code: 0 where the service is healthy or degraded, else 1.
pub(super) fn health(registry: &Registry, key: &str) -> ExitCode {
    match status(registry, key) {
        Ok(status) => {
            println!("{}", status.as_str());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn status(registry: &Registry, key: &str) -> Result<HealthStatus, String> {
    // What is wrong with the rest of the environment, the service itself says when it is started.
    let (variables, _) = Sources::of_process().0.read();
    let port = port(&variables, registry, key)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the async runtime cannot be started: {error}"))?;
    runtime.block_on(ask(port, PATIENCE))
}

/// The port that the service listens on: that of `PORT`, else the registry's.
fn port(variables: &Variables, registry: &Registry, key: &str) -> Result<u16, String> {
    match variables
        .get("PORT")
        .map(|port| port.trim())
        .filter(|port| !port.is_empty())
    {
        None => {
            let record = registry.get(key).map_err(|error| error.to_string())?;
            Ok(record.port)
        }
        Some(said) => match said.parse() {
            Ok(0) => Err("PORT is 0, which is any free port: which one it became is in the service's log".to_owned()),
            Ok(port) => Ok(port),
            Err(_) => Err(format!("PORT is {said:?}; it is a port from 1 to 65535")),
        },
    }
}

/// Asks whoever listens on a port of this machine.
async fn ask(port: u16, patience: Duration) -> Result<HealthStatus, String> {
    match timeout(patience, exchange(port)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!(
            "what listens on port {port} did not answer /health within {} s",
            patience.as_secs_f64()
        )),
    }
}

async fn exchange(port: u16) -> Result<HealthStatus, String> {
    let broke = |error: hyper::Error| format!("what listens on port {port} broke off: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(connect(port).await?))
        .await
        .map_err(broke)?;
    let request = http::Request::get("/health")
        .header(HOST, format!("127.0.0.1:{port}"))
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(broke)?;
        let well = response.status().is_success();
        let told = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
        let said = body
            .ok()
            .and_then(|body| serde_json::from_slice::<Health>(&body.to_bytes()).ok());
        match said.map(|health| health.status) {
            Some(status) if well && status != HealthStatus::Unhealthy => Ok(status),
            Some(status) => Err(format!(
                "{}; GET /v1/sys/health on port {port} says which check is down",
                status.as_str()
            )),
            None => Err(format!(
                "what listens on port {port} answered /health with {told}, and not as a service does"
            )),
        }
    };
    // The connection carries the answer; it ends with it.
    let (_, answer) = tokio::join!(connection, answer);
    answer
}

/// A connection to this machine: by either family, since a network may have one alone.
async fn connect(port: u16) -> Result<TcpStream, String> {
    let mut refused = String::new();
    for host in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        match TcpStream::connect(SocketAddr::new(host, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) if refused.is_empty() => refused = error.to_string(),
            Err(_) => {}
        }
    }
    Err(format!(
        "nothing listens on port {port} of this machine ({refused}): the service is not up, or was told another PORT than this program"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::host::{Door, DrainBudget, Host};
    use crate::service::Service;
    use crate::transport::{Bind, Bound};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn a_service_is_asked_on_its_own_port_and_an_ill_one_says_where_to_look() {
        let variables = Variables::from([("AMNESIA".to_owned(), "true".to_owned())]);
        for (down, told) in [
            (false, Ok(HealthStatus::Healthy)),
            (true, Err("unhealthy; GET /v1/sys/health")),
        ] {
            let make = move || {
                let service = Service::new("core", "1");
                if !down {
                    return service;
                }
                service.critical_check("disk", |_| async { Err(Error::unavailable("gone")) })
            };
            let door = Door::of_service("core", vec![Bind::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]);
            let running = Host::new(variables.clone())
                .mount(make)
                .start(vec![door])
                .await
                .unwrap();
            let [Bound::Tcp(bound)] = running.bound()[..] else {
                panic!("one TCP address")
            };
            let answer = ask(bound.port(), PATIENCE).await;
            match told {
                Ok(status) => assert_eq!(answer, Ok(status)),
                Err(begins) => assert!(answer.clone().unwrap_err().starts_with(begins), "{answer:?}"),
            }
            running.stop(DrainBudget::none(), "test").await;
        }
    }

    #[tokio::test]
    async fn nobody_somebody_else_and_silence_are_told_apart() {
        let silent = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let waited = ask(port, Duration::from_millis(50)).await.unwrap_err();
        assert!(waited.contains("did not answer /health within 0.05 s"), "{waited}");

        let other = async {
            // The connection of the question above, which was given up.
            drop(silent.accept().await.unwrap());
            let (mut stream, _) = silent.accept().await.unwrap();
            let mut asked = [0; 64];
            assert!(stream.read(&mut asked).await.unwrap() > 0);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
            stream.write_all(answer).await.unwrap();
            stream
        };
        let (_stream, answer) = tokio::join!(other, ask(port, PATIENCE));
        let answer = answer.unwrap_err();
        assert!(answer.contains("not as a service does"), "{answer}");

        drop(silent);
        let nobody = ask(port, PATIENCE).await.unwrap_err();
        assert!(nobody.starts_with("nothing listens on port"), "{nobody}");
    }

    #[test]
    fn the_port_is_the_one_that_the_service_was_told() {
        let registry = Registry::builtin();
        let told = |port: &str| Variables::from([("PORT".to_owned(), port.to_owned())]);
        assert_eq!(port(&Variables::new(), &registry, "operator"), Ok(8001));
        assert_eq!(port(&told(" 9000 "), &registry, "core"), Ok(9000));
        assert_eq!(port(&told(""), &registry, "core"), Ok(8000));
        assert!(port(&told("0"), &registry, "core").unwrap_err().contains("log"));
        assert!(port(&told("http"), &registry, "core").unwrap_err().contains("\"http\""));
    }
}
