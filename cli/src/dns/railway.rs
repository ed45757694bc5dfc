//! What the platform says of its custom domains: their proofs and their targets. It is only read.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use syscall_sdk::config::{Secret, Variables};
use tokio::time::timeout;

use super::cloudflare::{answer, may_carry_a_token};
use super::handed::Domain;
use super::record::{Kind, host};

/// The platform's public endpoint; `RAILWAY_API_URL` names another, such as a local one in tests.
const ENDPOINT: &str = "https://backboard.railway.com/graphql/v2";
/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Most services of a project whose domains are read, in one request: the fleet has nine.
const SERVICES_MAX: usize = 50;

/// Asks with the project's token; `None` where none is set.
pub(super) async fn domains(variables: &Variables) -> Result<Option<BTreeMap<String, Domain>>> {
    let said = |name: &str| {
        variables
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    };
    let Some(token) = said("RAILWAY_TOKEN") else {
        return Ok(None);
    };
    let endpoint = said("RAILWAY_API_URL").unwrap_or(ENDPOINT).to_owned();
    if !may_carry_a_token(&endpoint) {
        bail!(
            "RAILWAY_API_URL is {endpoint:?}; it is https://, or http:// on this machine, since a token is sent there"
        );
    }
    let platform = Platform {
        http: crate::remote::client()?,
        endpoint,
        token: Secret::new(token),
    };
    platform.domains().await.map(Some)
}

struct Platform {
    http: reqwest::Client,
    endpoint: String,
    token: Secret,
}

impl Platform {
    async fn domains(&self) -> Result<BTreeMap<String, Domain>> {
        let place = self
            .ask("query { projectToken { projectId environmentId } }", json!({}))
            .await?;
        let (Some(project), Some(environment)) = (
            place["projectToken"]["projectId"].as_str(),
            place["projectToken"]["environmentId"].as_str(),
        ) else {
            bail!("RAILWAY_TOKEN is no project token: it names no project and environment");
        };
        let query = "query ($id: String!) { project(id: $id) { services { edges { node { id name } } } } }";
        let found = self.ask(query, json!({ "id": project })).await?;
        let edges = found["project"]["services"]["edges"].as_array();
        let services: Vec<&str> = edges
            .into_iter()
            .flatten()
            .filter_map(|edge| edge["node"]["id"].as_str())
            .take(SERVICES_MAX)
            .collect();
        let (query, variables) = of_services(project, environment, &services);
        let said = if services.is_empty() {
            Value::Null
        } else {
            self.ask(&query, variables).await?
        };
        let domains = said.as_object().into_iter().flat_map(Map::values);
        let domains = domains.flat_map(|service| service["customDomains"].as_array().into_iter().flatten());
        Ok(domains.filter_map(domain).collect())
    }

    async fn ask(&self, query: &str, variables: Value) -> Result<Value> {
        let request = self
            .http
            .post(&self.endpoint)
            .header("Project-Access-Token", self.token.reveal())
            .json(&json!({ "query": query, "variables": variables }));
        let (status, _, body) = timeout(TIMEOUT, answer(request))
            .await
            .with_context(|| format!("Railway did not answer within {} s", TIMEOUT.as_secs()))?
            .context("Railway could not be asked")?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if let Some(message) = body["errors"][0]["message"].as_str() {
            bail!("Railway refused: {message}");
        }
        if !status.is_success() {
            bail!("Railway answered {status}");
        }
        if body["data"].is_null() {
            bail!("Railway answered in a shape that it does not document");
        }
        Ok(body["data"].clone())
    }
}

/// One question for the domains of every service, each under a name of its own.
fn of_services(project: &str, environment: &str, services: &[&str]) -> (String, Value) {
    let mut variables = json!({ "p": project, "e": environment });
    let (mut declared, mut asked) = (String::new(), String::new());
    for (at, id) in services.iter().enumerate() {
        variables[format!("s{at}")] = json!(id);
        declared.push_str(&format!(", $s{at}: String!"));
        asked.push_str(&format!(
            " s{at}: domains(projectId: $p, environmentId: $e, serviceId: $s{at}) {{ customDomains {{ domain status {{ verificationDnsHost verificationToken dnsRecords {{ recordType requiredValue }} }} }} }}"
        ));
    }
    (
        format!("query ($p: String!, $e: String!{declared}) {{{asked} }}"),
        variables,
    )
}

fn domain(said: &Value) -> Option<(String, Domain)> {
    let status = &said["status"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let records = status["dnsRecords"].as_array();
    let target = records.into_iter().flatten().find_map(|record| {
        let kind = record["recordType"].as_str()?.trim_start_matches("DNS_RECORD_TYPE_");
        (kind == Kind::Cname.as_str()).then(|| host(record["requiredValue"].as_str().unwrap_or_default()))
    });
    let domain = Domain {
        host: host(status["verificationDnsHost"].as_str().unwrap_or_default()),
        token: text(&status["verificationToken"]),
        target: target.filter(|target| !target.is_empty()),
    };
    Some((host(said["domain"].as_str()?), domain))
}
