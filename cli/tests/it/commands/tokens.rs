//! `blackroad token …`, and a fleet that asks for tokens.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::binary::{Fleet, Ran, blackroad, run};

/// A directory with a root key, in which commands are typed.
struct Desk {
    place: tempfile::TempDir,
}

impl Desk {
    fn new() -> Result<Self> {
        let desk = Desk {
            place: tempfile::tempdir()?,
        };
        let made = desk.run(&["token", "keygen"])?;
        ensure!(
            made.code == Some(0) && made.out.contains("SYSCALL_ROOT_KEYS="),
            "{made:?}"
        );
        Ok(desk)
    }

    fn run(&self, args: &[&str]) -> Result<Ran> {
        Ok(blackroad(args).current_dir(self.place.path()).output()?.into())
    }

    /// What a command prints; it must succeed.
    fn says(&self, args: &[&str]) -> Result<String> {
        let ran = self.run(args)?;
        ensure!(ran.code == Some(0), "{args:?} came to {ran:?}");
        Ok(ran.out.trim().to_owned())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join(name)
    }

    fn public(&self) -> Result<String> {
        let jwk: Value = serde_json::from_str(&fs::read_to_string(self.path("root.key"))?)?;
        Ok(jwk["x"].as_str().context("a public half")?.to_owned())
    }
}

fn is_private(path: &Path) -> Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777 == 0o600)
}

#[test]
fn keys_and_tokens_are_their_owners_alone_and_no_key_is_overwritten() -> Result<()> {
    let desk = Desk::new()?;
    ensure!(is_private(&desk.path("root.key"))?);
    let before = fs::read(desk.path("root.key"))?;
    let again = desk.run(&["token", "keygen"])?;
    ensure!(
        again.code == Some(1) && again.err.contains("is there already"),
        "{again:?}"
    );
    ensure!(fs::read(desk.path("root.key"))? == before);
    desk.says(&["token", "mint", "--all", "--out", "tokens"])?;
    for key in ["operator", "core", "root"] {
        ensure!(is_private(&desk.path(&format!("tokens/{key}.token")))?, "{key}");
    }
    let before = fs::read(desk.path("tokens/core.token"))?;
    let again = desk.run(&["token", "mint", "--all", "--out", "tokens"])?;
    ensure!(again.code == Some(1) && again.err.contains("--replace"), "{again:?}");
    ensure!(fs::read(desk.path("tokens/core.token"))? == before);
    desk.says(&["token", "mint", "--all", "--out", "tokens", "--replace"])?;
    ensure!(fs::read(desk.path("tokens/core.token"))? != before);
    let elsewhere = desk.run(&["token", "mint", "core", "--root-key", "nowhere.key"])?;
    ensure!(elsewhere.err.contains("blackroad token keygen"), "{elsewhere:?}");
    Ok(())
}

#[test]
fn a_token_is_minted_narrowed_and_looked_over_without_its_key_being_printed() -> Result<()> {
    let desk = Desk::new()?;
    let token = desk.says(&["token", "mint", "core"])?;
    let (_, seed) = token.rsplit_once('.').context("four parts")?;
    let public = desk.public()?;
    let looked = desk.says(&["token", "inspect", &token, "--root-keys", &public])?;
    for part in [
        "service:core",
        "valid",
        "rpc operator mesh.announce",
        "a token with its key",
    ] {
        ensure!(looked.contains(part), "{part}: {looked}");
    }
    ensure!(!looked.contains(seed), "{looked}");
    let narrow = [
        "--token",
        &token,
        "token",
        "narrow",
        "--right",
        "rpc operator mesh.list",
        "--at",
        "operator",
    ];
    let child = desk.says(&narrow)?;
    ensure!(child.split('.').count() == 3, "{child}");
    let looked = desk.says(&["--json", "token", "inspect", &child, "--root-keys", &public])?;
    let looked: Value = serde_json::from_str(&looked)?;
    ensure!(
        looked["verdict"] == "VALID" && looked["links"].as_array().map(Vec::len) == Some(2),
        "{looked}"
    );
    ensure!(
        looked["links"][0]["cap"] == json!(["rpc operator mesh.list"]),
        "{looked}"
    );
    let wide = desk.run(&[
        "--token", &token, "token", "narrow", "--right", "admin", "--at", "operator",
    ])?;
    ensure!(
        wide.code == Some(1) && wide.err.contains("does not have the right `admin`"),
        "{wide:?}"
    );
    let other = Desk::new()?.public()?;
    let looked = desk.says(&["token", "inspect", &child, "--root-keys", &other])?;
    ensure!(looked.contains("TOKEN_INVALID"), "{looked}");
    Ok(())
}

