//! The same calls where everything is asked for: a token that is checked, a caller who is counted.

use std::time::Duration;

use syscall_sdk::auth::{Credential, Grant, Holder, Minter, Rights, SigningKey, seconds, sign_first};
use syscall_sdk::clock::Clock;

/// A root key that both processes know: 32 zero bytes.
const SEED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Longer than a bench lasts, shorter than a service's token may live.
const LIFE: Duration = Duration::from_secs(24 * 3_600);

fn root() -> SigningKey {
    SigningKey::of_text(SEED).expect("32 bytes are a seed")
}

/// What the callee is told. A rate that nobody reaches is counted like any other.
pub(crate) fn variables() -> [(&'static str, String); 3] {
    [
        ("SYSCALL_AUTH", "required".to_owned()),
        ("SYSCALL_ROOT_KEYS", root().public().text()),
        ("CALLER_RATE", "1000000".to_owned()),
    ]
}

/// What the caller shows: a program's, since the fleet's own services are counted by nobody.
pub(crate) fn minter() -> Minter {
    let (clock, key) = (
        Clock::system(),
        SigningKey::generate().expect("the system has randomness"),
    );
    let grant = Grant {
        subject: "bench".to_owned(),
        audience: vec!["core".to_owned()],
        rights: Rights::parse(&["rpc core *"]).expect("it is in the vocabulary"),
        life: LIFE,
        holder: Some(key.public()),
    };
    let token = sign_first(&root(), &grant, seconds(&clock)).expect("the claims have a JSON form");
    let holder = Holder::new(token, key).expect("the token names this key");
    Minter::new(Credential::Holder(Box::new(holder)), clock).expect("what is held can be shown")
}
