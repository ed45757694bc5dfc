//! How a field is written in a dump where its own form would not come back as it was.

/// JSON as the text it came as, in a string: a line break in it would end the line of the dump.
pub(in crate::store) mod json {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::wire::Json;

    pub(in crate::store) fn serialize<S: Serializer>(json: &Json, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(json.text())
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        Json::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The same, where there may be none.
pub(in crate::store) mod json_or_none {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::wire::Json;

    pub(in crate::store) fn serialize<S: Serializer>(json: &Option<Json>, serializer: S) -> Result<S::Ok, S::Error> {
        json.as_ref().map(Json::text).serialize(serializer)
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| Json::parse(&text))
            .transpose()
            .map_err(D::Error::custom)
    }
}

/// A backoff as base, factor and cap. The factor is a text, which is read back to the last bit; the JSON reader rounds.
pub(in crate::store) mod backoff {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::policy::Backoff;

    pub(in crate::store) fn serialize<S: Serializer>(backoff: &Backoff, serializer: S) -> Result<S::Ok, S::Error> {
        (backoff.base, backoff.factor.to_string(), backoff.cap).serialize(serializer)
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Backoff, D::Error> {
        let (base, factor, cap): (u64, String, u64) = Deserialize::deserialize(deserializer)?;
        let factor = factor.parse().map_err(D::Error::custom)?;
        Ok(Backoff { base, factor, cap })
    }
}
