//! The `deploy-service` job: asks the platform to deploy a branch of a service.

use blackroad_os_contracts::operator::{DeployService, Deployment};
use serde_json::json;
use syscall_sdk::audit::Record;
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
    // Before it is asked for: what cannot be put on the record is not deployed.
    let record_of_it = Record::allowed("deploy", format!("service/{}", record.key)).with("branch", &branch);
    context.audit(record_of_it.with("job", &context.job().id)).await?;
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
