//! Signs what each call shows: a token for one callee, for a few minutes, with the rights of that call alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use http::HeaderValue;

use super::credential::{Credential, Holder, Narrowing};
use super::principal::Principal;
use super::right::{Need, Pattern, Right, What};
use super::rights::Rights;
use super::verifier::seconds;
use super::word::Word;
use crate::clock::Clock;
use crate::contract::delivery;
use crate::error::{Error, Kind, Result};

/// How long a token for a call lives: long enough to be signed once for thousands of calls, short enough that one which is stolen on its
/// way is soon worth nothing.
pub const CALL_LIFE: Duration = Duration::from_secs(5 * 60);
/// How long before its end another is signed: longer than the longest call with a clock half a minute off.
const RENEW_BEFORE: Duration = Duration::from_secs(90);
/// Most tokens kept for one callee: a service has tens of methods; names beyond are made up.
const KEPT_MAX: usize = 512;

/// How long a token lives that names whom a call is made for: the call's own time and clocks half a minute apart.
pub const SPOKEN_LIFE: Duration = Duration::from_secs(60);
/// How long before its end another of these is signed: more than the longest call.
const SPOKEN_RENEW_BEFORE: Duration = Duration::from_secs(35);
/// Most of them kept: a thousand people at four methods each within half a minute. They are small, and signing another takes 20 µs.
const SPOKEN_MAX: usize = 4_096;

/// What a request is for, as far as rights go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose<'a> {
    /// What is public: nothing is shown.
    Nothing,
    /// What asks who calls and for no right.
    Oneself,
    /// A call of this method.
    Method(&'a str),
    /// A syscall that asks for this; for which names stands in the request.
    Of(Word),
    /// A route of the service's own: all that may be done there.
    Anything,
    /// A route that asks other services with the caller's credential: all that is held, wherever it is good.
    Relayed,
}

/// Signs tokens for calls, and keeps them while they are fresh. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Minter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    held: RwLock<Arc<Held>>,
}

/// What is held, with what was signed by it.
#[derive(Debug)]
struct Held {
    /// `None` where nothing is held yet.
    credential: Option<Credential>,
    /// The header of a bearer token, which never changes.
    bearer: Option<HeaderValue>,
    fresh: RwLock<HashMap<String, Callee>>,
    /// For calls of one method in another's name: callee, method, subject.
    spoken: Mutex<HashMap<(String, String, String), Fresh>>,
}

/// What is fresh for one callee.
#[derive(Debug, Default)]
struct Callee {
    methods: HashMap<String, Fresh>,
    words: HashMap<Word, Fresh>,
    oneself: Option<Fresh>,
    anything: Option<Fresh>,
    relayed: Option<Fresh>,
}

#[derive(Clone, Debug)]
struct Fresh {
    header: HeaderValue,
    renew_at: u64,
}

impl Minter {
    /// A minter of what is held, or of nothing yet: then nothing is shown.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where a bearer token cannot stand in a header.
    pub fn new(credential: impl Into<Option<Credential>>, clock: Clock) -> Result<Self> {
        let held = RwLock::new(Arc::new(Held::new(credential.into())?));
        Ok(Minter(Arc::new(Inner { clock, held })))
    }

    /// Holds another credential from now on, or none; what was signed by the one before is shown no more. The same one changes nothing.
    ///
    /// # Errors
    /// As [`Minter::new`]; then the one before is held on.
    pub fn hold(&self, credential: impl Into<Option<Credential>>) -> Result<()> {
        let credential = credential.into();
        let mut held = self.0.held.write().unwrap_or_else(PoisonError::into_inner);
        let text = |credential: &Option<Credential>| credential.as_ref().map(Credential::to_text);
        if text(&held.credential) != text(&credential) {
            *held = Arc::new(Held::new(credential)?);
        }
        Ok(())
    }

