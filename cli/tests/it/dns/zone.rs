//! A zone that keeps the rules which the API documents: what may stand beside what, what is locked, and that a batch is a transaction.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A zone.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) plan: String,
    pub(super) records: Vec<Value>,
    pub(super) settings: BTreeMap<String, Value>,
    pub(super) fight_mode: bool,
    pub(super) rules: Option<Vec<Value>>,
    pub(super) checks: Vec<Value>,
    made: usize,
}

impl Zone {
    pub(super) fn new(name: &str) -> Self {
        let setting = |id: &str, value: &str| {
            let said = json!({ "id": id, "value": value, "editable": true, "modified_on": null });
            (id.to_owned(), said)
        };
        Zone {
            id: format!("{:032x}", name.len()),
            name: name.to_owned(),
            plan: "free".to_owned(),
            records: Vec::new(),
            settings: BTreeMap::from([
                setting("ssl", "flexible"),
                setting("min_tls_version", "1.0"),
                setting("always_use_https", "off"),
                setting("automatic_https_rewrites", "on"),
                setting("opportunistic_encryption", "on"),
            ]),
            fight_mode: false,
            rules: None,
            checks: Vec::new(),
            made: 0,
        }
    }

    /// Puts a record there that somebody else made.
    pub(super) fn with(mut self, record: Value) -> Self {
        self.add(record);
        self
    }

    /// Puts a record there, with what the API adds to it.
    pub(super) fn add(&mut self, mut record: Value) -> Value {
        self.made += 1;
        let defaults = [
            ("ttl", json!(1)),
            ("proxied", json!(false)),
            ("comment", Value::Null),
            ("tags", json!([])),
            ("meta", json!({})),
        ];
        for (name, value) in defaults {
            if record[name].is_null() {
                record[name] = value;
            }
        }
        record["id"] = json!(format!("{:032x}", 0xa000 + self.made));
        record["created_on"] = json!("2026-11-21T00:00:00Z");
        self.records.push(record.clone());
        record
    }

    /// The records as `TYPE name content`, with a mark on those that are ours.
    pub(super) fn listed(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut all: Vec<String> = self
            .records
            .iter()
            .map(|record| {
                let ours = text(&record["comment"]).contains("managed by blackroad");
                let (kind, name, content) = (text(&record["type"]), text(&record["name"]), text(&record["content"]));
                format!("{kind} {name} {content}{}", if ours { " *" } else { "" })
            })
            .collect();
        all.sort();
        all
    }

    /// A batch, which is one transaction: where one change is refused, none of the others was made.
    pub(super) fn batch(&mut self, body: &Value, refused: Option<&str>) -> Result<Value, (i64, String)> {
        let before = self.records.clone();
        let parts = body.as_object().into_iter().flatten();
        let asked: usize = parts.filter_map(|(_, part)| Some(part.as_array()?.len())).sum();
        if asked > 200 {
            return Err((9_304, "A batch has at most 200 operations on this plan.".to_owned()));
        }
        let mut done = json!({});
        for verb in ["deletes", "patches", "puts", "posts"] {
            let changes = body[verb].as_array().into_iter().flatten();
            let made: Result<Vec<Value>, _> = changes.map(|change| self.change(verb, change, refused)).collect();
            match made {
                Ok(made) => done[verb] = Value::Array(made),
                Err(refusal) => {
                    self.records = before;
                    return Err(refusal);
                }
            }
        }
        Ok(done)
    }

    /// One change of a batch; the code and the sentence of a refusal.
    fn change(&mut self, verb: &str, body: &Value, refused: Option<&str>) -> Result<Value, (i64, String)> {
        let at = |zone: &Zone| zone.records.iter().position(|record| record["id"] == body["id"]);
        let gone = || (81_044, "Record does not exist.".to_owned());
        if verb == "deletes" {
            let at = at(self).ok_or_else(gone)?;
            locked(&self.records[at])?;
            return Ok(self.records.remove(at));
        }
        let kind = body["type"].as_str().unwrap_or_default();
        let (name, content) = (
            body["name"].as_str().unwrap_or_default(),
            body["content"].as_str().unwrap_or_default(),
        );
        if Some(name) == refused {
            return Err((9_005, format!("Content for {kind} record is invalid.")));
        }
        if !name.ends_with(&self.name) || kind.is_empty() {
            return Err((9_000, "DNS name is invalid.".to_owned()));
        }
        if kind == "TXT" && !well_quoted(content) {
            return Err((
                9_207,
                "Content for TXT record must be quoted strings of at most 255 bytes.".to_owned(),
            ));
        }
        if body["proxied"] == true && !["A", "AAAA", "CNAME"].contains(&kind) {
            return Err((9_041, "This DNS record cannot be proxied.".to_owned()));
        }
        if kind == "MX" && !body["priority"].is_u64() {
            return Err((9_100, "MX records need a priority.".to_owned()));
        }
        let routed = |record: &Value| record["meta"]["email_routing"] == true && record["name"] == name;
        if kind == "MX" && self.records.iter().any(routed) {
            let said = "This zone is managed by Email Routing. Disable Email Routing to add/modify MX records.";
            return Err((890_190, said.to_owned()));
        }
        let address = |kind: &Value| ["A", "AAAA", "CNAME"].iter().any(|known| kind == known);
        let other = |record: &&Value| record["id"] != body["id"] && record["name"] == name;
        for record in self.records.iter().filter(other) {
            if address(&record["type"]) && address(&body["type"]) && (record["type"] == "CNAME" || kind == "CNAME") {
                let said = "An A, AAAA, or CNAME record with that host already exists.";
                return Err((81_053, said.to_owned()));
            }
            if record["type"] == kind && record["content"] == content {
                return Err((81_058, "An identical record already exists.".to_owned()));
            }
        }
        if verb == "posts" {
            return Ok(self.add(body.clone()));
        }
        let at = at(self).ok_or_else(gone)?;
        locked(&self.records[at])?;
        for (name, value) in body.as_object().into_iter().flatten() {
            self.records[at][name] = value.clone();
        }
        Ok(self.records[at].clone())
    }
}

fn locked(record: &Value) -> Result<(), (i64, String)> {
    if record["meta"]["read_only"] == true || record["meta"]["email_routing"] == true {
        return Err((1_046, "This record is managed by Email Routing.".to_owned()));
    }
    Ok(())
}

fn well_quoted(content: &str) -> bool {
    content.len() >= 2
        && content.starts_with('"')
        && content.ends_with('"')
        && content[1..content.len() - 1]
            .split("\" \"")
            .all(|part| part.len() <= 255)
}
