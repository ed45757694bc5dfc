//! Tokens, made by the SDK's own code as the gateway and pages make them, and by holders of a key who follow no rule of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value};
use syscall_sdk::auth::{
    Credential, Grant, Holder, Minter, Narrowing, Principal, Purpose, Rights, SigningKey, seconds, sign_first,
};
use syscall_sdk::clock::Clock;
use syscall_sdk::registry::Registry;

/// What makes tokens.
pub(super) struct Mint {
    pub(super) root: SigningKey,
    pub(super) now: u64,
}

/// The right that the call takes.
pub(super) const CALL: &str = "rpc web whoAmI";

impl Mint {
    pub(super) fn of(root: SigningKey) -> Self {
        let now = seconds(&Clock::system());
        Mint { root, now }
    }

    /// What the minter of a service signs to call in a person's name, with the very rights that the registry gives it.
    pub(super) fn spoken(&self, service: &str, person: &str) -> Result<String> {
        let person = Principal::of_person(person, Rights::parse(&[CALL])?, self.now, self.now + 60);
        shown(self.minter(service)?.speak("web", Purpose::Method("whoAmI"), &person)?)
    }

    /// What it signs to call in its own.
    pub(super) fn own(&self, service: &str) -> Result<String> {
        shown(self.minter(service)?.header("web", Purpose::Method("whoAmI"))?)
    }

    fn minter(&self, service: &str) -> Result<Minter> {
        let holder = Registry::builtin().mint(service, &self.root, self.now)?;
        Ok(Minter::new(Credential::Holder(Box::new(holder)), Clock::system())?)
    }

    /// A chain of so many links.
    pub(super) fn deep(&self, links: usize) -> Result<String> {
        let mut holder = self.holder("shop", &["web"], &[CALL])?;
        for _ in 2..links {
            let key = SigningKey::generate()?;
            let token = holder.narrow(&narrowing(&[CALL], Some(&key))?, self.now)?;
            holder = Holder::new(token, key)?;
        }
        Ok(holder.narrow(&narrowing(&[CALL], None)?, self.now)?)
    }

    pub(super) fn holder(&self, subject: &str, audience: &[&str], rights: &[&str]) -> Result<Holder> {
        let key = SigningKey::generate()?;
        Ok(Holder::new(
            self.first(subject, audience, rights, Some(&key), self.now)?,
            key,
        )?)
    }

    pub(super) fn first(
        &self,
        subject: &str,
        audience: &[&str],
        rights: &[&str],
        holder: Option<&SigningKey>,
        at: u64,
    ) -> Result<String> {
        let grant = Grant {
            subject: subject.to_owned(),
            audience: audience.iter().map(|service| (*service).to_owned()).collect(),
            rights: Rights::parse(rights)?,
            life: Duration::from_secs(600),
            holder: holder.map(SigningKey::public),
        };
        Ok(sign_first(&self.root, &grant, at)?)
    }
}

pub(super) fn narrowing(rights: &[&str], holder: Option<&SigningKey>) -> Result<Narrowing> {
    Ok(Narrowing {
        audience: vec!["web".to_owned()],
        rights: Rights::parse(rights)?,
        life: Duration::from_secs(300),
        holder: holder.map(SigningKey::public),
    })
}

fn shown(header: Option<HeaderValue>) -> Result<String> {
    let header = header.context("the service holds a token that is good there")?;
    Ok(header.to_str()?.trim_start_matches("Bearer ").to_owned())
}

/// The private half of what is held.
pub(super) fn seed(holder: &Holder) -> String {
    let text = holder.to_text();
    text.reveal().rsplit('.').next().unwrap_or_default().to_owned()
}

/// A token with other words in its header and its claims, signed by who has a key and follows no rule.
pub(super) fn forged(seed: &str, token: &str, header: &Value, claims: &[Value]) -> Result<String> {
    // PKCS #8 of an Ed25519 key (RFC 8410) is its seed behind these bytes.
    const HEAD: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    let mut parts = token.split('.');
    let mut with = |changes: &[Value]| -> Result<String> {
        let part = URL_SAFE_NO_PAD.decode(parts.next().context("a token has three parts")?)?;
        let mut part: Map<String, Value> = serde_json::from_slice(&part)?;
        part.extend(changes.iter().filter_map(Value::as_object).flat_map(Map::clone));
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&part)?))
    };
    let said = format!("{}.{}", with(std::slice::from_ref(header))?, with(claims)?);
    let key = EncodingKey::from_ed_der(&[HEAD, &URL_SAFE_NO_PAD.decode(seed)?].concat());
    let signature = jsonwebtoken::crypto::sign(said.as_bytes(), &key, Algorithm::EdDSA)?;
    Ok(format!("{said}.{signature}"))
}
