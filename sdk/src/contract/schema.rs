use serde_json::{Map, Value};
use utoipa::openapi::RefOr;

use super::Payload;
use crate::wire::Json;

/// A JSON Schema and the schemas that it refers to, by name. Whoever describes a thing keeps how to make its schema, `fn() -> Schema`, and
/// not the schema: a service has hundreds, and most are never read.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The type itself; references read `#/components/schemas/{name}`, as OpenAPI has them.
    pub root: Value,
    /// What it refers to.
    pub named: Map<String, Value>,
}

/// The schema of a payload.
pub fn schema_of<T: Payload>() -> Schema {
    let mut named: Vec<(String, RefOr<utoipa::openapi::Schema>)> = Vec::new();
    T::schemas(&mut named);
    let value = |schema: &RefOr<utoipa::openapi::Schema>| serde_json::to_value(schema).unwrap_or_default();
    Schema {
        root: value(&T::schema()),
        named: named
            .iter()
            .map(|(name, schema)| (name.clone(), value(schema)))
            .collect(),
    }
}

/// Whether a payload is a list.
pub(crate) fn is_list<T: Payload>() -> bool {
    matches!(T::schema(), RefOr::T(utoipa::openapi::Schema::Array(_)))
}

impl Schema {
    /// One self-contained JSON Schema document: what it refers to stands under `$defs`.
    pub fn standalone(&self) -> Json {
        let mut root = self.root.clone();
        if !self.named.is_empty()
            && let Value::Object(root) = &mut root
        {
            root.insert("$defs".to_owned(), Value::Object(self.named.clone()));
        }
        rename_references(&mut root);
        Json::from(root)
    }
}

fn rename_references(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(target) if key == "$ref" => {
                        *target = target.replace("#/components/schemas/", "#/$defs/");
                    }
                    other => rename_references(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rename_references),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};
    use utoipa::ToSchema;

    #[derive(Serialize, Deserialize, ToSchema)]
    struct Inner {
        id: String,
    }

    #[derive(Serialize, Deserialize, ToSchema)]
    struct Outer {
        inner: Inner,
    }

    #[test]
    fn a_standalone_schema_holds_what_it_refers_to() {
        let schema = schema_of::<Outer>().standalone().value();
        assert_eq!(schema["properties"]["inner"]["$ref"], "#/$defs/Inner");
        assert_eq!(schema["$defs"]["Inner"]["properties"]["id"]["type"], "string");
    }
}
