//! The headers of pages.

use http::HeaderValue;
use http::header::{HeaderMap, HeaderName};

use crate::config::Environment;
use crate::context::Kernel;
use crate::contract::person::PROVIDER;

/// A year, as browsers' preload lists ask; each host for itself, since not every host below it need be the fleet's.
const HSTS: &str = "max-age=31536000";

/// What every answer says: it is what its type says and no script in disguise, and outside of development the host is reached by TLS alone
/// from now on (RFC 6797; a browser believes it over TLS alone).
pub(super) fn dress(headers: &mut HeaderMap, environment: Environment) {
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if environment != Environment::Development {
        headers.insert("strict-transport-security", HeaderValue::from_static(HSTS));
    }
}

pub(super) fn dress_page(headers: &mut HeaderMap, policy: &HeaderValue) {
    headers
        .entry("content-security-policy")
        .or_insert_with(|| policy.clone());
    for (name, value) in [
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    }
}

/// Pages load nothing from elsewhere and run no script of their own text; only the fleet's own pages frame one another, since the
/// shell opens them in windows.
pub(super) fn page_policy(kernel: &Kernel, signs_in: bool) -> HeaderValue {
    let environment = kernel.settings.environment;
    let mut fleet = "'self'".to_owned();
    if environment == Environment::Development {
        fleet.push_str(" http://localhost:* http://*.localhost:*");
    }
    for service in kernel.registry.services() {
        fleet.push(' ');
        fleet.push_str(
            &kernel
                .registry
                .public_url(&service.key, environment)
                .unwrap_or_default(),
        );
    }
    // Signing out leads to the identity provider and back, and browsers hold a form to its page's policy all the way.
    let mut forms = "'self'".to_owned();
    if signs_in {
        let provider = kernel.registry.public_url(PROVIDER, environment).unwrap_or_default();
        forms.push(' ');
        forms.push_str(provider.trim_end_matches('/'));
        if environment == Environment::Development {
            forms.push_str(&format!(" http://{PROVIDER}.localhost:*"));
        }
    }
    let policy = format!(
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src {fleet}; \
         frame-ancestors {fleet}; base-uri 'none'; form-action {forms}; object-src 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}
