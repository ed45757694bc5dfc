//! What a service has where it lists the capability: workflows, pipes; and the operator's mesh.

use serde_json::json;

use super::probe::Probe;
use super::reply::{Is, has};
use super::rule::{Rule, Verdict, ensure, rule, skip};

pub(super) const RULES: &[Rule] = &[
    rule!(Workflows Ours Required, "workflows are listed", "Ours: GET /v1/sys/workflows", workflows),
    rule!(Workflows Ours Required, "a workflow that does not exist is 404 to read, to cancel and to signal", "Ours: GET /v1/sys/workflow/{id}", no_workflow),
    rule!(Workflows Ours Required, "a workflow that nobody wrote is refused", "Ours: POST /v1/sys/workflow", unknown_workflow),
    rule!(Pipes Ours Required, "a pipe without an upgrade is refused", "Ours: GET /v1/sys/pipe/{name} with an upgrade", pipe),
    rule!(Mesh Ours Required, "the operator serves mesh.announce, mesh.signOff and mesh.list", "Ours: mesh", mesh),
    rule!(Mesh Ours Required, "mesh.list gives every service of the registry with its processes", "Ours: `mesh.list {}`", roster),
];

async fn workflows(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/workflows").await?;
    reply.has(200, &[("workflows", Is::Array)])
}

async fn no_workflow(probe: &Probe) -> Verdict {
    probe
        .get("/v1/sys/workflow/conform-no-such-id")
        .await?
        .refuses(404, None)?;
    for action in ["cancel", "signal/conform"] {
        let path = format!("/v1/sys/workflow/conform-no-such-id/{action}");
        probe.post(&path, &json!({})).await?.refuses(404, None)?;
    }
    Ok(())
}

async fn unknown_workflow(probe: &Probe) -> Verdict {
    probe
        .post("/v1/sys/workflow", &json!({ "name": "conform-no-such-workflow" }))
        .await?
        .refuses(404, None)?;
    probe
        .post("/v1/sys/workflow", &json!({ "params": {} }))
        .await?
        .refuses(400, None)
}

async fn pipe(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/pipe/conform").await?;
    ensure((400..500).contains(&reply.status), || reply.shown())?;
    reply.is_error()
}

/// The methods of the operator; only it has a mesh.
async fn methods(probe: &Probe) -> Verdict<Vec<String>> {
    if probe.record().is_none_or(|record| record.role != "operator") {
        return skip("this is not the operator");
    }
    let reply = probe.get("/v1/sys/rpc").await?;
    reply.has(200, &[("methods", Is::Array)])?;
    let methods = reply.json["methods"].as_array().into_iter().flatten();
    let names: Vec<String> = methods
        .filter_map(|method| method["name"].as_str().map(str::to_owned))
        .collect();
    if names.is_empty() {
        return skip("this operator serves no methods at all");
    }
    Ok(names)
}

async fn mesh(probe: &Probe) -> Verdict {
    let names = methods(probe).await?;
    for wanted in ["mesh.announce", "mesh.signOff", "mesh.list"] {
        ensure(names.iter().any(|name| name == wanted), || {
            format!("{wanted} is not among {names:?}")
        })?;
    }
    Ok(())
}

async fn roster(probe: &Probe) -> Verdict {
    methods(probe).await?;
    let reply = probe.call(&json!({ "method": "mesh.list", "params": {} })).await?;
    reply.has(200, &[("result.services", Is::Array)])?;
    let services = reply.json["result"]["services"].as_array().cloned().unwrap_or_default();
    for key in probe.registry.keys() {
        let listed = services.iter().find(|service| service["key"] == *key);
        let Some(service) = listed else {
            return super::rule::fail(format!("{key} is not on the roster"));
        };
        has(
            service,
            &[("service", Is::Word), ("role", Is::Word), ("instances", Is::Array)],
        )?;
    }
    Ok(())
}
