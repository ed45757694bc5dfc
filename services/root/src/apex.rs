//! From `www` to the apex.

use axum::http::Uri;
use syscall_sdk::config::Environment;
use syscall_sdk::context::Context;
use syscall_sdk::registry::host_name;

/// Where a request belongs that came to the `www` of one of the fleet's own zones; `None` where it is right here.
pub(crate) fn moved(context: &Context, uri: &Uri) -> Option<String> {
    let zones: Vec<&str> = context
        .registry()
        .file()
        .zone
        .iter()
        .map(|zone| zone.name.as_str())
        .collect();
    let local = context.kernel().settings.environment == Environment::Development;
    let base = apex_of(context.request().host.as_deref()?, &zones, local)?;
    let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
    Some(format!("{base}{rest}"))
}

/// The apex that a `www` host belongs to. Only our own names: whoever sends another in `Host` is redirected nowhere.
fn apex_of(host: &str, zones: &[&str], local: bool) -> Option<String> {
    let host = host.to_ascii_lowercase();
    let name = host_name(&host).strip_prefix("www.")?;
    if local && name == "localhost" {
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        return Some(port.map_or_else(
            || "http://localhost".to_owned(),
            |port| format!("http://localhost:{port}"),
        ));
    }
    zones.contains(&name).then(|| format!("https://{name}"))
}

#[cfg(test)]
mod tests {
    use super::apex_of;

    #[test]
    fn only_the_www_of_our_own_zones_is_moved() {
        let zones = ["blackroad.systems", "blackroad.io"];
        let to = |host| apex_of(host, &zones, true);
        assert_eq!(
            to("www.blackroad.systems").as_deref(),
            Some("https://blackroad.systems")
        );
        assert_eq!(to("WWW.blackroad.io:443").as_deref(), Some("https://blackroad.io"));
        assert_eq!(to("www.localhost:8000").as_deref(), Some("http://localhost:8000"));
        assert_eq!(to("www.localhost").as_deref(), Some("http://localhost"));
        for host in [
            "blackroad.systems",
            "www.evil.example",
            "www.blackroad.systems.evil.example",
            "www.",
            "",
            "[::1]:80",
            "www.localhost.evil.example",
        ] {
            assert_eq!(to(host), None, "{host}");
        }
        assert_eq!(apex_of("www.localhost:8000", &zones, false), None);
    }
}
