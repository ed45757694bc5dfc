use std::collections::BTreeSet;

use syscall_sdk::rpc::CallOptions;
use syscall_sdk::rpc::header::VERSION;

use super::*;

/// The registry with two versions of web.
fn registry(blue: SocketAddr, green: SocketAddr, share: u32) -> Result<Registry> {
    let rest = 100 - share;
    let versions = format!(
        "port = 8000\n\
         version = [{{ name = \"blue\", internal = \"http://{blue}\", weight = {rest} }}, \
         {{ name = \"green\", internal = \"http://{green}\", weight = {share} }}]\n"
    );
    let text = syscall_sdk::registry::BUILTIN;
    let (before, web) = text.split_once("key = \"web\"").context("web is in the registry")?;
    Ok(Registry::parse(&format!(
        "{before}key = \"web\"{}",
        web.replacen("port = 8000\n", &versions, 1)
    ))?)
}

async fn one(root: &SigningKey) -> Result<(Running, SocketAddr)> {
    start("web", || callee(Seen::default()), root, &[("SYSCALL_AUTH", "open")]).await
}

#[tokio::test]
async fn each_caller_has_a_version_by_weight_and_the_other_where_that_is_down() -> Result<()> {
    let root = SigningKey::generate()?;
    let (blue, blue_at) = one(&root).await?;
    let (green, green_at) = one(&root).await?;
    let pairs = [("AMNESIA", "true"), ("OPERATOR_INTERNAL_URL", "http://127.0.0.1:1")];
    let variables: Variables = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let bind = Bind::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let host = Host::new(variables)
        .registry(registry(blue_at, green_at, 30)?)
        .mount(blackroad_os_api::service);
    let gateway = host.start(vec![Door::of_service("api", vec![bind])]).await?;
    let kernel = gateway.kernel("api").context("the gateway runs")?;
    let context = Context::new(kernel);
    let version = async |caller: u64| -> Result<String> {
        let options = CallOptions {
            sticky: Some(caller),
            ..context.call_options()
        };
        let reply = context
            .rpc()
            .call_for_reply("web", "whoAmI", Some(&value(&json!({}))?), options)
            .await?;
        ensure!(reply.status == 200, "{reply:?}");
        Ok(reply
            .headers
            .get(VERSION)
            .and_then(|name| name.to_str().ok())
            .unwrap_or_default()
            .to_owned())
    };
    let mut first = Vec::new();
    for caller in 0..400 {
        first.push(version(caller).await?);
    }
    let share = first.iter().filter(|name| *name == "green").count();
    // Four standard deviations of 120 of 400 are 37.
    ensure!(
        (83..=157).contains(&share),
        "{share} of 400 have green, and 120 are due"
    );
    for caller in (0..400).step_by(7) {
        ensure!(
            version(caller).await? == first[usize::try_from(caller)?],
            "the same caller has the same version"
        );
    }

    // Over HTTP the answer says it too, and an address keeps its own.
    let Some(Bound::Tcp(at)) = gateway.bound().first().cloned() else {
        anyhow::bail!("the gateway has a port")
    };
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let answer = http
            .post(format!("http://{at}/v1/web/whoAmI"))
            .json(&json!({}))
            .send()
            .await?;
        seen.insert(read(answer).await?.header(VERSION));
    }
    ensure!(seen.len() == 1 && !seen.contains(""), "{seen:?}");

    green.stop(DrainBudget::none(), "green is down").await;
    for caller in 0..20 {
        assert_eq!(version(caller).await?, "blue");
    }
    gateway.stop(DrainBudget::none(), "the test is over").await;
    blue.stop(DrainBudget::none(), "the test is over").await;
    Ok(())
}

#[test]
fn a_registry_whose_versions_do_not_fit_is_refused_with_what_is_wrong() {
    let (one, other): (SocketAddr, SocketAddr) = (([10, 0, 0, 1], 8000).into(), ([10, 0, 0, 2], 8000).into());
    let read = |from: &str, to: &str| {
        let versions = format!(
            "port = 8000\n\
             version = [{{ name = \"blue\", internal = \"http://{one}\", weight = 90 }}, \
             {{ name = \"green\", internal = \"http://{other}\", weight = 10 }}]\n"
        );
        let versions = versions.replacen(from, to, 1);
        let (before, web) = syscall_sdk::registry::BUILTIN.split_once("key = \"web\"").unwrap();
        let text = format!("{before}key = \"web\"{}", web.replacen("port = 8000\n", &versions, 1));
        Registry::parse(&text).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(read("green", "green"), Ok(()));
    for (from, to, says) in [
        (
            "weight = 10",
            "weight = 20",
            "the weights of its versions are 100 together, and blue 90, green 20 are 110",
        ),
        ("weight = 10", "weight = -10", "invalid value"),
        ("name = \"green\"", "name = \"blue\"", "\"blue\" names two versions"),
        ("name = \"green\"", "name = \"Green\"", "Green"),
        ("http://10.0.0.2:8000", "http://10.0.0.1:8000", "one internal URL"),
        (
            "http://10.0.0.2:8000",
            "http://10.0.0.2",
            "the port on which it listens",
        ),
        ("http://10.0.0.2:8000", "green", "http:// or https://"),
        ("weight = 10", "wieght = 10", "wieght"),
    ] {
        let error = read(from, to).expect_err("it does not fit");
        assert!(error.contains(says), "{to}: {error}");
    }
}
