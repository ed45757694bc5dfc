use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{Object, SchemaType};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A JSON value kept as the text it came as: passed on byte for byte, parsed only by who needs it.
///
/// It is checked when it is read, so that what the store holds always parses: a number beyond `f64`, a lone surrogate
/// or nesting deeper than 128 is refused at the edge rather than found later.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Renders a value.
    ///
    /// # Errors
    /// Where the value has no JSON form, such as a map whose keys are no strings.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        serde_json::value::to_raw_value(value).map(Json)
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// Where the text is no JSON.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// Takes a text that was checked before, as the store's are.
    ///
    /// # Errors
    /// Where the text is no JSON after all.
    pub fn from_checked(text: String) -> serde_json::Result<Self> {
        RawValue::from_string(text).map(Json)
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// Parses it to a type.
    ///
    /// # Errors
    /// Where the value is not of that type.
    pub fn to<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.0.get())
    }

    /// Parses it to a tree.
    pub fn value(&self) -> serde_json::Value {
        // Checked when it was read; null is what a reader of a damaged store can still show.
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Json(RawValue::from_string(value.to_string()).expect("a JSON tree renders as JSON"))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        serde_json::from_str::<serde_json::Value>(raw.get()).map_err(D::Error::custom)?;
        Ok(Json(raw))
    }
}

impl PartialSchema for Json {
    fn schema() -> RefOr<Schema> {
        RefOr::T(Schema::Object(
            Object::builder().schema_type(SchemaType::AnyValue).build(),
        ))
    }
}

impl ToSchema for Json {
    fn name() -> Cow<'static, str> {
        "Json".into()
    }
}
