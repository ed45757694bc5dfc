//! What any service may ask of any other: is it well, who is it, how far away is it.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::answer::error_of;
use super::{CallOptions, Client};
use crate::error::{Error, Kind, Result};
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
