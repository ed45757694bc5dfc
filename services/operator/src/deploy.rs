//! The `deploy-service` job: asks the platform to deploy a branch of a service.

use blackroad_os_contracts::operator::{DeployService, Deployment};
use serde_json::json;
use syscall_sdk::context::JobContext;
use syscall_sdk::error::{Error, Result};

use crate::railway::Railway;

pub(crate) async fn run(context: JobContext, params: DeployService) -> Result<Deployment> {
    let record = context.registry().get(&params.service)?.clone();
    let branch = params.branch.unwrap_or_else(|| "main".to_owned());
    let Some(token) = context.secret("RAILWAY_TOKEN") else {
        return Err(Error::invalid(format!(
            "{} was not deployed: no RAILWAY_TOKEN is set on the operator; make a project token on the platform and set it",
            record.name
        ))
        .with_code("NO_PLATFORM_TOKEN"));
    };
    let railway = Railway::new(&context, token);
    context.progress(&json!({ "step": "looking the service up" })).await?;
    let place = railway.find(&record.name).await?;
    context
        .progress(&json!({ "step": "asking for the deployment", "branch": branch }))
        .await?;
    let deployment_id = railway.deploy(&place, &branch).await?;
    Ok(Deployment {
        service: record.name,
        branch,
        deployment_id,
    })
}
