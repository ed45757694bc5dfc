//! Root keys and a service's own token that are replaced while it runs.

use std::time::Duration;

use http::{Method as Verb, StatusCode};
use syscall_sdk::auth::{EVERY_SERVICE, Grant, Holder, Rights, SigningKey, seconds, sign_first};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Variables;
use syscall_sdk::context::Context;
use syscall_sdk::contract::Method;
use syscall_sdk::error::Result;
use syscall_sdk::host::{DrainBudget, Host, Running, Sources};
use syscall_sdk::service::Service;

use crate::support::ask;

const ECHO: Method<String, String> = Method::new("api", "echo", "Says it again.");

async fn echo(_: Context, said: String) -> Result<String> {
    Ok(said)
}

/// A service behind its gate, and the file that it is configured by.
struct World {
    running: Running,
    directory: tempfile::TempDir,
}

impl World {
    async fn start(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.env");
        std::fs::write(&file, config).unwrap();
        let given = [
            ("AMNESIA", "true".to_owned()),
            ("SYSCALL_AUTH", "required".to_owned()),
            ("CONFIG_FILE", file.display().to_string()),
        ];
        let sources = Sources::of(Variables::from(given.map(|(name, value)| (name.to_owned(), value))));
        let (variables, problems) = sources.read();
        assert!(problems.is_empty(), "{problems}");
        let host = Host::new(variables).reload_from(sources);
        let host = host.mount(|| Service::new("api", "1").method(ECHO, echo));
        let running = host.start(Vec::new()).await.unwrap();
        World { running, directory }
    }

    async fn told(&self, config: &str) -> Result<Vec<String>> {
        let draft = self.directory.path().join("draft");
        std::fs::write(&draft, config).unwrap();
        std::fs::rename(&draft, self.directory.path().join("config.env")).unwrap();
        self.running.reload("a test").await.map(|reloaded| reloaded.applied)
    }

    /// Whether a token is let in.
    async fn admits(&self, token: &str) -> bool {
        let handler = self.running.handler("api").unwrap();
        let shown = format!("Bearer {token}");
        let answer = ask(&handler, Verb::GET, "/v1/sys/logs", &[("authorization", &shown)], "").await;
        assert!(
            matches!(answer.status, StatusCode::OK | StatusCode::UNAUTHORIZED),
            "{}",
            answer.text
        );
        answer.status == StatusCode::OK
    }

    /// What comes of a call that the service makes with what it holds.
    async fn calls(&self) -> Result<String> {
        let context = Context::new(self.running.kernel("api").unwrap());
        context.call(&ECHO, "hello".to_owned()).await
    }

    async fn stop(self) {
        self.running.stop(DrainBudget::none(), "test").await;
    }
}

fn grant(subject: &str, right: &str, key: Option<&SigningKey>) -> Grant {
    Grant {
        subject: subject.to_owned(),
        audience: vec![EVERY_SERVICE.to_owned()],
        rights: Rights::parse(&[right]).unwrap(),
        life: Duration::from_secs(600),
        holder: key.map(SigningKey::public),
    }
}

fn bearer(root: &SigningKey) -> String {
    sign_first(root, &grant("program", "logs read", None), seconds(&Clock::system())).unwrap()
}

/// The text of a service's own token, of a life.
fn own(root: &SigningKey, subject: &str) -> String {
    let key = SigningKey::generate().unwrap();
    let grant = grant(subject, "rpc api *", Some(&key));
    let token = sign_first(root, &grant, seconds(&Clock::system())).unwrap();
    Holder::new(token, key).unwrap().to_text().reveal().to_owned()
}

#[tokio::test]
async fn root_keys_are_replaced_without_a_restart_and_what_was_checked_is_checked_anew() {
    let (old, new) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let keys = |keys: &[&SigningKey]| {
        let texts: Vec<String> = keys.iter().map(|key| key.public().text()).collect();
        format!("SYSCALL_ROOT_KEYS={}\n", texts.join(","))
    };
    let (of_old, of_new) = (bearer(&old), bearer(&new));
    let world = World::start(&keys(&[&old])).await;
    assert!(world.admits(&of_old).await && !world.admits(&of_new).await);

    assert_eq!(world.told(&keys(&[&old, &new])).await.unwrap(), ["SYSCALL_ROOT_KEYS"]);
    assert!(world.admits(&of_old).await && world.admits(&of_new).await);

    let fault = world.told("SYSCALL_ROOT_KEYS=no-key\n").await.unwrap_err();
    assert!(fault.message().contains("SYSCALL_ROOT_KEYS"), "{fault}");
    assert!(world.admits(&of_old).await && world.admits(&of_new).await);

    world.told(&keys(&[&new])).await.unwrap();
    assert!(!world.admits(&of_old).await && world.admits(&of_new).await);
    world.stop().await;
}

#[tokio::test]
async fn a_services_own_token_is_given_and_replaced_without_a_restart() {
    let (root, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let config = |token: &str| format!("SYSCALL_ROOT_KEYS={}\nSYSCALL_TOKEN={token}\n", root.public().text());
    let world = World::start(&config("")).await;
    assert_eq!(world.calls().await.unwrap_err().code(), "UNAUTHENTICATED");

    world.told(&config(&own(&other, "service:api"))).await.unwrap();
    assert_eq!(world.calls().await.unwrap_err().code(), "TOKEN_INVALID");

    let fault = world.told(&config(&own(&root, "service:core"))).await.unwrap_err();
    assert!(fault.message().contains("that of service:core"), "{fault}");

    assert_eq!(
        world.told(&config(&own(&root, "service:api"))).await.unwrap(),
        ["SYSCALL_TOKEN"]
    );
    assert_eq!(world.calls().await.unwrap(), "hello");
    world.stop().await;
}
