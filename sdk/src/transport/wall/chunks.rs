//! Where a body in chunks ends (RFC 9112, section 7.1).

use super::head::{FIELDS_MAX, is_value};

/// Digits of the longest chunk: 4 GiB, and no sum overflows.
const SIZE_MAX_DIGITS: u8 = 8;
/// Bytes of all extensions of a body. Nobody reads them; a signature in each chunk of a large body would fit.
const EXTENSIONS_MAX_BYTES: usize = 4 * 1024;
/// Bytes of all trailers of a body: what is left to say after it is short.
const TRAILERS_MAX_BYTES: usize = 8 * 1024;

/// How far a body in chunks has been followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunks {
    place: Place,
    extensions: usize,
    trailers: usize,
    fields: usize,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Size { digits: u8, size: u64 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailer { empty: bool },
    TrailerLf { empty: bool },
}

/// What was found in the bytes that were followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Followed {
    /// All of them belong to the body, which goes on.
    More,
    /// The body ends with the first so many.
    End(usize),
    /// After the first so many it is none any more, and why.
    Broken(usize, &'static str),
}

const START: Place = Place::Size { digits: 0, size: 0 };

impl Chunks {
    pub(super) fn new() -> Self {
        Chunks {
            place: START,
            extensions: 0,
            trailers: 0,
            fields: 0,
        }
    }

    pub(super) fn follow(&mut self, bytes: &[u8]) -> Followed {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if let Place::Data { left } = &mut self.place {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - at);
                *left -= here as u64;
                at += here;
                if *left == 0 {
                    self.place = Place::DataCr;
                }
                continue;
            }
            match self.step(*byte) {
                Ok(Some(next)) => self.place = next,
                Ok(None) => return Followed::End(at + 1),
                Err(why) => return Followed::Broken(at, why),
            }
            at += 1;
        }
        Followed::More
    }

    /// The place after a byte that is none of a chunk's data; none after the last.
    fn step(&mut self, byte: u8) -> Result<Option<Place>, &'static str> {
        Ok(Some(match (self.place, byte) {
            (Place::Size { digits, size }, byte) if byte.is_ascii_hexdigit() && digits < SIZE_MAX_DIGITS => {
                let digit = match byte {
                    b'0'..=b'9' => byte - b'0',
                    _ => (byte | 0x20) - b'a' + 10,
                };
                Place::Size {
                    digits: digits + 1,
                    size: size * 16 + u64::from(digit),
                }
            }
            (Place::Size { digits: 1.., size } | Place::Extension { size }, b'\r') => Place::SizeLf { size },
            (Place::Size { digits: 1.., size }, b';') => Place::Extension { size },
            (Place::Size { .. }, _) => {
                return Err("a chunk does not begin with its size in up to eight hexadecimal digits");
            }
            (Place::Extension { size }, byte) if is_value(byte) => {
                self.extensions += 1;
                if self.extensions > EXTENSIONS_MAX_BYTES {
                    return Err("the chunks have more than 4 KiB of extensions");
                }
                Place::Extension { size }
            }
            (Place::SizeLf { size: 0 }, b'\n') => Place::Trailer { empty: true },
            (Place::SizeLf { size }, b'\n') => Place::Data { left: size },
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => START,
            (Place::Trailer { empty }, b'\r') => Place::TrailerLf { empty },
            (Place::Trailer { .. }, byte) if is_value(byte) => {
                self.trailers += 1;
                if self.trailers > TRAILERS_MAX_BYTES {
                    return Err("the trailers have more than 8 KiB");
                }
                Place::Trailer { empty: false }
            }
            (Place::TrailerLf { empty: true }, b'\n') => return Ok(None),
            (Place::TrailerLf { empty: false }, b'\n') => {
                self.fields += 1;
                if self.fields > FIELDS_MAX {
                    return Err("there are more than 100 trailers");
                }
                Place::Trailer { empty: true }
            }
            (Place::DataCr | Place::DataLf, _) => return Err("a chunk is longer than its size"),
            _ => return Err("a line of a body in chunks does not end with CR and LF"),
        }))
    }
}
