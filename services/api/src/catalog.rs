//! What the services offer, asked of them and kept for a while, with each method's schema compiled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonschema::Validator;
use serde_json::{Value, json};
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::wire::{MethodInfo, Methods};

/// How long an offer is believed: a redeploy may change it.
const BELIEVED: Duration = Duration::from_secs(30);
/// Longest wait for an offer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Places in the params that one answer points at.
const PLACES_MAX: usize = 20;

/// What the services offer.
#[derive(Default)]
pub(crate) struct Catalog(Mutex<BTreeMap<String, Kept>>);

struct Kept {
    offer: Arc<Offer>,
    at: Instant,
}

/// What one service offers.
pub(crate) struct Offer {
    pub(crate) methods: BTreeMap<String, Offered>,
}

/// One method.
pub(crate) struct Offered {
    pub(crate) info: MethodInfo,
    validator: Option<Validator>,
}

impl Catalog {
    /// What a service offers, asked of it where what is known is old.
    pub(crate) async fn of(&self, context: &Context, key: &str) -> Result<Arc<Offer>> {
        if let Some(kept) = self.known(key).filter(|kept| kept.at.elapsed() < BELIEVED) {
            return Ok(kept.offer);
        }
        self.refresh(context, key).await
    }

    /// What a service offers, asked of it now. While it cannot be asked, what is known stands.
    pub(crate) async fn refresh(&self, context: &Context, key: &str) -> Result<Arc<Offer>> {
        let options = CallOptions {
            timeout: Some(TIMEOUT),
            ..context.call_options()
        };
        match context.rpc().get_json::<Methods>(key, "/v1/sys/rpc", &options).await {
            Ok(methods) => {
                let offer = Arc::new(Offer::new(methods));
                let kept = Kept {
                    offer: Arc::clone(&offer),
                    at: Instant::now(),
                };
                self.0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(key.to_owned(), kept);
                Ok(offer)
            }
            Err(error) => self.known(key).map(|kept| kept.offer).ok_or(error),
        }
    }

    fn known(&self, key: &str) -> Option<Kept> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).map(|kept| Kept {
            offer: Arc::clone(&kept.offer),
            at: kept.at,
        })
    }
}

impl Offer {
    fn new(methods: Methods) -> Self {
        let offered = |info: MethodInfo| {
            // A schema that cannot be compiled checks nothing here; the service itself still checks its params.
            let validator = jsonschema::validator_for(&info.params.value()).ok();
            (info.name.clone(), Offered { info, validator })
        };
        Offer {
            methods: methods.methods.into_iter().map(offered).collect(),
        }
    }
}

impl Offered {
    /// Checks params, and says every place in which they miss the schema.
    pub(crate) fn check(&self, params: &Value) -> Result<()> {
        let Some(validator) = &self.validator else {
            return Ok(());
        };
        let places: Vec<Value> = validator
            .iter_errors(params)
            .take(PLACES_MAX)
            .map(|error| json!({ "at": error.instance_path().to_string(), "message": error.to_string() }))
            .collect();
        let Some(first) = places.first() else { return Ok(()) };
        Err(Error::invalid(format!(
            "the params of {} miss its schema at {:?}: {}",
            self.info.name,
            first["at"].as_str().unwrap_or_default(),
            first["message"].as_str().unwrap_or_default()
        ))
        .with_code("INVALID_PARAMS")
        .with_details(json!({ "errors": places })))
    }
}
