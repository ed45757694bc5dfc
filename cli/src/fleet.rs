//! The nine services: the one list of what this binary can run.

use syscall_sdk::host::Host;
use syscall_sdk::service::Service;

/// Makes a service anew.
pub(crate) type MakeService = fn() -> Service;

/// Every service, in the order of the registry.
pub(crate) const SERVICES: [(&str, MakeService); 9] = [
    ("operator", blackroad_os_operator::service),
    ("core", blackroad_os_core::service),
    ("api", blackroad_os_api::service),
    ("app", blackroad_operating_system::service),
    ("console", blackroad_os_prism_console::service),
    ("docs", blackroad_os_docs::service),
    ("web", blackroad_os_web::service),
    ("os", blackroad_os_interface::service),
    ("root", blackroad_os_root::service),
];

/// Mounts the services that are wanted; all of them where none is named.
pub(crate) fn mount(host: Host, only: &[String]) -> anyhow::Result<Host> {
    for key in only {
        anyhow::ensure!(
            SERVICES.iter().any(|(known, _)| known == key),
            "--only names {key:?}, which is no service; there are {}",
            SERVICES.map(|(key, _)| key).join(", ")
        );
    }
    Ok(SERVICES
        .into_iter()
        .filter(|(key, _)| only.is_empty() || only.iter().any(|wanted| wanted == key))
        .fold(host, |host, (_, make)| host.mount(make)))
}

/// How one service is made.
pub(crate) fn make(key: &str) -> Option<fn() -> Service> {
    let (_, make) = SERVICES.into_iter().find(|(known, _)| *known == key)?;
    Some(make)
}
