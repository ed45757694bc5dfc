//! What a service says at boot of the platform that it runs on.

use syscall_sdk::host::{Door, DrainBudget, Host, StartError};
use syscall_sdk::logs::LogQuery;
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Bound};

use crate::support::{Fixture, variables};

/// The lines of a boot that hold a text.
async fn lines(given: &[(&str, &str)], text: &str) -> (Vec<String>, Vec<Bound>) {
    let bind = Bind::Tcp(([127, 0, 0, 1], 0).into());
    let running = Host::new(variables(given))
        .mount(|| Service::new("core", "1"))
        .start(vec![Door::of_service("core", vec![bind])])
        .await
        .unwrap();
    let query = LogQuery {
        text: Some(text.to_owned()),
        ..LogQuery::default()
    };
    let (found, _) = running.kernel("core").unwrap().logs.query(&query, 0, 100);
    let bound = running.bound();
    running.stop(DrainBudget::none(), "test").await;
    (found.into_iter().map(|line| line.message).collect(), bound)
}

#[tokio::test]
async fn a_platform_that_kills_before_a_drain_is_over_is_a_warning_at_boot() {
    const DRAINING: &str = "RAILWAY_DEPLOYMENT_DRAINING_SECONDS";
    let railway = ("RAILWAY_PRIVATE_DOMAIN", "blackroad-os-core.railway.internal");
    for (given, warned) in [
        (vec![], false),
        (vec![railway], true),
        (vec![railway, (DRAINING, "0")], true),
        (vec![railway, (DRAINING, "9")], true),
        (vec![railway, (DRAINING, "10")], false),
    ] {
        let (found, _) = lines(&given, DRAINING).await;
        assert_eq!(found.len(), usize::from(warned), "{given:?}: {found:?}");
    }
}

#[tokio::test]
async fn one_line_says_where_a_service_listens_and_by_which_names_it_is_found() {
    let (found, bound) = lines(
        &[("ENVIRONMENT", "production"), ("SYSCALL_AUTH", "open")],
        "listening on",
    )
    .await;
    let wanted = format!(
        "listening on {}; peers call http://blackroad-os-core.railway.internal:8000, people https://core.blackroad.systems",
        bound[0]
    );
    assert_eq!(found, [wanted]);
}

#[tokio::test]
async fn a_version_tells_the_commit_that_the_platform_names_or_else_that_of_the_image() {
    let image = [("BUILD_COMMIT", "1111"), ("BUILD_TIME", "2026-11-21T20:00:00Z")];
    let platform = ("RAILWAY_GIT_COMMIT_SHA", "2222");
    for (given, commit) in [
        (image.to_vec(), "1111"),
        ([image.to_vec(), vec![platform]].concat(), "2222"),
    ] {
        let core = Fixture::start_with(&given).await;
        assert_eq!(core.get("/version").await.body["commit"], commit);
        let version = core.get("/v1/sys/version").await.body;
        assert_eq!(
            (&version["commit"], &version["buildTime"]),
            (&commit.into(), &image[1].1.into())
        );
    }
}

#[tokio::test]
async fn a_peer_without_a_port_keeps_a_service_from_starting() {
    let host = Host::new(variables(&[(
        "API_INTERNAL_URL",
        "http://blackroad-os-api.railway.internal",
    )]));
    let error = host
        .mount(|| Service::new("core", "1"))
        .start(Vec::new())
        .await
        .unwrap_err();
    let StartError::Config(problems) = error else {
        panic!("{error}")
    };
    assert!(problems.to_string().contains("API_INTERNAL_URL is"), "{problems}");
}
