//! What any service may ask of any other: is it well, who is it, how far away is it.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::answer::error_of;
use super::{CallOptions, Client, header};
use crate::error::{Error, Kind, Result};
use crate::transport::{Body, Request};
use crate::wire::{Health, Identity};

/// An answer to [`Client::ping`].
#[derive(Clone, Debug, PartialEq)]
pub struct Ping {
    /// How it is.
    pub health: Health,
    /// How long the answer took.
    pub took: Duration,
}

impl Client {
    /// How a service is. An unhealthy one answers too; only one that cannot be asked is an error.
    ///
    /// # Errors
    /// What kept the question from the service.
    pub async fn health(&self, service: &str, options: &CallOptions) -> Result<Health> {
        let reply = self.get(service, "/health", options).await?;
        decode(service, &reply.body)
    }

    /// Who a service is.
    ///
    /// # Errors
    /// What the service answered, or what kept the question from it.
    pub async fn identity(&self, service: &str, options: &CallOptions) -> Result<Identity> {
        self.get_json(service, "/v1/sys/identity", options).await
    }

    /// How a service is, and which of its processes said so.
    ///
    /// # Errors
    /// What the service answered, or what kept the question from it.
    pub async fn health_of(&self, service: &str, options: &CallOptions) -> Result<(Health, Option<String>)> {
        let reply = self.get(service, "/v1/sys/identity", options).await?;
        if !reply.status.is_success() {
            return Err(error_of(service, reply.status, &reply.headers, &reply.body));
        }
        let identity: Identity = decode(service, &reply.body)?;
        let instance = reply
            .headers
            .get(header::INSTANCE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Ok((
            Health {
                status: identity.health.status,
            },
            instance,
        ))
    }

    /// Posts JSON to a path of a service and reads JSON.
    ///
    /// # Errors
    /// What the service answered, or what kept the request from it.
    pub async fn post_json<B: Serialize, T: DeserializeOwned>(
        &self,
        service: &str,
        path: &'static str,
        body: &B,
        options: &CallOptions,
    ) -> Result<T> {
        let text =
            serde_json::to_vec(body).map_err(|error| Error::invalid("the body has no JSON form").with_source(error))?;
        let mut request = Request::new(Body::from(text));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = http::Uri::from_static(path);
        request.headers_mut().insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
        let reply = self.exchange(service, request, options).await?;
        if !reply.status.is_success() {
            return Err(error_of(service, reply.status, &reply.headers, &reply.body));
        }
        decode(service, &reply.body)
    }

    /// How far away a service is.
    ///
    /// # Errors
    /// As [`Client::health`].
    pub async fn ping(&self, service: &str, options: &CallOptions) -> Result<Ping> {
        let begun = Instant::now();
        let health = self.health(service, options).await?;
        Ok(Ping {
            health,
            took: begun.elapsed(),
        })
    }

    /// Gets a path of a service as JSON.
    ///
    /// # Errors
    /// What the service answered, or what kept the question from it.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        service: &str,
        path_and_query: &str,
        options: &CallOptions,
    ) -> Result<T> {
        let reply = self.get(service, path_and_query, options).await?;
        if !reply.status.is_success() {
            return Err(error_of(service, reply.status, &reply.headers, &reply.body));
        }
        decode(service, &reply.body)
    }
}

fn decode<T: DeserializeOwned>(service: &str, body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new(
            Kind::BadGateway,
            format!("{service} answered another shape than the contract says"),
        )
        .with_source(error)
    })
}
