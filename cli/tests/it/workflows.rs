//! Workflows of the real fleet: typed, given as graphs, and killed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::binary;
use crate::crash::{Client, Fleet};

/// How often the process is killed.
const KILLS: usize = 10;
/// Runs that are under way when it is.
const RUNS: usize = 8;

#[test]
fn a_run_is_started_shown_signalled_listed_forked_and_cancelled() -> Result<()> {
    let fleet = binary::Fleet::start(&["--amnesia", "--only", "operator,core"])?;
    let graph = r#"{"nodes":[{"id":"ok","approval":{}},{"id":"then","dependsOn":["ok"],"wait":{"millis":1}}]}"#;
    assert!(fleet.run(&["workflows", "operator"])?.out.contains("no workflows"));
    let started = fleet.json(&["workflow", "start", "operator", "graph", graph, "--id", "one"])?;
    assert_eq!(started["id"], "one");
    let ended = |id: &str| fleet.json(&["workflow", "wait", "operator", id]);
    let begun = Instant::now();
    let waits = loop {
        // Each look waits a while at the service, and fails since the run has not ended.
        let ran = fleet.run(&["workflow", "wait", "operator", "one", "--for", "50ms"])?;
        assert!(ran.code == Some(1) && ran.err.contains("still after"), "{ran:?}");
        if ran.out.contains("waiting for signal ok") {
            break ran.out;
        }
        anyhow::ensure!(begun.elapsed() < binary::SOON, "{}", ran.out);
    };
    assert!(waits.contains("begin ok"), "{waits}");
    let sent = fleet.run(&["workflow", "signal", "operator", "one", "ok", r#"{"approved":true}"#])?;
    assert_eq!(sent.out, "ok sent to one\n");
    let run = ended("one")?;
    assert_eq!(run["result"]["nodes"][1]["status"], "completed");
    let listed = fleet
        .run(&["workflows", "operator", "--status", "completed", "--name", "graph"])?
        .out;
    assert!(listed.contains("one"), "{listed}");
    let fork = fleet.json(&["workflow", "fork", "operator", "one", "--from", "begin then"])?;
    assert_eq!(ended(fork["id"].as_str().unwrap())?["forkedFrom"], "one");
    assert_eq!(fleet.run(&["workflow", "resume", "operator", "one"])?.code, Some(1));
    fleet.json(&["workflow", "start", "operator", "graph", graph, "--id", "two"])?;
    assert_eq!(
        fleet.json(&["workflow", "cancel", "operator", "two"])?["status"],
        "cancelled"
    );
    assert_eq!(fleet.run(&["workflow", "cancel", "operator", "two"])?.code, Some(1));
    Ok(())
}

#[test]
fn a_graph_that_is_sent_again_under_its_key_runs_once() -> Result<()> {
    let fleet = binary::Fleet::start(&["--amnesia", "--only", "operator,core"])?;
    let graph = |millis: u64| json!({ "nodes": [{ "id": "pause", "wait": { "millis": millis } }] });
    let send = |graph: Value| {
        fleet.send_with(
            "Idempotency-Key: order-7\r\n",
            "POST",
            "operator",
            "/v1/workflows",
            &graph,
        )
    };
    let (first, again) = (send(graph(1))?, send(graph(1))?);
    assert_eq!((first.0, &first.1["id"]), (201, &again.1["id"]), "{again:?}");
    assert_eq!(send(graph(2))?.0, 409);
    let runs = fleet.json(&["workflows", "operator", "--name", "graph"])?;
    assert_eq!(runs["workflows"].as_array().map(Vec::len), Some(1), "{runs}");
    Ok(())
}

fn client(fleet: &Fleet) -> Client {
    syscall_sdk::transport::install_tls();
    Client {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        port: fleet.port,
    }
}

async fn post(client: &Client, path: &str, body: &Value) -> (u16, Value) {
    let request = client.request(Method::POST, "operator", path).body(body.to_string());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A run of the operator when it has ended, as a path shows it.
async fn ended(client: &Client, id: &str, path: &str) -> Value {
    loop {
        let waited = client
            .get("operator", &format!("/v1/sys/workflow/{id}?wait=10000"))
            .await;
        if ["completed", "failed", "cancelled"].contains(&waited["status"].as_str().unwrap()) {
            return client.get("operator", path).await;
        }
    }
}

/// A graph's run once it is as it should be; each look waits at the operator for a while, or for the run's end.
async fn graph_where(client: &Client, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let look = async {
        loop {
            let run = client.get("operator", &format!("/v1/workflows/{id}")).await;
            if wanted(&run) {
                return run;
            }
            client.get("operator", &format!("/v1/sys/workflow/{id}?wait=50")).await;
        }
    };
    tokio::time::timeout(binary::SOON, look)
        .await
        .expect("it comes to that")
}

fn statuses(run: &Value) -> BTreeMap<&str, &str> {
    let nodes = run["nodes"].as_array().unwrap().iter();
    nodes
        .map(|node| (node["id"].as_str().unwrap(), node["status"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_graph_runs_in_waves_hands_results_on_and_tells_how_far_it_is() {
    let data = tempfile::tempdir().unwrap();
    let fleet = Fleet::start(data.path());
    let client = client(&fleet);
    let graph = json!({ "id": "make", "nodes": [
        { "id": "greet", "dependsOn": ["user", "sweep"], "trigger": "one_success",
          "call": { "service": "core", "method": "getUserById", "params": { "id": "nobody" } } },
        { "id": "user", "call": { "service": "core", "method": "createUser", "params": { "email": "a@b.example", "name": "Ada" } } },
        { "id": "sweep", "job": { "name": "sweep-roster" }, "timeout": 60_000 },
        { "id": "ok", "dependsOn": ["user"], "approval": { "message": "go?" } },
        { "id": "again", "dependsOn": ["ok", "user"], "call": { "service": "core", "method": "createUser",
          "params": { "email": "a@b.example", "name": { "$result": "ok" } } } },
        { "id": "after", "dependsOn": ["greet", "again"], "trigger": "all_failed", "wait": { "millis": 5 } },
        { "id": "never", "dependsOn": ["again"], "wait": { "millis": 5 } },
        { "id": "late", "dependsOn": ["again"], "trigger": "all_done", "wait": { "event": "no:such" }, "timeout": 50 },
        { "id": "last", "dependsOn": ["late"], "trigger": "one_failed", "wait": { "millis": 1 } },
    ] });
    let (status, started) = post(&client, "/v1/workflows", &graph).await;
    assert_eq!(status, 201, "{started}");
    let waves: Vec<_> = started["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| &node["wave"])
        .collect();
    assert_eq!(waves, [1, 0, 0, 1, 2, 3, 3, 3, 4]);
    let approved = graph_where(&client, "make", |run| {
        let is = |node, status| statuses(run).get(node) == Some(&status);
        is("ok", "running") && is("user", "completed")
    });
    assert_eq!(statuses(&approved.await)["again"], "pending");
    let approval = json!({ "approved": true, "by": "ann" });
    assert_eq!(post(&client, "/v1/sys/workflow/make/signal/ok", &approval).await.0, 200);
    let run = ended(&client, "make", "/v1/workflows/make").await;
    assert_eq!(run["status"], "completed", "{run:#}");
    let expected = BTreeMap::from([
        ("again", "failed"),
        ("after", "completed"),
        ("greet", "failed"),
        ("last", "completed"),
        ("late", "failed"),
        ("never", "skipped"),
        ("ok", "completed"),
        ("sweep", "completed"),
        ("user", "completed"),
    ]);
    assert_eq!(statuses(&run), expected);
    assert_eq!(run["nodes"][0]["error"]["code"], "USER_NOT_FOUND");
    assert_eq!(run["nodes"][4]["error"]["code"], "EMAIL_TAKEN");
    assert_eq!(run["nodes"][7]["error"]["code"], "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_graph_that_cannot_be_run_is_refused_and_one_that_fails_says_which_node() {
    let data = tempfile::tempdir().unwrap();
    let fleet = Fleet::start(data.path());
    let client = client(&fleet);
    let node = |id: &str, before: &str| json!({ "id": id, "dependsOn": [before], "wait": { "millis": 1 } });
    let ring = json!({ "nodes": [node("a", "b"), node("b", "c"), node("c", "a")] });
    let (status, refused) = post(&client, "/v1/workflows", &ring).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("INVALID_GRAPH")));
    assert_eq!(refused["error"]["details"]["cycle"], json!(["a", "b", "c", "a"]));
    let lost = json!({ "id": "lost", "nodes": [
        { "id": "find", "call": { "service": "core", "method": "getUserById", "params": { "id": "nobody" } } },
        node("then", "find"),
    ] });
    assert_eq!(post(&client, "/v1/workflows", &lost).await.0, 201);
    let run = ended(&client, "lost", "/v1/workflows/lost").await;
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!("NODE_FAILED"))
    );
    assert!(
        run["error"]["message"].as_str().unwrap().contains("\"find\""),
        "{run:#}"
    );
    assert_eq!(
        statuses(&run),
        BTreeMap::from([("find", "failed"), ("then", "skipped")])
    );
}

/// Steps that have ended, with all that the journal says of them.
async fn journalled(client: &Client, run: usize) -> BTreeMap<String, Value> {
    let run = client.get("operator", &format!("/v1/sys/workflow/run-{run}")).await;
    let steps = run["steps"].as_array().unwrap().iter();
    let ended = steps.filter(|step| step.get("endedAt").is_some());
    ended
        .map(|step| (format!("{}#{}", step["name"], step["occurrence"]), step.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_survive_kill_minus_nine_and_no_step_is_recorded_twice() {
    let data = tempfile::tempdir().unwrap();
    let mut nodes = vec![json!({ "id": "n0", "wait": { "millis": 1 } })];
    for place in 1..30 {
        let before = format!("n{}", place - 1);
        nodes.push(match place % 3 {
            0 => json!({ "id": format!("n{place}"), "dependsOn": [before], "wait": { "millis": 150 } }),
            1 => json!({ "id": format!("n{place}"), "dependsOn": [before], "job": { "name": "sweep-roster" } }),
            _ => json!({ "id": format!("n{place}"), "dependsOn": [before],
                         "call": { "service": "core", "method": "listUsers", "params": {} } }),
        });
    }
    let mut seen: Vec<BTreeMap<String, Value>> = vec![BTreeMap::new(); RUNS];
    for life in 0..=KILLS {
        let mut fleet = Fleet::start(data.path());
        let client = client(&fleet);
        for (run, seen) in seen.iter_mut().enumerate() {
            let graph = json!({ "id": format!("run-{run}"), "nodes": nodes });
            let (status, answer) = post(&client, "/v1/workflows", &graph).await;
            assert_eq!(status, 201, "{answer}");
            let now = journalled(&client, run).await;
            for (step, before) in seen.iter() {
                assert_eq!(now.get(step), Some(before), "{step} of run {run} in life {life}");
            }
            *seen = now;
        }
        if life < KILLS {
            let steps: usize = seen.iter().map(BTreeMap::len).sum();
            let further = async {
                loop {
                    let mut now = 0;
                    for (run, seen) in seen.iter_mut().enumerate() {
                        *seen = journalled(&client, run).await;
                        now += seen.len();
                    }
                    if now > steps + RUNS {
                        return;
                    }
                }
            };
            // The last lives may find everything done.
            let _ = tokio::time::timeout(Duration::from_secs(2), further).await;
            fleet.kill();
            continue;
        }
        for run in 0..RUNS {
            let done = ended(&client, &format!("run-{run}"), &format!("/v1/workflows/run-{run}")).await;
            assert_eq!(done["status"], "completed", "{done:#}");
            assert!(statuses(&done).values().all(|status| *status == "completed"));
        }
    }
}
