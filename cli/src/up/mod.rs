//! `blackroad up`: the whole fleet, or a part of it, on this machine.

mod one_process;
mod table;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use syscall_sdk::host::{EXIT_CONFIG, StartError, process_environment};
use syscall_sdk::transport::Bind;

use crate::args::{Target, Up};

pub(crate) async fn run(target: &Target, _json: bool, up: Up) -> ExitCode {
    let mut variables = match process_environment() {
        Ok(variables) => variables,
        Err(problems) => {
            eprintln!("{problems}");
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    // These name one service; a fleet has nine.
    for name in ["SERVICE_NAME", "SERVICE_ROLE", "PORT"] {
        variables.remove(name);
    }
    variables.insert("DATA_DIR".to_owned(), up.data_dir.display().to_string());
    if up.amnesia {
        variables.insert("AMNESIA".to_owned(), "true".to_owned());
    }
    match one_process::run(target, &up, variables).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref::<StartError>() {
                Some(StartError::Config(_)) => ExitCode::from(EXIT_CONFIG),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// Both loopback addresses: browsers resolve `localhost` to either.
pub(crate) fn loopback(port: u16) -> Vec<Bind> {
    // Port 0 is a different free port on each address; one address then has to do.
    let hosts: &[IpAddr] = if port == 0 {
        &[IpAddr::V4(Ipv4Addr::LOCALHOST)]
    } else {
        &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
    };
    hosts
        .iter()
        .map(|host| Bind::Tcp(SocketAddr::new(*host, port)))
        .collect()
}
