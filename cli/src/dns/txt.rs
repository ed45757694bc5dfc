//! Texts as they are written: in quotes, in strings of at most 255 bytes (RFC 1035, section 3.3).

/// Most bytes of one string of a TXT record: its length is one byte on the wire.
pub(super) const STRING_MAX: usize = 255;
/// Most bytes of a text: sixteen full strings, the platform's limit of 4,096 bytes on the wire.
pub(super) const TEXT_MAX: usize = 16 * STRING_MAX;

/// A text in quotes, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let mut length = 0;
    out.push('"');
    for c in text.chars() {
        if length + c.len_utf8() > STRING_MAX {
            out.push_str("\" \"");
            length = 0;
        }
        length += c.len_utf8();
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// The text of a content that is in quotes, in one string or many, or that is not: the API gives both.
pub(super) fn plain(content: &str) -> String {
    let content = content.trim();
    if !content.starts_with('"') {
        return content.to_owned();
    }
    let mut bytes = Vec::with_capacity(content.len());
    let (mut inside, mut rest) = (false, content.bytes().peekable());
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => inside = !inside,
            b'\\' if inside => {
                let mut code: Option<u16> = None;
                let mut digits = 0;
                while digits < 3 {
                    let Some(digit) = rest.next_if(u8::is_ascii_digit) else {
                        break;
                    };
                    code = Some(code.unwrap_or(0) * 10 + u16::from(digit - b'0'));
                    digits += 1;
                }
                match code {
                    Some(code) => bytes.push(u8::try_from(code).unwrap_or(b'?')),
                    None => bytes.extend(rest.next()),
                }
            }
            byte if inside => bytes.push(byte),
            // Blanks between strings say nothing.
            _ => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a text can be written everywhere as it is: the API takes more, zone files and people's eyes do not.
pub(super) fn writable(text: &str) -> bool {
    text.len() <= TEXT_MAX && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
