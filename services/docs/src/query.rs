//! A query string read with all leniency: whatever a reader types is a search.

/// The value of a parameter: the first of that name, decoded; empty where there is none.
pub(crate) fn value(query: Option<&str>, name: &str) -> String {
    let pairs = query.unwrap_or_default().split('&');
    let mut found = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| decode(&value.replace('+', " ")))
    });
    found.next().unwrap_or_default()
}

/// Undoes percent-encoding; what is none stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match (bytes[at], pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_whatever_it_is() {
        for (query, expected) in [
            ("q=a+b%20c", "a b c"),
            ("x=1&q=%C3%A9=", "é="),
            ("q", ""),
            ("q=%", "%"),
            ("q=%ff%zz%2", "\u{fffd}%zz%2"),
            ("", ""),
        ] {
            assert_eq!(value(Some(query), "q"), expected, "{query}");
        }
    }
}