    /// The `Authorization` of a request to a service; `None` where what is held is not good there, so that what is public can still be
    /// asked for.
    ///
    /// # Errors
    /// Where a token cannot be signed, such as after the end of what is held.
    pub fn header(&self, callee: &str, purpose: Purpose<'_>) -> Result<Option<HeaderValue>> {
        if purpose == Purpose::Nothing {
            return Ok(None);
        }
        let held = self.held();
        let holder = match &held.credential {
            None => return Ok(None),
            Some(Credential::Bearer(_)) => return Ok(held.bearer.clone()),
            Some(Credential::Holder(holder)) => holder,
        };
        if !holder.is_for(callee) {
            return Ok(None);
        }
        let now = seconds(&self.0.clock);
        {
            let fresh = held.fresh.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = fresh.get(callee).and_then(|callee| callee.get(purpose))
                && known.renew_at > now
            {
                return Ok(Some(known.header.clone()));
            }
        }
        let narrowing = Narrowing {
            audience: match purpose {
                Purpose::Relayed => holder.audience().to_vec(),
                _ => vec![callee.to_owned()],
            },
            rights: for_purpose(holder, callee, purpose),
            life: CALL_LIFE,
            holder: None,
        };
        let header = signed(holder, &narrowing, now)?;
        let until = now.saturating_add(CALL_LIFE.as_secs()).min(holder.expires_at());
        let fresh = Fresh {
            header: header.clone(),
            renew_at: until.saturating_sub(RENEW_BEFORE.as_secs()),
        };
        let mut all = held.fresh.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(callee.to_owned()).or_default().put(purpose, fresh);
        Ok(Some(header))
    }
}

impl Held {
    fn new(credential: Option<Credential>) -> Result<Self> {
        let bearer = match &credential {
            Some(Credential::Bearer(token)) => Some(header(token.reveal())?),
            _ => None,
        };
        Ok(Held {
            credential,
            bearer,
            fresh: RwLock::default(),
            spoken: Mutex::default(),
        })
    }

    fn spoken(&self) -> MutexGuard<'_, HashMap<(String, String, String), Fresh>> {
        // Nothing that can panic runs under this lock.
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Minter {
    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.0.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The `Authorization` of a request in the name of someone who has no token of the fleet's own: good at one service, for what both
    /// they and this service may do of what the request is for, for a minute.
    ///
    /// # Errors
    /// `FORBIDDEN` where that is nothing; `INTERNAL` where this service cannot speak for others.
    pub fn speak(&self, callee: &str, purpose: Purpose<'_>, whom: &Principal) -> Result<Option<HeaderValue>> {
        if purpose == Purpose::Nothing {
            return Ok(None);
        }
        let held = self.held();
        let Some(Credential::Holder(holder)) = &held.credential else {
            return Err(Error::internal(
                "what this service holds names no key, so it cannot speak for others; mint it a SYSCALL_TOKEN",
            ));
        };
        let rights = spoken(holder, callee, purpose, whom)?;
        let now = seconds(&self.0.clock);
        let kept = match purpose {
            Purpose::Method(method) => Some((callee.to_owned(), method.to_owned(), whom.subject.clone())),
            _ => None,
        };
        if let Some(kept) = &kept
            && let Some(known) = held.spoken().get(kept)
            && known.renew_at > now
        {
            return Ok(Some(known.header.clone()));
        }
        let narrowing = Narrowing {
            audience: vec![callee.to_owned()],
            rights,
            life: SPOKEN_LIFE,
            holder: None,
        };
        let token = holder
            .speak_for(&whom.subject, &narrowing, now)
            .map_err(|error| Error::internal("a token in its caller's name could not be signed; where this service's own is older than what the registry now gives it, mint it anew").with_source(error))?;
        let header = header(&token)?;
        if let Some(kept) = kept {
            let fresh = Fresh {
                header: header.clone(),
                renew_at: (now + (SPOKEN_LIFE - SPOKEN_RENEW_BEFORE).as_secs()).min(holder.expires_at()),
            };
            let mut spoken = held.spoken();
            if spoken.len() >= SPOKEN_MAX {
                spoken.retain(|_, fresh| fresh.renew_at > now);
                if spoken.len() >= SPOKEN_MAX {
                    spoken.clear();
                }
            }
            spoken.insert(kept, fresh);
        }
        Ok(Some(header))
    }
}

/// What a call in another's name may do: what the service and the other both may.
fn spoken(holder: &Holder, callee: &str, purpose: Purpose<'_>, whom: &Principal) -> Result<Rights> {
    let word = match purpose {
        Purpose::Nothing | Purpose::Oneself => return Ok(Rights::default()),
        Purpose::Method(_) => Some(Word::Rpc),
        Purpose::Of(word) => Some(word),
        Purpose::Anything | Purpose::Relayed => None,
    };
    let both = holder.rights().meet(&whom.rights, word, callee);
    let wanted = match purpose {
        Purpose::Method(method) => format!("rpc {callee} {method}"),
        _ => word.map_or_else(|| "any right".to_owned(), |word| word.to_string()),
    };
    let has = |rights: &Rights| match purpose {
        Purpose::Method(method) => rights.allow(&Need::rpc(callee, method), callee),
        Purpose::Of(word) => rights.have(word, callee),
        _ => !rights.is_empty(),
    };
    if !has(&whom.rights) {
        return Err(Error::new(
            Kind::Forbidden,
            format!(
                "this needs the right `{wanted}` at {callee}, which {} does not have",
                whom.subject
            ),
        ));
    }
    if !has(&both) {
        return Err(Error::new(
            Kind::Forbidden,
            format!(
                "{} asks for `{wanted}` at {callee} in nobody's name, or for less of it; show a token of the fleet's own",
                holder.subject()
            ),
        )
        .with_code("NOT_SPOKEN_FOR")
        .off_record());
    }
    Ok(match purpose {
        // A name that reads as a pattern cannot be written down as one name.
        Purpose::Method(method) => exact(callee, method).map_or(both, |exact| Rights::new([exact])),
        _ => both,
    })
}

/// The right to one method, where its name can be written down as one name.
fn exact(callee: &str, method: &str) -> Option<Right> {
    let exact = Right {
        word: Word::Rpc,
        at: Some(callee.to_owned()),
        pattern: Pattern::Exact(method.to_owned()),
    };
    exact
        .to_string()
        .parse::<Right>()
        .is_ok_and(|read| read == exact)
        .then_some(exact)
}

fn signed(holder: &Holder, narrowing: &Narrowing, now: u64) -> Result<HeaderValue> {
    let token = holder.for_call(narrowing, now).map_err(|error| {
        Error::internal("what this service calls others with has ended, or does not fit; mint it a new SYSCALL_TOKEN")
            .with_source(error)
    })?;
    header(&token)
}

impl Callee {
    fn get(&self, purpose: Purpose<'_>) -> Option<&Fresh> {
        match purpose {
            Purpose::Nothing => None,
            Purpose::Oneself => self.oneself.as_ref(),
            Purpose::Method(method) => self.methods.get(method),
            Purpose::Of(word) => self.words.get(&word),
            Purpose::Anything => self.anything.as_ref(),
            Purpose::Relayed => self.relayed.as_ref(),
        }
    }

