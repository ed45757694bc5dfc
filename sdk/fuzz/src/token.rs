//! Tokens, shown to a service that knows one root key.

use std::sync::OnceLock;
use std::time::Duration;

use syscall_sdk::auth::{Grant, Holder, Narrowing, Rights, RootKeys, SigningKey, Verifier, seconds, sign_first};
use syscall_sdk::clock::Clock;

/// How long the genuine token lives: longer than any run.
const LIFE: Duration = Duration::from_secs(24 * 3_600);

struct World {
    verifier: Verifier,
    /// A service's call to another: two links, the first signed by the root.
    genuine: String,
}

impl World {
    fn new() -> Self {
        let clock = Clock::system();
        let now = seconds(&clock);
        let root = SigningKey::generate().expect("the system has randomness");
        let key = SigningKey::generate().expect("the system has randomness");
        let rights = Rights::parse(&["rpc core *"]).expect("it is in the vocabulary");
        let grant = Grant {
            subject: "service:api".to_owned(),
            audience: vec!["core".to_owned()],
            rights: rights.clone(),
            life: LIFE,
            holder: Some(key.public()),
        };
        let narrowing = Narrowing {
            audience: grant.audience.clone(),
            rights,
            life: LIFE,
            holder: None,
        };
        let token = sign_first(&root, &grant, now).expect("the claims have a JSON form");
        let holder = Holder::new(token, key).expect("the token names this key");
        let roots = RootKeys::new([root.public()]).expect("one key is not too many");
        World {
            verifier: Verifier::new("core", roots, clock),
            genuine: holder.narrow(&narrowing, now).expect("it is as wide as its parent"),
        }
    }
}

/// A token as text where the first byte is `t`; else edits of a genuine one, three bytes each: a place in two, and what its byte is XORed
/// with. Nobody is let in but by the genuine one.
pub fn token(data: &[u8]) {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(World::new);
    let Some((kind, rest)) = data.split_first() else { return };
    let shown = if *kind == b't' {
        rest.to_vec()
    } else {
        edited(world.genuine.as_bytes(), rest)
    };
    let Ok(shown) = std::str::from_utf8(&shown) else { return };
    match world.verifier.verify(shown) {
        Ok(principal) => assert_eq!(
            shown, world.genuine,
            "{} is let in by a token that nobody signed",
            principal.subject
        ),
        Err(error) => assert_ne!(shown, world.genuine, "the genuine token is refused: {error}"),
    }
}

fn edited(genuine: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut text = genuine.to_vec();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % text.len();
        text[at] ^= edit[2];
    }
    text
}
