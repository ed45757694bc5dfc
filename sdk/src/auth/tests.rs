mod attacks;
mod costs;
mod id_tokens;
mod persons;
mod rights;
mod speaking;
mod tokens;

use std::time::Duration;

use chrono::DateTime;

use super::{Credential, Grant, Holder, Narrowing, Rights, RootKeys, SigningKey, Verifier, seconds, sign_first};
use crate::clock::Clock;

/// A fleet's keys, a clock that stands, and who holds what.
struct Fleet {
    root: SigningKey,
    clock: Clock,
}

impl Fleet {
    fn new() -> Self {
        Fleet {
            root: SigningKey::generate().unwrap(),
            clock: Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap()),
        }
    }

    fn now(&self) -> u64 {
        seconds(&self.clock)
    }

    fn verifier(&self, service: &str) -> Verifier {
        let roots = RootKeys::new([self.root.public()]).unwrap();
        Verifier::new(service, roots, self.clock.clone())
    }

    /// What a service of these rights holds.
    fn holder(&self, subject: &str, audience: &[&str], rights: &[&str]) -> Holder {
        let key = SigningKey::generate().unwrap();
        let grant = Grant {
            holder: Some(key.public()),
            ..grant(subject, audience, rights)
        };
        let token = sign_first(&self.root, &grant, self.now()).unwrap();
        Holder::new(token, key).unwrap()
    }

    /// A token that is shown as it is.
    fn bearer(&self, audience: &[&str], rights: &[&str]) -> String {
        sign_first(&self.root, &grant("program", audience, rights), self.now()).unwrap()
    }

    fn child(&self, holder: &Holder, audience: &[&str], rights: &[&str]) -> String {
        holder.narrow(&narrowing(audience, rights), self.now()).unwrap()
    }
}

fn grant(subject: &str, audience: &[&str], rights: &[&str]) -> Grant {
    Grant {
        subject: subject.to_owned(),
        audience: audience.iter().map(|service| (*service).to_owned()).collect(),
        rights: Rights::parse(rights).unwrap(),
        life: Duration::from_secs(24 * 3_600),
        holder: None,
    }
}

fn narrowing(audience: &[&str], rights: &[&str]) -> Narrowing {
    Narrowing {
        audience: audience.iter().map(|service| (*service).to_owned()).collect(),
        rights: Rights::parse(rights).unwrap(),
        life: Duration::from_secs(300),
        holder: None,
    }
}

/// The code that a token is refused with.
fn code(verifier: &Verifier, token: &str) -> String {
    match verifier.verify(token) {
        Ok(principal) => format!("let in as {}", principal.subject),
        Err(error) => error.code().to_owned(),
    }
}

#[test]
fn what_is_held_prints_no_key_and_reads_back() {
    let fleet = Fleet::new();
    let holder = fleet.holder("service:api", &["core"], &["rpc core *"]);
    let text = holder.to_text();
    let seed = text.reveal().rsplit('.').next().unwrap();
    assert!(!format!("{holder:?} {text:?}").contains(seed));
    let Credential::Holder(read) = Credential::parse(&text).unwrap() else {
        panic!("four parts are a token and its key")
    };
    assert_eq!(read.subject(), "service:api");
    let jwk = fleet.root.to_jwk();
    assert_eq!(SigningKey::of_jwk(jwk.reveal()).unwrap().public(), fleet.root.public());
    assert!(!format!("{:?} {jwk:?}", fleet.root).contains(&*fleet.root.seed()));
}
