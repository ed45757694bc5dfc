//! The platform's API: GraphQL, with a project token, which is good for one environment.

use serde_json::{Value, json};
use syscall_sdk::config::Secret;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};

/// The platform's public endpoint; `RAILWAY_API_URL` names another, such as a local one in tests.
const ENDPOINT: &str = "https://backboard.railway.com/graphql/v2";
/// A commit's full name.
const COMMIT_DIGITS: usize = 40;

/// A client of the platform.
pub(crate) struct Railway {
    http: reqwest::Client,
    endpoint: String,
    token: Secret,
}

/// A service within a project's environment.
pub(crate) struct Place {
    project: String,
    environment: String,
    service: String,
}

impl Railway {
    pub(crate) fn new(context: &Context, token: Secret) -> Self {
        let endpoint = context
            .secret("RAILWAY_API_URL")
            .map_or_else(|| ENDPOINT.to_owned(), |url| url.reveal().to_owned());
        Railway {
            http: context.http().clone(),
            endpoint,
            token,
        }
    }

    /// Finds a service by its registry name, alone or with the environment's name behind it.
    pub(crate) async fn find(&self, name: &str) -> Result<Place> {
        let token = self
            .ask("query { projectToken { projectId environmentId } }", json!({}))
            .await?;
        let id = |value: &Value| value.as_str().map(str::to_owned);
        let (Some(project), Some(environment)) = (
            id(&token["projectToken"]["projectId"]),
            id(&token["projectToken"]["environmentId"]),
        ) else {
            return Err(
                Error::invalid("RAILWAY_TOKEN is no project token: it names no project and environment")
                    .with_code("NO_PLATFORM_TOKEN"),
            );
        };
        let query = "query ($id: String!) { project(id: $id) { services { edges { node { id name } } } } }";
        let found = self.ask(query, json!({ "id": project })).await?;
        let services = found["project"]["services"]["edges"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let service = services.iter().find_map(|edge| {
            let called = edge["node"]["name"].as_str()?;
            let ours = called == name || called.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
            ours.then(|| id(&edge["node"]["id"])).flatten()
        });
        let service = service.ok_or_else(|| {
            Error::not_found(format!("the platform's project has no service called {name}"))
                .with_code("NO_PLATFORM_SERVICE")
        })?;
        Ok(Place {
            project,
            environment,
            service,
        })
    }

    /// Deploys a commit, or the head of the branch that the service is connected to; gives the deployment's id.
    pub(crate) async fn deploy(&self, place: &Place, branch: &str) -> Result<String> {
        let commit = branch.len() == COMMIT_DIGITS && branch.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !commit {
            self.check_branch(place, branch).await?;
        }
        let mutation = "mutation ($service: String!, $environment: String!, $commit: String) { \
                        serviceInstanceDeployV2(serviceId: $service, environmentId: $environment, commitSha: $commit) }";
        let variables =
            json!({ "service": place.service, "environment": place.environment, "commit": commit.then_some(branch) });
        let answer = self.ask(mutation, variables).await?;
        answer["serviceInstanceDeployV2"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Error::new(Kind::BadGateway, "the platform took the deployment and named no id"))
    }

    /// The platform deploys the branch that a service is connected to and no other: a wish for another one is refused, not ignored.
    async fn check_branch(&self, place: &Place, branch: &str) -> Result<()> {
        let query = "query ($project: String!, $environment: String!, $service: String!) { \
                     deploymentTriggers(projectId: $project, environmentId: $environment, serviceId: $service) { edges { node { branch } } } }";
        let variables = json!({ "project": place.project, "environment": place.environment, "service": place.service });
        let answer = self.ask(query, variables).await?;
        let connected = answer["deploymentTriggers"]["edges"][0]["node"]["branch"]
            .as_str()
            .map(str::to_owned);
        match connected {
            Some(connected) if connected != branch => Err(Error::invalid(format!(
                "the service is connected to branch {connected:?} in this environment, not {branch:?}; deploy a commit by its full name, or connect the branch"
            ))
            .with_code("OTHER_BRANCH")),
            _ => Ok(()),
        }
    }

    async fn ask(&self, query: &str, variables: Value) -> Result<Value> {
        let unreachable =
            |error: reqwest::Error| Error::unavailable("the platform's API cannot be reached").with_source(error);
        let request = self
            .http
            .post(&self.endpoint)
            .header("Project-Access-Token", self.token.reveal());
        let response = request
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        let body: Value = response.json().await.map_err(unreachable)?;
        if let Some(message) = body["errors"][0]["message"].as_str() {
            return Err(
                Error::new(Kind::BadGateway, format!("the platform refused: {message}")).with_code("PLATFORM_REFUSED")
            );
        }
        if !status.is_success() {
            return Err(Error::unavailable(format!("the platform's API answered {status}")));
        }
        Ok(body["data"].clone())
    }
}
