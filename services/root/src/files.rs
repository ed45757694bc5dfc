//! The files that a domain is asked for, and the registry.

use std::time::Duration;

use blackroad_os_contracts::root::{FleetRegistry, PublicUrls, RegisteredService};
use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use syscall_sdk::config::Environment;
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::service_url;
use syscall_sdk::registry::Urls;

/// How long `security.txt` counts from when it is asked for. RFC 9116 recommends less than a year.
const SECURITY_LASTS: Duration = Duration::from_hours(180 * 24);

/// The registry as others may know it: the platform's and the zones' own settings stay in the file.
pub(crate) fn registry(context: &Context) -> FleetRegistry {
    let registry = context.registry();
    let environment = context.kernel().settings.environment;
    let urls = |urls: &Urls| PublicUrls {
        cloudflare: urls.cloudflare.clone(),
        railway: urls.railway.clone(),
    };
    let services = registry
        .services()
        .map(|service| RegisteredService {
            key: service.key.clone(),
            name: service.name.clone(),
            role: service.role.clone(),
            port: service.port,
            url: service_url(context, &service.key),
            internal: service.internal(),
            production: urls(&service.production),
            development: urls(&service.development),
        })
        .collect();
    FleetRegistry {
        domain: registry.file().domain.clone(),
        environment: environment.to_string(),
        health_path: registry.file().health_path.clone(),
        services,
    }
}

/// Whom to tell of a vulnerability, by RFC 9116.
pub(crate) fn security(domain: &str, repository: &str, now: DateTime<Utc>) -> String {
    let expires = (now + SECURITY_LASTS)
        .trunc_subsecs(0)
        .to_rfc3339_opts(SecondsFormat::Secs, true);
    format!(
        "Contact: {repository}/security/advisories/new\n\
         Expires: {expires}\n\
         Preferred-Languages: en\n\
         Canonical: https://{domain}/.well-known/security.txt\n"
    )
}

/// What crawlers may read.
pub(crate) fn robots(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => "User-agent: *\nAllow: /\nDisallow: /v1/\nDisallow: /_pages/\n",
        Environment::Development | Environment::Staging | Environment::Test => "User-agent: *\nDisallow: /\n",
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_security_file_expires_within_a_year_and_has_what_its_standard_asks_for() {
        let now = DateTime::from_timestamp(1_790_000_000, 5_000_000).expect("a moment");
        let file = security("blackroad.systems", "https://example.com/repository", now);
        let field = |name: &str| -> &str {
            file.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .expect("the field is there once")
        };
        let expires: DateTime<Utc> = field("Expires").parse().expect("RFC 3339");
        assert!(expires > now && expires - now < TimeDelta::days(365));
        assert!(field("Contact").starts_with("https://"));
        assert_eq!(field("Canonical"), "https://blackroad.systems/.well-known/security.txt");
        assert_eq!(field("Preferred-Languages"), "en");
    }
}
