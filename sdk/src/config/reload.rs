//! What may change while a service runs, and what waits for its next start.

use std::collections::BTreeSet;

use super::Variables;

/// What the kernel reads again while it runs.
pub const LIVE: [&str; 7] = [
    "LOG_LEVEL",
    "ALLOWED_ORIGINS",
    "SYSCALL_TOKEN",
    "SYSCALL_ROOT_KEYS",
    "EVENTS_MAX_BYTES",
    "CHANGES_MAX_BYTES",
    "JOBS_MAX_BYTES",
];

/// What the kernel reads at its start alone: names, places, stores and what is switched on, around which everything else is built.
pub const AT_START: [&str; 36] = [
    "SERVICE_NAME",
    "SERVICE_ROLE",
    "ENVIRONMENT",
    "PORT",
    "VERSION",
    "SYSCALL_AUTH",
    "SYSCALL_SOCKETS",
    "TRUST_EDGE",
    "CALLER_RATE",
    "API_RATE",
    "KEY_RATE",
    "AUTH_RATE",
    "PAGE_RATE",
    "AMNESIA",
    "DATABASE_URL",
    "DATA_DIR",
    "LOG_FORMAT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "RPC_FALLBACK",
    "ENABLE_RPC",
    "ENABLE_EVENTS",
    "ENABLE_JOBS",
    "ENABLE_STATE",
    "RAILWAY_STATIC_URL",
    "RAILWAY_PUBLIC_DOMAIN",
    "RAILWAY_PRIVATE_DOMAIN",
    "RAILWAY_ENVIRONMENT",
    "RAILWAY_ENVIRONMENT_NAME",
    "RAILWAY_REPLICA_ID",
    "RAILWAY_DEPLOYMENT_ID",
    "RAILWAY_GIT_COMMIT_SHA",
    "BUILD_COMMIT",
    "BUILD_TIME",
    "RAILWAY_DEPLOYMENT_DRAINING_SECONDS",
    "CONFIG_FILE",
    "CREDENTIALS_DIRECTORY",
];

/// What reading the environment again comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What is to hold: as it runs, with what may change as it was read.
    pub variables: Variables,
    /// What changed and holds.
    pub applied: Vec<String>,
    /// What changed and waits for the next start.
    pub waiting: Vec<String>,
}

/// Holds what was read now against what was read before, and puts what may change into what runs.
///
/// A variable that is neither the kernel's nor an address is the service's own, which reads it when it needs it: it changes.
pub fn change(running: &Variables, before: &Variables, after: &Variables) -> Change {
    let mut change = Change {
        variables: running.clone(),
        ..Change::default()
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names.into_iter().filter(|name| before.get(*name) != after.get(*name)) {
        if waits(name) {
            change.waiting.push(name.clone());
            continue;
        }
        match after.get(name) {
            Some(value) => change.variables.insert(name.clone(), value.clone()),
            None => change.variables.remove(name),
        };
        change.applied.push(name.clone());
    }
    change
}

/// Whether a variable waits for the next start. `{KEY}_URL` overrides the registry, which everything is dialled by.
fn waits(name: &str) -> bool {
    AT_START.contains(&name) || name.starts_with("OTEL_") || name.ends_with("_URL")
}

#[cfg(test)]
mod tests {
    use serde::de::{self, Visitor};
    use serde::forward_to_deserialize_any;

    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    /// Tells which fields a struct asks for.
    struct Fields<'a>(&'a mut Vec<&'static str>);

    impl<'de> de::Deserializer<'de> for Fields<'_> {
        type Error = de::value::Error;

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Self::Error> {
            self.0.extend(fields);
            Err(de::Error::custom("no values"))
        }

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(de::Error::custom("no struct"))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
            tuple_struct map enum identifier ignored_any
        }
    }

    #[test]
    fn of_every_variable_of_the_kernels_it_is_said_whether_it_may_change() {
        let mut fields = Vec::new();
        let _ = <super::super::Raw as serde::Deserialize>::deserialize(Fields(&mut fields));
        assert!(fields.len() > 20, "{fields:?}");
        for name in fields.iter().map(|field| field.to_uppercase()) {
            let said = [LIVE.as_slice(), AT_START.as_slice()].concat();
            assert_eq!(said.iter().filter(|known| **known == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn what_may_change_does_and_what_may_not_is_named() {
        let running = variables(&[("LOG_LEVEL", "info"), ("PORT", "1"), ("DATA_DIR", "/typed")]);
        let before = variables(&[
            ("LOG_LEVEL", "info"),
            ("PORT", "1"),
            ("OLD_KEY", "k"),
            ("DATA_DIR", "/read"),
        ]);
        let after = variables(&[
            ("LOG_LEVEL", "debug"),
            ("PORT", "2"),
            ("STRIPE_KEY", "s"),
            ("DATA_DIR", "/read"),
        ]);
        let change = change(&running, &before, &after);
        assert_eq!(change.applied, ["LOG_LEVEL", "OLD_KEY", "STRIPE_KEY"]);
        assert_eq!(change.waiting, ["PORT"]);
        let expected = [
            ("LOG_LEVEL", "debug"),
            ("PORT", "1"),
            ("DATA_DIR", "/typed"),
            ("STRIPE_KEY", "s"),
        ];
        assert_eq!(change.variables, variables(&expected));
    }
}