    fn put(&mut self, purpose: Purpose<'_>, fresh: Fresh) {
        match purpose {
            Purpose::Nothing => {}
            Purpose::Oneself => self.oneself = Some(fresh),
            Purpose::Method(method) => {
                if self.methods.len() >= KEPT_MAX {
                    self.methods.clear();
                }
                self.methods.insert(method.to_owned(), fresh);
            }
            Purpose::Of(word) => drop(self.words.insert(word, fresh)),
            Purpose::Anything => self.anything = Some(fresh),
            Purpose::Relayed => self.relayed = Some(fresh),
        }
    }
}

/// What of a holder's rights an purpose needs. What the holder does not have is left out: the callee then says which right is missing.
fn for_purpose(holder: &Holder, callee: &str, purpose: Purpose<'_>) -> Rights {
    let owned = holder.rights();
    let there = |right: &&Right| right.at.as_deref().is_none_or(|at| at == callee);
    match purpose {
        Purpose::Nothing | Purpose::Oneself => Rights::default(),
        Purpose::Method(method) => {
            let need = Need::rpc(callee, method);
            match (owned.allow(&need, callee), exact(callee, method)) {
                (false, _) => Rights::default(),
                // What is subscribed to stands in the parameters, and the source asks whether it may be read.
                (true, Some(exact)) if method == delivery::SUBSCRIBE => {
                    let read = of_word(owned, callee, Word::EventRead);
                    Rights::new(std::iter::once(exact).chain(read.iter().cloned()))
                }
                (true, Some(exact)) => Rights::new([exact]),
                // A name that reads as a pattern cannot be written down as one name.
                (true, None) => of_word(owned, callee, Word::Rpc),
            }
        }
        Purpose::Of(word) => of_word(owned, callee, word),
        Purpose::Anything => Rights::new(owned.iter().filter(there).cloned()),
        Purpose::Relayed => owned.clone(),
    }
}

fn of_word(owned: &Rights, callee: &str, word: Word) -> Rights {
    let all = Right::all(word).at(callee);
    if owned.iter().any(|right| right.grants(word, Some(callee), What::All)) {
        return Rights::new([all]);
    }
    Rights::new(owned.iter().filter(|right| right.is_of(word, callee)).cloned())
}

fn header(token: &str) -> Result<HeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Error::invalid("the token cannot stand in a header; it was damaged when it was copied"))?;
    header.set_sensitive(true);
    Ok(header)
}
