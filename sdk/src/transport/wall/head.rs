//! Whether a whole head is one, and where its body ends: strict where RFC 9112 lets a server be lenient, since two that are lenient in
//! different ways read different requests out of the same bytes.

use super::Refusal;

/// Longest target: what Kestrel takes of a request line, and four times what any link here has.
pub(super) const TARGET_MAX_BYTES: usize = 8 * 1024;
/// Most fields of a head: what hyper, Kestrel and Apache take.
pub(super) const FIELDS_MAX: usize = 100;
/// Longest method; the longest that is registered with IANA has 17.
const METHOD_MAX_BYTES: usize = 24;
/// Longest host: a name of DNS has 253, and a port and its colon 6.
const HOST_MAX_BYTES: usize = 259;
/// Digits of the longest length that is read: more is more than anybody stores.
const LENGTH_MAX_DIGITS: usize = 15;

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

#[derive(Default)]
struct Fields<'a> {
    count: usize,
    host: Option<&'a [u8]>,
    length: Option<u64>,
    chunked: bool,
    authorization: bool,
    api_key: bool,
}

/// Checks a whole head, from the first byte of the method to the empty line.
pub(super) fn check(head: &[u8]) -> Result<Body, Refusal> {
    let mut lines = Lines(head);
    let first = lines.next().ok_or(Refusal::Malformed)??;
    let (method, target, old) = request_line(first)?;
    let mut fields = Fields::default();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        fields.take(line)?;
    }
    if fields.chunked && (old || fields.length.is_some()) {
        return Err(Refusal::Framing);
    }
    match fields.host {
        None if !old => return Err(Refusal::Host),
        host => check_target(method, target, host)?,
    }
    let bodiless = matches!(method, b"GET" | b"HEAD" | b"TRACE");
    if bodiless && (fields.chunked || fields.length.is_some_and(|length| length > 0)) {
        return Err(Refusal::Body);
    }
    Ok(if fields.chunked {
        Body::Chunked
    } else {
        Body::Length(fields.length.unwrap_or(0))
    })
}

/// The lines of a head, without their ends; a line feed or a carriage return by itself is an error.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.0.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
        let (line, rest) = self.0.split_at(end);
        match rest.strip_prefix(b"\r\n") {
            Some(rest) => {
                self.0 = rest;
                Some(Ok(line))
            }
            None => {
                self.0 = &[];
                Some(Err(Refusal::LineEnd))
            }
        }
    }
}

/// Method, target, and whether it is HTTP/1.0.
fn request_line(line: &[u8]) -> Result<(&[u8], &[u8], bool), Refusal> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::Malformed);
    };
    if method.is_empty() || method.len() > METHOD_MAX_BYTES || !method.iter().copied().all(is_token) {
        return Err(Refusal::Malformed);
    }
    if target.len() > TARGET_MAX_BYTES {
        return Err(Refusal::TargetTooLong);
    }
    if method == b"CONNECT" {
        return Err(Refusal::Connect);
    }
    match version {
        b"HTTP/1.1" => Ok((method, target, false)),
        b"HTTP/1.0" => Ok((method, target, true)),
        _ if version.starts_with(b"HTTP/") => Err(Refusal::Version),
        _ => Err(Refusal::Malformed),
    }
}

/// Origin form, absolute form where it names the same host, and `*` for OPTIONS (RFC 9112, section 3.2).
fn check_target(method: &[u8], target: &[u8], host: Option<&[u8]>) -> Result<(), Refusal> {
    if target == b"*" && method == b"OPTIONS" {
        return Ok(());
    }
    let path = if target.first() == Some(&b'/') {
        target
    } else {
        let (scheme, rest) = split_scheme(target).ok_or(Refusal::Target)?;
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?'))
            .unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let same = host.is_none_or(|host| bare(host, scheme).eq_ignore_ascii_case(bare(authority, scheme)));
        if !is_host(authority) || !same {
            return Err(Refusal::OtherHost);
        }
        path
    };
    let end = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
    let (path, query) = path.split_at(end);
    let visible = |byte: &u8| matches!(byte, b'!'..=b'~') && *byte != b'#';
    // Browsers send a lone percent sign in a query as it was typed; in a path it would be decoded by one and not by another.
    if !path.iter().all(visible) || !query.iter().all(visible) || !is_encoded(path) {
        return Err(Refusal::Target);
    }
    Ok(())
}

