//! A service's variables on the platform.

use std::collections::BTreeMap;

use syscall_sdk::registry::{Data, RegistryFile, ServiceRecord};

use super::service::called;

/// Where a service's volume is mounted.
pub(super) const DATA_DIR: &str = "/data";
/// What every service is trusted with: its own credential, and whose it believes.
pub(super) const SECRETS: [&str; 2] = ["SYSCALL_ROOT_KEYS", "SYSCALL_TOKEN"];

/// Variables that are made of the registry, whose values nobody else may choose.
const MADE: [&str; 9] = [
    "AMNESIA",
    "DATABASE_URL",
    "DATA_DIR",
    "ENVIRONMENT",
    "PORT",
    "RAILWAY_RUN_UID",
    "SERVICE",
    "SYSCALL_AUTH",
    "TRUST_EDGE",
];

/// Whether a variable is made of the registry.
pub(super) fn is_made(file: &RegistryFile, service: &ServiceRecord, name: &str) -> bool {
    MADE.contains(&name) || SECRETS.contains(&name) || peers(file, service).any(|(peer, _)| peer == name)
}

/// The variables of a service in every environment, as the file's language writes their values.
pub(super) fn everywhere(file: &RegistryFile, service: &ServiceRecord) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = [
        ("SERVICE".to_owned(), quoted(&service.name)),
        ("PORT".to_owned(), quoted(&service.port.to_string())),
        ("TRUST_EDGE".to_owned(), trusted(service)),
    ]
    .into();
    for (name, peer) in peers(file, service) {
        variables.insert(name, format!("at({})", quoted(&called(peer))));
    }
    for (name, value) in &service.variables {
        variables.insert(name.clone(), quoted(value));
    }
    variables
}

/// Those that it has beside them where it lasts.
pub(super) fn lasting(service: &ServiceRecord) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = match service.data {
        Data::Postgres => [("DATABASE_URL".to_owned(), "database.env.DATABASE_URL".to_owned())].into(),
        Data::Volume => [
            ("DATA_DIR".to_owned(), quoted(DATA_DIR)),
            // The platform's volumes belong to root, whoever the image runs as.
            ("RAILWAY_RUN_UID".to_owned(), quoted("0")),
        ]
        .into(),
    };
    for name in &service.secrets {
        variables.insert(name.clone(), "preserve()".to_owned());
    }
    variables
}

/// Text as TypeScript writes it.
pub(super) fn quoted(text: &str) -> String {
    // A JSON text is one of TypeScript's, and a string always has one.
    serde_json::Value::from(text).to_string()
}

/// Where each service that it calls listens: named, so that the platform knows who needs whom.
fn peers<'a>(
    file: &'a RegistryFile,
    service: &'a ServiceRecord,
) -> impl Iterator<Item = (String, &'a ServiceRecord)> + 'a {
    let peers = file.service.iter().filter(|peer| service.calls.contains(&peer.key));
    peers.map(|peer| {
        (
            format!("{}_INTERNAL_URL", peer.key.to_uppercase().replace('-', "_")),
            peer,
        )
    })
}

/// Whose word of a client's address is believed: in production that of the edge in front, elsewhere the platform's alone.
fn trusted(service: &ServiceRecord) -> String {
    if service.production.cloudflare.is_some() {
        format!("production ? {} : {}", quoted("cloudflare"), quoted("railway"))
    } else {
        quoted("railway")
    }
}
