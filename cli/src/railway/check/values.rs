//! Variables whose values would not be what was meant.

use syscall_sdk::registry::{RegistryFile, ServiceRecord};

use super::super::service::called;
use super::super::variables::{SECRETS, is_made};
use super::Finding;

/// The host of a service on the private network, as a reference.
const PRIVATE_HOST: &str = "RAILWAY_PRIVATE_DOMAIN";

/// Every variable of the registry that would not do.
pub(super) fn variables(file: &RegistryFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in &file.service {
        for name in service.secrets.iter().chain(service.variables.keys()) {
            if is_made(file, service, name) {
                findings.push(Finding::new(
                    at(service, name),
                    "is made of the rest of the registry, which would say another thing than this",
                    "take it out here, and change what it is made of",
                ));
            }
        }
        for (name, value) in &service.variables {
            for reference in references(value) {
                if let Some((what, instead)) = fault(file, &reference) {
                    findings.push(Finding::new(at(service, name), what, instead));
                }
            }
        }
    }
    findings
}

fn at(service: &ServiceRecord, variable: &str) -> String {
    format!("registry.toml, service {:?}, {variable}", service.key)
}

/// `${{SERVICE.NAME}}` or `${{NAME}}`, with what stands behind it.
#[derive(Debug)]
struct Reference<'a> {
    whole: &'a str,
    service: Option<&'a str>,
    name: &'a str,
    behind: &'a str,
}

fn references(value: &str) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find("${{") {
        let Some(length) = rest[start..].find("}}") else { break };
        let end = start + length + 2;
        let inner = rest[start + 3..end - 2].trim();
        let (service, name) = match inner.split_once('.') {
            Some((service, name)) => (Some(service.trim()), name.trim()),
            None => (None, inner),
        };
        found.push(Reference {
            whole: &rest[start..end],
            service,
            name,
            behind: &rest[end..],
        });
        rest = &rest[end..];
    }
    found
}

/// What is wrong with a reference, and what to do.
fn fault(file: &RegistryFile, reference: &Reference<'_>) -> Option<(String, String)> {
    let Reference {
        whole,
        service,
        name,
        behind,
    } = *reference;
    if name == PRIVATE_HOST && !behind.starts_with(':') {
        let instead = match service {
            Some(service) => format!("write {whole}:${{{{{service}.PORT}}}}"),
            None => format!("write {whole}:${{{{PORT}}}}"),
        };
        let what =
            format!("{whole} has no port behind it, and nothing listens on the scheme's own on the private network");
        return Some((what, instead));
    }
    if service == Some("shared") {
        return Some((
            format!("{whole} is not rendered: the platform's tools delete shared variables that no file names"),
            "write the value here, or name it among `secrets`".to_owned(),
        ));
    }
    let of = match service {
        None => return None,
        Some("postgres") => return None,
        Some(of) => file.service.iter().find(|service| called(service) == of),
    };
    let Some(of) = of else {
        let names: Vec<String> = file.service.iter().map(called).collect();
        return Some((
            format!("{whole} names no service of the project, and the platform leaves it empty without a word"),
            format!("name one of {}, or postgres", names.join(", ")),
        ));
    };
    let sealed = SECRETS.contains(&name) || of.secrets.iter().any(|secret| secret == name);
    sealed.then(|| {
        (
            format!("{whole} is a sealed variable, which a pull request's environment does not have: it would be empty there"),
            "name it among this service's `secrets`, which those environments do without".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use syscall_sdk::registry::{BUILTIN, Registry};

    fn said(variables: &str) -> Vec<String> {
        let text = BUILTIN.replacen(
            "key = \"docs\"",
            &format!("key = \"docs\"\nvariables = {{ {variables} }}"),
            1,
        );
        let registry = Registry::parse(&text).expect("it is well formed");
        variables_of(&registry)
    }

    fn variables_of(registry: &Registry) -> Vec<String> {
        variables(registry.file())
            .into_iter()
            .map(|found| format!("{}: {} → {}", found.at, found.what, found.instead))
            .collect()
    }

    #[test]
    fn the_registry_that_ships_has_no_such_variable() {
        assert_eq!(variables_of(&Registry::builtin()), Vec::<String>::new());
    }

    #[test]
    fn a_value_that_would_be_empty_or_refused_is_told_with_what_to_write() {
        for (variables, parts) in [
            (
                "PEER = \"http://${{ blackroad-os-core-production.RAILWAY_PRIVATE_DOMAIN }}/\"",
                ["has no port behind it", "${{blackroad-os-core-production.PORT}}"],
            ),
            (
                "PEER = \"${{core.PORT}}\"",
                ["names no service of the project", "blackroad-os-core-production"],
            ),
            (
                "KEY = \"${{blackroad-os-operator-production.RAILWAY_TOKEN}}\"",
                ["sealed variable", "`secrets`"],
            ),
            (
                "KEY = \"${{blackroad-os-operator-production.SYSCALL_TOKEN}}\"",
                ["sealed variable", "`secrets`"],
            ),
            ("KEY = \"${{shared.KEY}}\"", ["is not rendered", "`secrets`"]),
            ("PORT = \"80\"", ["PORT: is made of the rest", "take it out"]),
            (
                "OPERATOR_INTERNAL_URL = \"http://x:1\"",
                ["is made of the rest", "take it out"],
            ),
        ] {
            let said = said(variables);
            let [told] = &said[..] else {
                panic!("{variables}: {said:?}")
            };
            assert!(told.contains("service \"docs\""), "{told}");
            for part in parts {
                assert!(told.contains(part), "{variables}: {told}");
            }
        }
    }

    #[test]
    fn what_will_do_is_left_alone() {
        let fine = "PEER = \"http://${{blackroad-os-core-production.RAILWAY_PRIVATE_DOMAIN}}:${{blackroad-os-core-production.PORT}}\", \
             HERE = \"${{RAILWAY_PUBLIC_DOMAIN}}\", DB = \"${{postgres.PGHOST}}\", ODD = \"${{\", LOG_LEVEL = \"debug\"";
        assert_eq!(said(fine), Vec::<String>::new());
    }
}