#[test]
fn a_fleet_that_asks_for_tokens_lets_its_owner_in_and_refuses_what_was_revoked() -> Result<()> {
    let desk = Desk::new()?;
    let data = desk.path("data");
    let data = data.to_str().context("a path of text")?;
    let fleet = Fleet::start(&["--auth", "required", "--data-dir", data, "--only", "operator,core"])?;
    let file = fleet.told["tokenFile"]
        .as_str()
        .context("it says where the token is")?
        .to_owned();
    ensure!(is_private(Path::new(&file))?);
    let owner = fs::read_to_string(&file)?.trim().to_owned();

    let closed = fleet.run(&["logs", "core"])?;
    ensure!(
        closed.code == Some(1) && closed.err.contains("UNAUTHENTICATED"),
        "{closed:?}"
    );
    let open = fleet.run(&["--token", &owner, "logs", "core"])?;
    ensure!(open.code == Some(0), "{open:?}");
    // The operator knows core, so core's own token let it in.
    let ps = fleet.run(&["--token", &owner, "--json", "ps"])?;
    ensure!(ps.code == Some(0) && ps.out.contains("blackroad-os-core"), "{ps:?}");

    let root = format!("{data}/keys/root.key");
    let mint = [
        "token",
        "mint",
        "--root-key",
        &root,
        "--subject",
        "pager",
        "--right",
        "logs read",
        "--bearer",
    ];
    let pager = run(&mint)?.out.trim().to_owned();
    ensure!(fleet.run(&["--token", &pager, "logs", "core"])?.code == Some(0));
    let narrow = fleet.run(&["--token", &pager, "jobs", "core"])?;
    ensure!(narrow.err.contains("this needs the right `job read`"), "{narrow:?}");
    let looked: Value = serde_json::from_str(&run(&["--json", "token", "inspect", &pager])?.out)?;
    let jti = looked["links"][0]["jti"].as_str().context("it has a name")?;
    // Seven of the nine do not run, and that is said.
    let revoked = fleet.run(&["token", "revoke", jti, "--root-key", &root])?;
    ensure!(
        revoked.code == Some(1) && revoked.err.contains("not told; run it again"),
        "{revoked:?}"
    );
    ensure!(
        revoked.out.contains("core") && revoked.out.contains("refuses it from now on"),
        "{revoked:?}"
    );
    ensure!(
        revoked.out.contains(&format!("revokes the token {jti}")) && revoked.out.contains("no service can say"),
        "{revoked:?}"
    );
    let refused = fleet.run(&["--token", &pager, "logs", "core"])?;
    ensure!(refused.err.contains("TOKEN_REVOKED"), "{refused:?}");

    // Whoever found a token has the token, and no name of it; and what cannot be a name is not sent about.
    let found = fleet.run(&["token", "revoke", &pager, "--root-key", &root])?;
    ensure!(found.out.contains(&format!("revokes the token {jti}")), "{found:?}");
    ensure!(!found.err.contains("did not sign"), "{found:?}");
    let other = desk.path("other.key").to_string_lossy().into_owned();
    run(&["token", "keygen", "--out", &other])?;
    let mut foreign = mint;
    foreign[3] = &other;
    let foreign = run(&foreign)?.out.trim().to_owned();
    let ran = fleet.run(&["token", "revoke", &foreign, "--root-key", &root])?;
    ensure!(ran.err.contains("did not sign that token"), "{ran:?}");
    for (wrong, told) in [
        (&["not.a.token"][..], "no token"),
        (&["--key", "0198c0de"], "no thumbprint"),
        (&[""], "is called \"\""),
        (&["--subject", ""], "is called \"\""),
        (&["a\nb"], "is called"),
    ] {
        let ran = fleet.run(&[&["token", "revoke", "--root-key", &root], wrong].concat())?;
        ensure!(
            ran.code == Some(1) && ran.err.contains(told) && ran.out.is_empty(),
            "{ran:?}"
        );
    }
    let gone = fleet.run(&["token", "revoke", "--subject", "service:gone", "--root-key", &root])?;
    ensure!(gone.err.contains("the registry has no service gone"), "{gone:?}");
    ensure!(fleet.run(&["--token", &owner, "logs", "core"])?.code == Some(0));
    Ok(())
}

#[test]
fn rotation_says_what_to_set_and_its_tokens_are_the_next_keys() -> Result<()> {
    let desk = Desk::new()?;
    let old = desk.public()?;
    let steps = desk.says(&["token", "rotate", "--next", "next.key", "--out", "tokens"])?;
    let next: Value = serde_json::from_str(&fs::read_to_string(desk.path("next.key"))?)?;
    let next = next["x"].as_str().context("a public half")?;
    ensure!(steps.contains(&format!("SYSCALL_ROOT_KEYS={old},{next}")), "{steps}");
    let token = fs::read_to_string(desk.path("tokens/core.token"))?;
    for (keys, verdict) in [
        (next.to_owned(), "valid"),
        (old.clone(), "TOKEN_INVALID"),
        (format!("{old},{next}"), "valid"),
    ] {
        let looked = desk.says(&["token", "inspect", token.trim(), "--root-keys", &keys])?;
        ensure!(looked.contains(verdict), "{looked}");
    }
    Ok(())
}
