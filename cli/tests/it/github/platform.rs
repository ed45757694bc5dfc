//! A platform with a project of two services: it builds what it is told to, each deployment with the fate that a test gives it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

/// The token that it knows.
pub(super) const TOKEN: &str = "project-token";

/// One deployment.
struct Deployment {
    service: String,
    /// What it will be asked for next comes first; the last one stays.
    statuses: Vec<&'static str>,
}

#[derive(Default)]
struct World {
    environment: String,
    deployments: Vec<Deployment>,
    /// The statuses that a new deployment of a service runs through.
    fates: BTreeMap<String, Vec<&'static str>>,
    /// What was changed, a line each.
    changes: Vec<String>,
}

/// The platform; it answers for as long as the runtime of the test lives.
#[derive(Clone)]
pub(super) struct Platform {
    pub(super) address: SocketAddr,
    world: Arc<Mutex<World>>,
}

impl Platform {
    /// One whose token is of an environment, with `core` and `api` up.
    pub(super) async fn start(environment: &str) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let world = World {
            environment: environment.to_owned(),
            deployments: ["core", "api"]
                .map(|service| Deployment {
                    service: service.to_owned(),
                    statuses: vec!["SUCCESS"],
                })
                .into(),
            ..World::default()
        };
        let platform = Platform {
            address: listener.local_addr()?,
            world: Arc::new(Mutex::new(world)),
        };
        let router = Router::new()
            .route("/graphql", post(answer))
            .with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(platform)
    }

    /// What the next deployments of a service run through.
    pub(super) fn fate(&self, service: &str, statuses: &[&'static str]) {
        self.world().fates.insert(service.to_owned(), statuses.to_vec());
    }

    pub(super) fn changes(&self) -> Vec<String> {
        self.world().changes.clone()
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().expect("nobody panics with it")
    }
}

async fn answer(State(platform): State<Platform>, headers: HeaderMap, Json(asked): Json<Value>) -> Json<Value> {
    if headers.get("project-access-token").is_none_or(|token| token != TOKEN) {
        return Json(json!({ "errors": [{ "message": "Not Authorized" }], "data": null }));
    }
    let (query, told) = (asked["query"].as_str().unwrap_or_default(), &asked["variables"]);
    let word = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    let mut world = platform.world();
    let data = if query.contains("projectToken") {
        json!({ "projectToken": {
            "project": { "id": "the-project", "name": "blackroad" },
            "environment": { "id": "the-environment", "name": world.environment },
        } })
    } else if query.contains("project(id") {
        let service = |id: &str, name: &str| json!({ "node": { "id": id, "name": name } });
        json!({ "project": { "services": { "edges": [
            // Another one whose name begins alike is not taken for it.
            service("core-worker", "blackroad-os-core-worker"),
            service("core", "blackroad-os-core-production"),
            service("api", "blackroad-os-api"),
        ] } } })
    } else if query.contains("deployments(") {
        let edges: Vec<Value> = (0..world.deployments.len())
            .filter(|at| world.deployments[*at].service == word("service"))
            .map(|at| {
                json!({ "node": {
                    "id": at.to_string(), "status": world.deployments[at].statuses[0], "createdAt": format!("{at:04}"), "canRollback": true,
                } })
            })
            .collect();
        json!({ "deployments": { "edges": edges } })
    } else if query.contains("deployment(id") {
        let at: usize = word("id").parse().unwrap_or(usize::MAX);
        let deployment = &mut world.deployments[at];
        let status = deployment.statuses[0];
        if deployment.statuses.len() > 1 {
            deployment.statuses.remove(0);
        }
        if status == "SUCCESS" {
            let service = deployment.service.clone();
            let replaced =
                |(other, deployment): &(usize, &mut Deployment)| *other != at && deployment.service == service;
            for (_, deployment) in world.deployments.iter_mut().enumerate().filter(replaced) {
                if deployment.statuses == ["SUCCESS"] {
                    deployment.statuses = vec!["REMOVED"];
                }
            }
        }
        json!({ "deployment": { "status": status } })
    } else if query.contains("serviceInstanceDeployV2") {
        let service = word("service");
        let statuses = world
            .fates
            .get(&service)
            .cloned()
            .unwrap_or(vec!["BUILDING", "SUCCESS"]);
        world.changes.push(format!("deploy {service} {}", word("commit")));
        world.deployments.push(Deployment { service, statuses });
        json!({ "serviceInstanceDeployV2": (world.deployments.len() - 1).to_string() })
    } else if query.contains("deploymentRollback") {
        let at: usize = word("id").parse().unwrap_or(usize::MAX);
        let service = world.deployments[at].service.clone();
        world.changes.push(format!("roll back {service} to {at}"));
        let statuses = vec!["DEPLOYING", "SUCCESS"];
        world.deployments.push(Deployment { service, statuses });
        json!({ "deploymentRollback": true })
    } else {
        json!(null)
    };
    Json(json!({ "data": data }))
}
