//! Namespaces on one switch, each with an address of its own; all of it is gone when the value is.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::process::Command;

/// What the names of our namespaces begin with; then comes the process that made them.
const PREFIX: &str = "blackroad-";
/// Where `ip netns exec` finds the files that a namespace has of its own.
const FILES: &str = "/etc/netns";
/// The host of the name server. Its port is 53: `resolv.conf` knows no other.
pub(crate) const NAME_SERVER: u16 = 0x53;

/// A switch and the namespaces that are plugged into it.
#[derive(Debug)]
pub(crate) struct Network {
    prefix: String,
    hosts: Vec<u16>,
}

/// The address of a host.
pub(crate) fn address(host: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfd12, 0, 0, 0, 0, 0, 0, host)
}

impl Network {
    /// A network without hosts. What a process left behind that is no more is taken away first.
    pub(crate) fn build() -> Self {
        sweep();
        let network = Network {
            prefix: format!("{PREFIX}{}-", std::process::id()),
            hosts: Vec::new(),
        };
        let switch = network.switch();
        ip(&format!("netns add {switch}"));
        ip(&format!("-n {switch} link add switch type bridge"));
        ip(&format!("-n {switch} link set switch up"));
        network
    }

    /// Plugs in a host, whose names are resolved by the name server of this network.
    pub(crate) fn plug(&mut self, host: u16) {
        let (switch, namespace, port) = (self.switch(), self.namespace(host), port(host));
        ip(&format!("netns add {namespace}"));
        self.hosts.push(host);
        let files = PathBuf::from(FILES).join(&namespace);
        std::fs::create_dir_all(&files).unwrap();
        let servers = format!("nameserver {}\n", address(NAME_SERVER));
        std::fs::write(files.join("resolv.conf"), servers).unwrap();
        ip(&format!(
            "link add {port} netns {switch} type veth peer name eth0 netns {namespace}"
        ));
        ip(&format!("-n {switch} link set {port} master switch up"));
        ip(&format!("-n {namespace} link set lo up"));
        // Without duplicate address detection it can be used at once.
        ip(&format!("-n {namespace} addr add {}/64 dev eth0 nodad", address(host)));
        ip(&format!("-n {namespace} link set eth0 up"));
    }

    /// Pulls the cable of a host, or plugs it in again: whoever talks to it hears nothing, not even that it is gone.
    pub(crate) fn cable(&self, host: u16, plugged: bool) {
        let state = if plugged { "up" } else { "down" };
        ip(&format!("-n {} link set {} {state}", self.switch(), port(host)));
    }

    /// What a program is run with to be on a host.
    pub(crate) fn namespace(&self, host: u16) -> String {
        format!("{}{host:x}", self.prefix)
    }

    fn switch(&self) -> String {
        format!("{}switch", self.prefix)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in &self.hosts {
            remove(&self.namespace(*host));
        }
        remove(&self.switch());
    }
}

/// The switch's end of a host's cable.
fn port(host: u16) -> String {
    format!("port{host:x}")
}

fn remove(namespace: &str) {
    // The cables and the switch are in the namespaces and go with them.
    let _ = Command::new("ip").args(["netns", "del", namespace]).status();
    let _ = std::fs::remove_dir_all(PathBuf::from(FILES).join(namespace));
}

/// Takes away what is left of processes that were killed before they could.
fn sweep() {
    let Ok(known) = std::fs::read_dir("/run/netns") else {
        return;
    };
    for namespace in known.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        let owner = namespace
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('-'))
            .map(|(process, _)| PathBuf::from("/proc").join(process));
        if owner.is_some_and(|owner| !owner.exists()) {
            remove(&namespace);
        }
    }
}

fn ip(words: &str) {
    let ran = Command::new("ip").args(words.split(' ')).output();
    let ran = ran.expect("iproute2 is installed (`.ci/setup` does it)");
    assert!(
        ran.status.success(),
        "ip {words}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
