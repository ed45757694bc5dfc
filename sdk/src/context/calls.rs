//! How a handler calls others: with what is left of its caller's time, in the same request.

use std::net::IpAddr;

use super::Context;
use crate::contract::{Method, Payload, StreamMethod};
use crate::error::Result;
use crate::pipe::{self, Pipe};
use crate::policy::{mark, party};
use crate::rpc::{CallOptions, Results};
use crate::wire::Json;

impl Context {
    /// Calls a method of another service, within what is left of the caller's time.
    ///
    /// # Errors
    /// What the callee answered, or what kept the call from it.
    pub async fn call<P: Payload, R: Payload>(&self, method: &Method<P, R>, params: P) -> Result<R> {
        self.kernel.rpc.call(method, &params, self.call_options()).await
    }

    /// Calls a method by name, for what is known at run time alone.
    ///
    /// # Errors
    /// As [`Context::call`].
    pub async fn call_by_name(&self, service: &str, method: &str, params: Option<&Json>) -> Result<Json> {
        self.kernel
            .rpc
            .call_by_name(service, method, params, self.call_options())
            .await
    }

    /// Calls a method that gives a stream of results, of another service or of this one. What is left of the caller's time bounds the
    /// wait for it to begin; the stream lasts until its last result, and dropping it cancels the handler.
    ///
    /// # Errors
    /// What the callee answered instead of a stream, or what kept the call from it. What goes wrong later is the stream's last item.
    pub async fn call_stream<P: Payload, R: Payload>(
        &self,
        method: &StreamMethod<P, R>,
        params: &P,
    ) -> Result<Results<R>> {
        self.kernel.rpc.call_stream(method, params, self.call_options()).await
    }

    /// Opens a pipe: a two-way stream of bytes to whatever serves that name in another service, or in this one. What is left of the
    /// caller's time bounds the opening; the pipe lasts until both ends have ended it, or one of them is dropped.
    ///
    /// # Errors
    /// `PIPE_NOT_FOUND`, `OVERLOADED` where the service has no room for another pipe, what else it answered, or what kept the request
    /// from it.
    pub async fn pipe(&self, service: &str, name: &str) -> Result<Pipe> {
        pipe::open(&self.kernel.rpc, &self.kernel.scope, service, name, self.call_options()).await
    }

    /// How calls from here are made: with what is left of the caller's time, one hop deeper, in the same request.
    pub fn call_options(&self) -> CallOptions {
        CallOptions {
            deadline: self.request.deadline,
            hops: self.request.hops,
            repeated: self.request.repeated,
            request_id: self.request.request_id.clone(),
            trace_state: self.request.trace_state.clone(),
            sticky: self.sticky(),
            ..CallOptions::default()
        }
    }

    /// For whom calls from here are made, as a number: the caller as they proved to be, or their address.
    fn sticky(&self) -> Option<u64> {
        let (principal, client) = (&self.request.caller.principal, self.request.client);
        match (principal, client.map(party)) {
            (Some(principal), _) => Some(mark(principal.subject.as_bytes())),
            (None, Some(IpAddr::V4(address))) => Some(mark(&address.octets())),
            (None, Some(IpAddr::V6(address))) => Some(mark(&address.octets())),
            (None, None) => None,
        }
    }

    /// How calls are made on behalf of who asks, as a page makes them for its reader: with the caller's own credential, or with what both a
    /// signed-in person and this service may do; never with what this service alone may. Where nobody is asked for anything, as
    /// [`Context::call_options`].
    pub fn on_behalf(&self) -> CallOptions {
        CallOptions {
            relay_for: (!self.kernel.gate.is_open() || self.request.caller.credential.is_some())
                .then(|| self.request.caller.clone()),
            ..self.call_options()
        }
    }
}
