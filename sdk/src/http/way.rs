//! Ways within one host: where a page may lead the browser that comes back to it, and how a way is written into a query.
//!
//! ```
//! use syscall_sdk::http::way;
//! let asked = Some("/jobs?status=failed");
//! let to = asked.and_then(|named| way::local(named, 600)).unwrap_or("/");
//! assert_eq!(format!("/login?return={}", way::in_query(to)), "/login?return=/jobs%3Fstatus%3Dfailed");
//! assert_eq!(way::local("//evil.example", 600), None);
//! ```

/// A text as a path of this host, with its query, where it is one that nothing could take for another host's; `None` where it is not, or where
/// it is longer than `max_bytes`.
///
/// Browsers read `//host` and `/\host` as another host, and pass over control characters while they do; so a way begins with one `/`, and is
/// of printable ASCII without `\`. Whether there is anything at the path is not looked at.
pub fn local(named: &str, max_bytes: usize) -> Option<&str> {
    let is_local = named.starts_with('/')
        && !named.starts_with("//")
        && !named.contains('\\')
        && named.len() <= max_bytes
        && named.bytes().all(|byte| byte.is_ascii_graphic());
    is_local.then_some(named)
}

/// A text as the value of a query's parameter: all but ASCII letters, digits and `-._~/` as `%` and two hexadecimal digits a byte.
pub fn in_query(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_BYTES: usize = 600;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for good in [
            "/",
            "/account",
            "/services/core?q=%2F%2Fevil&range=1h",
            "/oauth/authorize?client_id=console&state=a%2Fb",
            "/a//b",
            "/auth/login?to=/",
            &format!("/{}", "a".repeat(MAX_BYTES - 1)),
        ] {
            assert_eq!(local(good, MAX_BYTES), Some(good));
        }
        for bad in [
            "",
            "services",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nlocation: x",
            "/ä",
            &format!("/{}", "a".repeat(MAX_BYTES)),
        ] {
            assert_eq!(local(bad, MAX_BYTES), None, "{bad}");
        }
    }
}
