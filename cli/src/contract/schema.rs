//! A JSON Schema with the document that its references lead into.

use serde_json::{Map, Value};

/// Most references that are followed one after the other: more is a loop of names that say nothing.
const HOPS_MAX: usize = 32;

/// A schema that every value has.
static ANYTHING: Value = Value::Bool(true);

/// A schema somewhere in a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema<'a> {
    root: &'a Value,
    at: &'a Value,
}

impl<'a> Schema<'a> {
    /// A schema, and where `#/…` leads.
    pub(super) fn of(root: &'a Value, at: &'a Value) -> Self {
        Schema { root, at }
    }

    /// Another schema of the same document.
    pub(super) fn beside(self, at: &'a Value) -> Self {
        Schema { root: self.root, at }
    }

    /// What it says once references are followed; one that leads nowhere says nothing, as `true` does.
    pub(super) fn resolved(self) -> Self {
        let mut at = self.at;
        for _ in 0..HOPS_MAX {
            let Some(target) = at["$ref"].as_str() else { break };
            match self.root.pointer(target.trim_start_matches('#')) {
                Some(found) => at = found,
                None => return self.beside(&ANYTHING),
            }
        }
        self.beside(at)
    }

    /// A schema that was made, read with the references of this one.
    pub(super) fn beside_own<'b>(self, at: &'b Value) -> Schema<'b>
    where
        'a: 'b,
    {
        Schema { root: self.root, at }
    }

    /// What it says, as it is written.
    pub(super) fn get_self(self) -> &'a Value {
        self.at
    }

    /// The name of the type, where it is told by name.
    pub(super) fn name(self) -> Option<&'a str> {
        self.at["$ref"].as_str()
    }

    pub(super) fn get(self, keyword: &str) -> Option<&'a Value> {
        self.at.get(keyword)
    }

    /// A schema that stands under a keyword.
    pub(super) fn sub(self, keyword: &str) -> Option<Self> {
        self.get(keyword).map(|at| self.beside(at))
    }

    /// The schemas that stand in a list under a keyword.
    pub(super) fn list(self, keyword: &str) -> Option<Vec<Self>> {
        let list = self.get(keyword)?.as_array()?;
        Some(list.iter().map(|at| self.beside(at)).collect())
    }

    /// One of several, of which a value is any or exactly one.
    pub(super) fn alternatives(self) -> Option<Vec<Self>> {
        self.list("oneOf").or_else(|| self.list("anyOf"))
    }

    pub(super) fn property(self, name: &str) -> Option<Self> {
        self.get("properties")?.get(name).map(|at| self.beside(at))
    }

    pub(super) fn properties(self) -> impl Iterator<Item = (&'a String, Self)> {
        let map: Option<&Map<String, Value>> = self.get("properties").and_then(Value::as_object);
        map.into_iter().flatten().map(move |(name, at)| (name, self.beside(at)))
    }

    pub(super) fn requires(self, name: &str) -> bool {
        self.required().any(|required| required == name)
    }

    pub(super) fn required(self) -> impl Iterator<Item = &'a str> {
        let list = self.get("required").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The types of its values; none where it does not say. An enumeration says them too.
    pub(super) fn types(self) -> Option<Vec<&'a str>> {
        match self.get("type") {
            Some(Value::String(one)) => Some(vec![one]),
            Some(Value::Array(several)) => Some(several.iter().filter_map(Value::as_str).collect()),
            _ if self.get("properties").is_some() => Some(vec!["object"]),
            _ => self
                .values()
                .map(|values| values.iter().map(|value| type_of(value)).collect()),
        }
    }

    /// The values that it has, where it lists them.
    pub(super) fn values(self) -> Option<Vec<&'a Value>> {
        match (self.get("const"), self.get("enum").and_then(Value::as_array)) {
            (Some(one), _) => Some(vec![one]),
            (None, Some(several)) => Some(several.iter().collect()),
            (None, None) => None,
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The parts of an `allOf` as one object, for what is said by pieces; none where a part is no object.
pub(super) fn joined(schema: Schema<'_>) -> Option<Value> {
    let parts = schema.list("allOf")?;
    let mut all = schema.at.as_object()?.clone();
    all.remove("allOf");
    let mut all = Value::Object(all);
    for part in parts {
        let part = part.resolved();
        let own = joined(part);
        let part = own.as_ref().unwrap_or(part.at).as_object()?;
        for (keyword, value) in part {
            match (all.get_mut(keyword), value) {
                (Some(Value::Object(mine)), Value::Object(more)) => mine.extend(more.clone()),
                (Some(Value::Array(mine)), Value::Array(more)) => mine.extend(more.iter().cloned()),
                (Some(_), _) => {}
                (None, _) => all[keyword] = value.clone(),
            }
        }
    }
    Some(all)
}
