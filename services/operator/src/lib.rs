//! Operator: who is alive, jobs on behalf of others, graphs, deploys.
//!
//! Services announce themselves at boot and sign off at shutdown; who does neither is found by probing. The roster lives in the
//! operator's store, so a restart of it forgets nobody.

mod announcement;
mod deploy;
mod graph;
mod jobs;
mod prober;
mod railway;
mod roster;

use blackroad_os_contracts::operator;
use blackroad_os_contracts::workflows::RUN_GRAPH;
use syscall_sdk::contract::mesh;
use syscall_sdk::service::Service;

/// What the operator declares.
pub fn service() -> Service {
    Service::new("operator", env!("CARGO_PKG_VERSION"))
        .own_events(&["mesh"])
        .method(mesh::ANNOUNCE, roster::announce)
        .method(mesh::SIGN_OFF, roster::sign_off)
        .method(mesh::LIST, roster::list)
        .stream_method(mesh::WATCH, roster::watch)
        .method(operator::CREATE_JOB, jobs::create)
        .task(operator::DEPLOY_SERVICE, deploy::run)
        .task(operator::SWEEP_ROSTER, roster::sweep)
        .cron(operator::SWEEP_ROSTER, "7 * * * *", &())
        .flow(RUN_GRAPH, graph::run)
        .routes(graph::routes())
        .background("prober", prober::run)
}
