//! The keys of a fleet on this machine, where callers are asked for tokens: made once, and every service's token at each start.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use syscall_sdk::auth::{
    EVERY_SERVICE, Grant, Holder, Right, Rights, SERVICE_LIFE_MAX, SigningKey, Word, seconds, sign_first,
};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::{Secret, Variables};

use crate::fleet::Known;
use crate::keys;
use crate::print::{self, NAME};

/// In the data directory.
const DIRECTORY: &str = "keys";

/// What the services of this fleet show, and what who runs it shows.
pub(crate) struct Identity {
    /// Each service's token, by key.
    pub(super) tokens: BTreeMap<String, Secret>,
    owner: Owner,
}

/// Where the owner's token is.
enum Owner {
    File(PathBuf),
    /// A fleet that keeps nothing on disk has it on the screen alone.
    Shown(Secret),
}

impl Identity {
    /// Makes what is missing, where callers are asked for tokens and no keys were given; tells the variables of it.
    ///
    /// # Errors
    /// Where a file cannot be read or written.
    pub(super) fn make(fleet: &Known, variables: &mut Variables) -> Result<Option<Self>> {
        // A service's own token, of which a fleet has as many as services.
        variables.remove("SYSCALL_TOKEN");
        let asked = variables
            .get("SYSCALL_AUTH")
            .is_some_and(|mode| mode.trim() == "required");
        if !asked || variables.contains_key("SYSCALL_ROOT_KEYS") {
            return Ok(None);
        }
        let forgets = variables
            .get("AMNESIA")
            .is_some_and(|amnesia| matches!(amnesia.trim(), "true" | "1" | "yes" | "on"));
        let directory = (!forgets).then(|| {
            let data = variables.get("DATA_DIR").map_or("./data", String::as_str);
            PathBuf::from(data).join(DIRECTORY)
        });
        let root = match &directory {
            None => SigningKey::generate()?,
            Some(directory) => {
                let path = directory.join("root.key");
                if path.exists() {
                    keys::read_root(&path)?
                } else {
                    keys::make_root(&path)?
                }
            }
        };
        variables.insert("SYSCALL_ROOT_KEYS".to_owned(), root.public().text());
        let now = seconds(&Clock::system());
        let tokens = fleet
            .keys()
            .map(|key| Ok((key.to_owned(), fleet.registry.mint(key, &root, now)?.to_text())))
            .collect::<Result<BTreeMap<_, _>>>()?;
        let token = owners(&root, now)?;
        let owner = match &directory {
            None => Owner::Shown(token),
            Some(directory) => {
                let path = directory.join("owner.token");
                keys::replace(&path, &token)?;
                Owner::File(path)
            }
        };
        Ok(Some(Identity { tokens, owner }))
    }

    /// Says how to speak to the fleet.
    pub(super) fn tell(&self) -> Result<()> {
        let (why, how) = match &self.owner {
            Owner::File(path) => ("yours", format!("$(cat {})", path.display())),
            Owner::Shown(token) => ("yours, which is nowhere on disk", token.reveal().to_owned()),
        };
        print::line(format!(
            "callers are asked for a token; {why}: {NAME}export BLACKROAD_TOKEN={how}{NAME:#}"
        ))
    }

    /// The same for a program: a field's name and what it holds.
    pub(super) fn json(&self) -> (&'static str, serde_json::Value) {
        match &self.owner {
            Owner::File(path) => ("tokenFile", serde_json::json!(path)),
            Owner::Shown(token) => ("token", token.reveal().into()),
        }
    }
}

/// Everything, everywhere, for who runs the fleet.
fn owners(root: &SigningKey, now: u64) -> Result<Secret> {
    let key = SigningKey::generate()?;
    let grant = Grant {
        subject: "owner".to_owned(),
        audience: vec![EVERY_SERVICE.to_owned()],
        rights: Rights::new([Right::all(Word::Admin)]),
        life: Duration::from_secs(SERVICE_LIFE_MAX.as_secs()),
        holder: Some(key.public()),
    };
    Ok(Holder::new(sign_first(root, &grant, now)?, key)?.to_text())
}
