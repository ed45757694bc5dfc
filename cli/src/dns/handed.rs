//! What others hand out and the registry cannot know: ownership texts, keys, targets.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::record::host;
use super::txt;

/// Largest file of handed values: some hundred keys of 4,096 bits.
const FILE_MAX_BYTES: u64 = 256 * 1024;

/// Values by name, and what the platform says of its custom domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Handed {
    /// Texts by the full name at which they belong.
    pub(super) texts: BTreeMap<String, String>,
    /// The platform's word on a custom domain, by the domain.
    pub(super) domains: BTreeMap<String, Domain>,
    /// What should be told of how this was read.
    pub(super) notes: Vec<String>,
    /// Whether the platform was asked and answered.
    pub(super) asked: bool,
}

/// The platform's word on one custom domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Domain {
    /// Where the proof belongs, as the platform writes it: below the zone, or in full.
    pub(super) host: String,
    /// The proof; empty where the platform asks for none.
    pub(super) token: String,
    /// Where the domain's CNAME must lead.
    pub(super) target: Option<String>,
}

impl Handed {
    /// Reads a file of lines, each a name, a blank and a value.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let cannot = || format!("{} cannot be read", path.display());
        let mut text = String::new();
        let file = File::open(path).with_context(cannot)?;
        let read = file
            .take(FILE_MAX_BYTES + 1)
            .read_to_string(&mut text)
            .with_context(cannot)?;
        if read as u64 > FILE_MAX_BYTES {
            bail!(
                "{} is longer than {FILE_MAX_BYTES} bytes; it is a line a value",
                path.display()
            );
        }
        Self::parse(&text).with_context(|| format!("{} cannot be used", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut texts = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let (line, at) = (line.trim(), at + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, value)) = line.split_once(char::is_whitespace) else {
                bail!("line {at} is no name, blank and value");
            };
            let (name, value) = (host(name), txt::plain(value));
            if !name.contains('.') {
                bail!("line {at}: {name:?} is no full name; write it with its zone, such as {name}.example.com");
            }
            if value.is_empty() || !txt::writable(&value) {
                bail!(
                    "line {at}: the value of {name} is empty, longer than {} bytes or not plain ASCII",
                    txt::TEXT_MAX
                );
            }
            if texts.insert(name.clone(), value).is_some() {
                bail!("line {at}: {name} has a value already");
            }
        }
        Ok(Handed {
            texts,
            ..Handed::default()
        })
    }
}