fn split_scheme(target: &[u8]) -> Option<(&'static [u8], &[u8])> {
    [b"http://".as_slice(), b"https://".as_slice()]
        .into_iter()
        .find(|scheme| {
            target
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
        .map(|scheme| (scheme, &target[scheme.len()..]))
}

/// An authority without the port that its scheme has anyway.
fn bare<'a>(authority: &'a [u8], scheme: &[u8]) -> &'a [u8] {
    let port: &[u8] = if scheme == b"https://" { b":443" } else { b":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

/// Whether each percent sign is followed by two hexadecimal digits, and none hides a NUL.
fn is_encoded(path: &[u8]) -> bool {
    let mut rest = path;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        match rest.get(at + 1..at + 3) {
            Some(b"00") => return false,
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => rest = &rest[at + 3..],
            _ => return false,
        }
    }
    true
}

impl<'a> Fields<'a> {
    fn take(&mut self, line: &'a [u8]) -> Result<(), Refusal> {
        self.count += 1;
        if self.count > FIELDS_MAX {
            return Err(Refusal::TooManyFields);
        }
        // A line that begins with a blank would go on with the one before it (obs-fold); its name is then no token.
        let colon = line.iter().position(|byte| !is_token(*byte)).unwrap_or(line.len());
        let (name, rest) = line.split_at(colon);
        let Some((b':', value)) = rest.split_first() else {
            return Err(Refusal::Malformed);
        };
        if name.is_empty() || !value.iter().all(|byte| is_value(*byte)) {
            return Err(Refusal::Malformed);
        }
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                let host = trim(value);
                if self.host.replace(host).is_some() || !is_host(host) {
                    return Err(Refusal::Host);
                }
            }
            9 if name.eq_ignore_ascii_case(b"x-api-key") => once(&mut self.api_key)?,
            13 if name.eq_ignore_ascii_case(b"authorization") => once(&mut self.authorization)?,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = length(trim(value)).ok_or(Refusal::Framing)?;
                if self.length.replace(length).is_some() {
                    return Err(Refusal::Framing);
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.chunked || !trim(value).eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::Framing);
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Who stands before us may have looked at the other of two.
fn once(seen: &mut bool) -> Result<(), Refusal> {
    match std::mem::replace(seen, true) {
        true => Err(Refusal::Credential),
        false => Ok(()),
    }
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn length(value: &[u8]) -> Option<u64> {
    if !(1..=LENGTH_MAX_DIGITS).contains(&value.len()) {
        return None;
    }
    value.iter().try_fold(0, |length: u64, byte| {
        byte.is_ascii_digit().then(|| length * 10 + u64::from(byte - b'0'))
    })
}

/// A name of DNS or an address, with a port perhaps. A user's name before it, as in a URL, is none of a host.
fn is_host(host: &[u8]) -> bool {
    if host.len() > HOST_MAX_BYTES {
        return false;
    }
    let (name, port) = if host.first() == Some(&b'[') {
        let Some(end) = host.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (name, port) = (&host[1..end], &host[end + 1..]);
        let six = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        if name.is_empty() || !name.iter().all(six) {
            return false;
        }
        (name, port)
    } else {
        let end = host.iter().position(|byte| *byte == b':').unwrap_or(host.len());
        let (name, port) = host.split_at(end);
        let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if !name.iter().all(letter) {
            return false;
        }
        (name, port)
    };
    let port_fits = match port {
        [] => true,
        [b':', digits @ ..] => (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    !name.is_empty() && port_fits
}

/// RFC 9110, section 5.6.2.
const fn is_token(byte: u8) -> bool {
    const TOKENS: &[bool; 256] = &with_letters(b"!#$%&'*+-.^_`|~");
    TOKENS[byte as usize]
}

/// RFC 9110, section 5.5: visible characters, blanks, and what is not ASCII.
pub(super) const fn is_value(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

const fn with_letters(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = (at as u8).is_ascii_alphanumeric();
        at += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}
