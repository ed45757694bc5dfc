//! One service, as the platform is told of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use syscall_sdk::registry::{Data, RegistryFile, ServiceRecord, Urls};

use super::domains;
use super::variables::{self, DATA_DIR, quoted};
use crate::workspace::Workspace;

/// What the platform's project calls a service, in every environment.
pub(crate) fn called(service: &ServiceRecord) -> String {
    format!("{}-production", service.name)
}

/// What the project calls its volume.
pub(super) fn volume(service: &ServiceRecord) -> String {
    format!("{}-data", service.name)
}

/// The service in the file's language, four spaces in.
pub(super) fn text(file: &RegistryFile, workspace: &Workspace, service: &ServiceRecord) -> Result<String> {
    let deploy = &file.deploy;
    let port = service.port;
    let mut out = format!("    service({}, {{\n", quoted(&called(service)));
    out.push_str(
        "      source,\n      build: {\n        builder: \"DOCKERFILE\",\n        dockerfilePath: \"Dockerfile\",\n",
    );
    out.push_str("        watchPatterns: [\n");
    for pattern in workspace.watch(&service.name)? {
        let _ = writeln!(out, "          {},", quoted(&pattern));
    }
    out.push_str("        ],\n      },\n");
    let overlap = match service.data {
        Data::Postgres => deploy.overlap_seconds,
        // Two processes cannot have one volume.
        Data::Volume => 0,
    };
    let _ = writeln!(
        out,
        "      healthcheck: {},\n      healthcheckTimeout: {},\n      deploy: {{ restartPolicyType: \"ALWAYS\", overlapSeconds: {overlap}, drainingSeconds: {} }},",
        quoted(&file.health_path),
        deploy.health_timeout_seconds,
        deploy.draining_seconds
    );
    let _ = writeln!(out, "      replicas: {},", replicas(file, service));
    let _ = writeln!(
        out,
        "      networking: {{\n        privateNetworkEndpoint: {},\n        serviceDomains: {},\n      }},",
        quoted(&service.name),
        edge_domains(service)
    );
    let own: String = domains::own(file, service)
        .iter()
        .map(|domain| format!("            {{ domain: {}, port: {port} }},\n", quoted(domain)))
        .collect();
    if !own.is_empty() {
        let _ = writeln!(
            out,
            "      domains: production\n        ? [\n{own}          ]\n        : undefined,"
        );
    }
    if service.tcp_proxy.is_some() {
        let _ = writeln!(out, "      tcp: production || development ? [{port}] : undefined,");
    }
    if service.data == Data::Volume {
        let _ = writeln!(
            out,
            "      volumeMounts: lasting ? {{ {}: data[{}] }} : undefined,",
            quoted(DATA_DIR),
            quoted(&service.key)
        );
    }
    out.push_str("      env: {\n        ...common,\n");
    out.push_str(&members(&variables::everywhere(file, service), 8));
    let lasting = members(&variables::lasting(service), 10);
    let _ = writeln!(out, "        ...kept({{\n{lasting}        }}),");
    out.push_str("      },\n    }),\n");
    Ok(out)
}

/// How many there are: in production what the registry says, elsewhere one.
fn replicas(file: &RegistryFile, service: &ServiceRecord) -> String {
    let count = match service.replicas {
        1 => "1".to_owned(),
        more => format!("production ? {more} : 1"),
    };
    match &file.deploy.region {
        Some(region) => format!("{{ {}: {count} }}", quoted(region)),
        None => count,
    }
}

/// Its names on the platform's own edge, by environment.
fn edge_domains(service: &ServiceRecord) -> String {
    let of = |urls: &Urls| {
        domains::host(&urls.railway).map_or_else(
            || "undefined".to_owned(),
            |host| format!("{{ {}: {{ port: {} }} }}", quoted(&host), service.port),
        )
    };
    let mut out = String::new();
    for (environment, urls) in [
        ("production", Some(&service.production)),
        ("staging", service.staging.as_ref()),
        ("development", Some(&service.development)),
    ] {
        if let Some(urls) = urls {
            let _ = write!(out, "{environment}\n          ? {}\n          : ", of(urls));
        }
    }
    out.push_str("undefined");
    out
}

fn members(members: &BTreeMap<String, String>, indent: usize) -> String {
    members
        .iter()
        .map(|(name, value)| format!("{:indent$}{name}: {value},\n", ""))
        .collect()
}
