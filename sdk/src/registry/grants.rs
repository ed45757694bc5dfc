//! What the token of a service says: where it is good and what it allows there, as the registry has it.

use std::collections::BTreeSet;

use super::{Registry, ServiceRecord};
use crate::auth::{
    Grant, Holder, Need, Right, Rights, SERVICE_LIFE_MAX, SERVICE_SUBJECT, SigningKey, Word, sign_first,
};
use crate::contract::{delivery, mesh, person};
use crate::error::{Error, Result};

/// In `rights`: at every service that it calls, and at itself.
const EVERYWHERE: &str = "*";
/// What a service may do where the registry says nothing of it: call methods, and take events.
const UNSAID: [&str; 2] = ["rpc * *", "event read *"];

impl Registry {
    /// Where the token of a service is good, and what it allows there: what `rights` says of each service that it calls and of itself;
    /// of the roster's keeper what every service needs; and the delivery of its events to who may read them.
    ///
    /// # Errors
    /// `UNKNOWN_SERVICE`. What is no right was refused when the file was read.
    pub fn grants(&self, service: &str) -> Result<(Vec<String>, Rights)> {
        let own = self.get(service)?;
        let mut rights = Vec::new();
        let callees: BTreeSet<&str> = own.calls.iter().chain([&own.key]).map(String::as_str).collect();
        for callee in &callees {
            rights.extend(rights_at(own, callee)?);
        }
        let mut audience = callees.clone();
        for other in self.services().filter(|other| other.key != own.key) {
            if hears(other, &own.key)? {
                audience.insert(other.key.as_str());
                rights.push(Right::rpc(&other.key, delivery::DELIVER));
                rights.push(Right::rpc(&other.key, delivery::RENEW));
            }
        }
        let rights = shorter(rights, &audience);
        Ok((audience.into_iter().map(str::to_owned).collect(), Rights::new(rights)))
    }
}

impl Registry {
    /// The services that may take events of this one, by key.
    pub fn listeners(&self, service: &str) -> impl Iterator<Item = &str> {
        let others = self.services().filter(move |other| other.key != service);
        // What is no right was refused when the file was read.
        let listeners = others.filter(move |other| hears(other, service).unwrap_or_default());
        listeners.map(|other| other.key.as_str())
    }

    /// The token of a service, with a key of its own: it says what [`grants`](Self::grants) says and lives as long as a service's may.
    ///
    /// # Errors
    /// `UNKNOWN_SERVICE`, or where it would not fit.
    pub fn mint(&self, service: &str, root: &SigningKey, now: u64) -> Result<Holder> {
        let (audience, rights) = self.grants(service)?;
        let key = SigningKey::generate()?;
        let grant = Grant {
            subject: format!("{SERVICE_SUBJECT}{}", self.get(service)?.key),
            audience,
            rights,
            life: SERVICE_LIFE_MAX,
            holder: Some(key.public()),
        };
        Holder::new(sign_first(root, &grant, now)?, key)
    }
}

/// What a service may do at another, or at itself.
pub(super) fn rights_at(service: &ServiceRecord, callee: &str) -> Result<Vec<Right>> {
    let said = service.rights.get(callee).or_else(|| service.rights.get(EVERYWHERE));
    let texts: Vec<&str> = match said {
        Some(said) => said.iter().map(String::as_str).collect(),
        None => UNSAID.to_vec(),
    };
    let mut rights = Vec::new();
    for text in texts {
        let right: Right = text.parse()?;
        if right.at.as_deref().is_some_and(|at| at != callee) {
            return Err(Error::invalid(format!(
                "`{text}` is a right at another service than {callee:?}"
            )));
        }
        if right.word == Word::Admin {
            return Err(Error::invalid("no service has the right `admin`; it is the owner's"));
        }
        rights.push(right.at(callee));
    }
    if reads_events(&rights) {
        rights.push(Right::rpc(callee, delivery::SUBSCRIBE));
    }
    // Its pages ask whether who is signed in still is.
    if callee == person::PROVIDER && service.key != person::PROVIDER {
        rights.push(Right::rpc(callee, person::CHECK_SESSION.name));
    }
    if callee == mesh::KEEPER {
        for method in [
            mesh::ANNOUNCE.name,
            mesh::SIGN_OFF.name,
            mesh::LIST.name,
            mesh::WATCH.name,
        ] {
            rights.push(Right::rpc(callee, method));
        }
        rights.push(Right::all(Word::RevocationRead).at(callee));
    }
    Ok(rights)
}

/// Whether a service may take events of another.
fn hears(service: &ServiceRecord, source: &str) -> Result<bool> {
    Ok(service.calls.iter().any(|called| called == source) && reads_events(&rights_at(service, source)?))
}

fn reads_events(rights: &[Right]) -> bool {
    rights.iter().any(|right| right.word == Word::EventRead)
}

/// The same rights in fewer words: what may be done everywhere needs no service, and what another covers need not be said.
fn shorter(rights: Vec<Right>, audience: &BTreeSet<&str>) -> Vec<Right> {
    let all = Rights::new(rights.clone());
    let everywhere = |right: &Right| {
        audience.iter().all(|at| {
            let need = Need {
                at: Some(*at),
                ..right.need()
            };
            all.allow(&need, at)
        })
    };
    let mut short: Vec<Right> = Vec::new();
    let widened = rights.into_iter().map(|right| Right {
        at: right.at.clone().filter(|_| !everywhere(&right)),
        ..right
    });
    for right in widened {
        if !short.iter().any(|said| said.covers(&right)) {
            short.retain(|said| !right.covers(said));
            short.push(right);
        }
    }
    short.sort();
    short
}
