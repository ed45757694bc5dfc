//! A process with one service: a service's own `main`, and one of a fleet of processes.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::words::{Asked, HELP};
use super::{Door, DrainBudget, EXIT_CONFIG, EXIT_USAGE, Host, Running, Sources, StartError, output_format, probe};
use crate::config::{Environment, Problems, Settings, Variables};
use crate::registry::Registry;
use crate::service::Service;
use crate::telemetry::Output;
use crate::transport::Bind;

/// The whole of a service's `main`: reads the environment, runs the service, drains on SIGTERM or Ctrl-C, and gives the exit code.
///
/// 0 after a drain, 78 for a bad environment, 64 for a word on the command line that means nothing, 1 for any other fatal fault.
///
/// With the word `health` it asks the service that runs on this machine how it is, and gives 0 where it is healthy or degraded and else 1.
pub fn main(make: fn() -> Service) -> ExitCode {
    run(Registry::builtin(), make)
}

/// The same of a service of another fleet than the one that ships: the text of its `registry.toml`, which is a fault of the environment where
/// it cannot be read.
pub fn main_in(registry: &str, make: fn() -> Service) -> ExitCode {
    match Registry::parse(registry) {
        Ok(registry) => run(registry, make),
        Err(error) => {
            eprintln!("{}", error.message());
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

fn run(registry: Registry, make: fn() -> Service) -> ExitCode {
    let service = make();
    let named = registry.get(service.key()).map(|record| record.name.clone());
    let name = named.unwrap_or_else(|_| service.key().to_owned());
    match Asked::of(std::env::args_os().skip(1)) {
        Ok(Asked::Serve) => serve(registry, make),
        Ok(Asked::Health) => probe::health(&registry, service.key()),
        Ok(Asked::Version) => {
            println!("{name} {}", service.version());
            ExitCode::SUCCESS
        }
        Ok(Asked::Help) => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(unknown) => {
            eprintln!("{name}: {unknown}\n\n{HELP}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn serve(registry: Registry, make: fn() -> Service) -> ExitCode {
    let (sources, mut faults) = Sources::of_process();
    let (variables, found) = sources.read();
    found.iter().for_each(|problem| faults.push(problem));
    if !faults.is_empty() {
        return refuse(
            &Host::new(variables)
                .registry(registry)
                .mount(make)
                .faults_beside(faults),
        );
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the async runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async { serve_one(registry, make, variables, sources, stop_signal()).await });
    // What is left now ignored its cancellation; the process ends around it.
    runtime.shutdown_timeout(Duration::from_millis(100));
    code
}

/// Runs one service of a fleet with these variables, which are read again from `sources` on SIGHUP and when a file of theirs changes, until `stop` says why it should stop, drains it, and gives the exit code as [`main`] does.
///
/// Lines go to standard output, and what keeps it from starting to standard error.
pub async fn serve_one(
    registry: Registry,
    make: fn() -> Service,
    variables: Variables,
    sources: Sources,
    stop: impl Future<Output = &'static str>,
) -> ExitCode {
    let key = make().key();
    let hangup = hangup();
    let host = Host::new(variables).registry(registry).reload_from(sources).mount(make);
    let (registry, settings) = match host.check() {
        Ok(checked) => checked,
        Err(StartError::Config(problems)) => return refuse(&problems),
        Err(error) => return fatal(&error),
    };
    let settings = settings.first();
    let binds = match (registry.get(key), settings) {
        (Ok(record), Some(settings)) => own_binds(settings, record.port, key),
        _ => Vec::new(),
    };
    let budget = settings.map_or_else(DrainBudget::default, |settings| DrainBudget::of(settings.environment));
    let (output, _writer) = Output::start(output_format(settings));
    let running = match host.output(output).start(vec![Door::of_service(key, binds)]).await {
        Ok(running) => running,
        Err(StartError::Config(problems)) => return refuse(&problems),
        Err(error) => return fatal(&error),
    };
    let ended = tokio::select! {
        signal = stop => Ok(signal),
        gone = running.quarantined() => Err(gone),
        never = reload_on(hangup, &running) => match never {},
    };
    match ended {
        Ok(signal) => {
            let unfinished = running.stop(budget, signal).await;
            if !unfinished.is_empty() {
                eprintln!("did not finish in its time: {}", unfinished.join(", "));
            }
            ExitCode::SUCCESS
        }
        Err((service, reason)) => {
            running.stop(DrainBudget::none(), "quarantined").await;
            eprintln!("{service} is given up: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Where a service that has the process to itself listens: everywhere on a platform, on loopback in development, on its socket in a fleet of processes.
/// The platform's environment may be called development: there nobody would find it on loopback.
fn own_binds(settings: &Settings, registry_port: u16, key: &str) -> Vec<Bind> {
    if let Some(directory) = &settings.sockets {
        return vec![Bind::Unix(directory.join(format!("{key}.sock")))];
    }
    let port = settings.port.unwrap_or(registry_port);
    let hosts: &[IpAddr] = if settings.environment == Environment::Development && !settings.platform.railway {
        &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
    } else {
        &[IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
    };
    hosts
        .iter()
        .map(|host| Bind::Tcp(SocketAddr::new(*host, port)))
        .collect()
}

/// Waits for SIGTERM or Ctrl-C and gives its name.
///
/// It listens from the call on, not from the first poll: a signal that comes while the fleet says that it is up must drain it too.
/// Call it within a runtime.
pub fn stop_signal() -> impl Future<Output = &'static str> + Send {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        tokio::select! {
            () = next(&mut terminate) => "SIGTERM",
            () = next(&mut interrupt) => "SIGINT",
        }
    }
}

/// Listens for SIGHUP, from the call on: it asks for what the service is told to be read again.
fn hangup() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reads again what the service is told, at each signal.
async fn reload_on(mut signal: io::Result<Signal>, running: &Running) -> Infallible {
    loop {
        next(&mut signal).await;
        // What is wrong was told where it was found.
        let _ = running.reload("SIGHUP").await;
    }
}

async fn next(signal: &mut io::Result<Signal>) {
    match signal {
        Ok(signal) => drop(signal.recv().await),
        // Without the handler the signal ends the process by itself.
        Err(_) => std::future::pending().await,
    }
}

fn refuse(problems: &Problems) -> ExitCode {
    eprintln!("{problems}");
    ExitCode::from(EXIT_CONFIG)
}

fn fatal(error: &StartError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Bound;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    #[test]
    fn development_is_loopback_on_a_machine_of_ones_own_and_nowhere_else() {
        let binds = |given: &[(&str, &str)]| {
            let variables: Variables = given
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let host = Host::new(variables).mount(|| Service::new("core", "1"));
            let (_, settings) = host.check().unwrap();
            own_binds(&settings[0], 8000, "core")
        };
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        assert_eq!(
            binds(&[("ENVIRONMENT", "development")]),
            loopback.map(|host| Bind::Tcp(SocketAddr::new(host, 8000)))
        );
        // The platform's probe and edge come from outside of the container.
        let on_railway = [
            ("RAILWAY_ENVIRONMENT_NAME", "development"),
            ("ENVIRONMENT", "development"),
        ];
        let everywhere = [Bind::Tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 8000)))];
        assert_eq!(binds(&on_railway), everywhere);
        assert_eq!(binds(&on_railway[..1]), everywhere);
    }

    #[tokio::test]
    async fn in_production_a_service_listens_on_both_families_and_answers_the_platforms_probe() {
        let given = [
            ("ENVIRONMENT", "production"),
            ("SYSCALL_AUTH", "open"),
            ("AMNESIA", "true"),
            ("PORT", "0"),
        ];
        let variables: Variables = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let host = Host::new(variables).mount(|| Service::new("core", "1"));
        let (_, settings) = host.check().unwrap();
        let binds = own_binds(&settings[0], 8000, "core");
        assert_eq!(binds, [Bind::Tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)))]);
        let running = host.start(vec![Door::of_service("core", binds)]).await.unwrap();
        let [Bound::Tcp(bound)] = running.bound()[..] else {
            panic!("one TCP address")
        };
        for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            for path in ["/health", "/readyz", "/healthz"] {
                let mut connection = TcpStream::connect((address, bound.port())).await.unwrap();
                let request =
                    format!("GET {path} HTTP/1.1\r\nhost: healthcheck.railway.app\r\nconnection: close\r\n\r\n");
                connection.write_all(request.as_bytes()).await.unwrap();
                let mut answer = String::new();
                connection.read_to_string(&mut answer).await.unwrap();
                assert!(answer.starts_with("HTTP/1.1 200 "), "{address} {path}: {answer}");
            }
        }
        running.stop(DrainBudget::none(), "test").await;
    }
}
