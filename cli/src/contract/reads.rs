//! Whether who expects one schema can read whatever is written by another.
//!
//! A writer writes the members that its schema names and no others; a reader passes over members that it does not know, unless its schema
//! forbids them. So what is asked is less than whether every value of one schema is a value of the other, and is what programs do.

use std::collections::HashSet;

use serde_json::Value;

use super::schema::{Schema, joined};

/// Members within members that are compared: past it two types that hold themselves, told in different ways, would be compared for ever.
const DEPTH_MAX: usize = 48;

/// Who reads, in what is said of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The service reads what its callers send.
    Params,
    /// Callers read what the service gives.
    Result,
}

/// Where two schemas part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The member, from the top: `user.email`, `[].id`; empty is the whole.
    pub(super) path: String,
    /// What is wrong there.
    pub(super) what: String,
}

/// Every fault in reading what one writes.
pub(super) fn faults(reader: Schema<'_>, writer: Schema<'_>, side: Side) -> Vec<Fault> {
    let mut comparison = Comparison {
        side,
        met: HashSet::new(),
        depth: 0,
        found: Vec::new(),
    };
    comparison.compare(reader, writer, "");
    comparison.found
}

struct Comparison {
    side: Side,
    /// Pairs of named types that are being compared or were: a type that holds itself is compared once.
    met: HashSet<(String, String)>,
    /// How many members deep this is.
    depth: usize,
    found: Vec<Fault>,
}

impl Comparison {
    fn fault(&mut self, path: &str, what: impl Into<String>) {
        self.found.push(Fault {
            path: path.to_owned(),
            what: what.into(),
        });
    }

    /// Whether it can be read, without telling why not.
    fn can_read(&mut self, reader: Schema<'_>, writer: Schema<'_>) -> bool {
        let mut trial = Comparison {
            side: self.side,
            met: self.met.clone(),
            depth: self.depth,
            found: Vec::new(),
        };
        trial.compare(reader, writer, "");
        let can = trial.found.is_empty();
        if can {
            self.met = trial.met;
        }
        can
    }

    fn compare(&mut self, reader: Schema<'_>, writer: Schema<'_>, path: &str) {
        if let (Some(read), Some(written)) = (reader.name(), writer.name())
            && !self.met.insert((read.to_owned(), written.to_owned()))
        {
            return;
        }
        if self.depth == DEPTH_MAX {
            return;
        }
        self.depth += 1;
        let (reader, writer) = (reader.resolved(), writer.resolved());
        let (whole_reader, whole_writer) = (joined(reader), joined(writer));
        let reader = whole_reader.as_ref().map_or(reader, |whole| reader.beside_own(whole));
        let writer = whole_writer.as_ref().map_or(writer, |whole| writer.beside_own(whole));
        self.shapes(reader, writer, path);
        self.depth -= 1;
    }

    fn shapes(&mut self, reader: Schema<'_>, writer: Schema<'_>, path: &str) {
        if let Some(alternatives) = writer.alternatives() {
            for alternative in alternatives {
                self.compare(reader, alternative, path);
            }
            return;
        }
        if let Some(alternatives) = reader.alternatives() {
            return self.one_of(alternatives, reader, writer, path);
        }
        if !self.types(reader, writer, path) {
            return;
        }
        self.values(reader, writer, path);
        self.bounds(reader, writer, path);
        self.members(reader, writer, path);
        self.items(reader, writer, path);
    }

    fn one_of(&mut self, alternatives: Vec<Schema<'_>>, reader: Schema<'_>, writer: Schema<'_>, path: &str) {
        let types = writer.types().unwrap_or_default();
        if types.len() > 1 {
            for one in types {
                let mut only = writer.get_self().clone();
                only["type"] = one.into();
                self.shapes(reader, writer.beside_own(&only), path);
            }
            return;
        }
        let is_null = |one: &Schema<'_>| one.resolved().types().is_some_and(|types| types == ["null"]);
        let may_fit: Vec<Schema<'_>> = alternatives
            .into_iter()
            .filter(|one| types == ["null"] || !is_null(one))
            .collect();
        // Of what may also be null, the fault is told where it lies.
        if let [only] = may_fit[..] {
            return self.compare(only, writer, path);
        }
        if !may_fit
            .into_iter()
            .any(|alternative| self.can_read(alternative, writer))
        {
            self.fault(path, self.unreadable(writer));
        }
    }

    fn unreadable(&self, writer: Schema<'_>) -> String {
        let what = match (writer.values(), writer.types()) {
            (Some(values), _) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            (None, Some(types)) => types.join(" or "),
            (None, None) => "anything".to_owned(),
        };
        match self.side {
            Side::Params => format!("{what} is no longer taken"),
            Side::Result => format!("{what} may come now, which callers do not know"),
        }
    }

    /// Whether the types go together; nothing else is worth comparing where they do not.
    fn types(&mut self, reader: Schema<'_>, writer: Schema<'_>, path: &str) -> bool {
        let Some(read) = reader.types() else { return true };
        let Some(written) = writer.types() else {
            self.fault(
                path,
                match self.side {
                    Side::Params => format!("was anything and is {} now", read.join(" or ")),
                    Side::Result => format!("was {} and may be anything now", read.join(" or ")),
                },
            );
            return false;
        };
        let fits = |one: &&str| read.contains(one) || (*one == "integer" && read.contains(&"number"));
        let strange: Vec<&str> = written.iter().copied().filter(|one| !fits(one)).collect();
        if strange.is_empty() {
            return true;
        }
        self.fault(
            path,
            match (self.side, &strange[..]) {
                (Side::Params, ["null"]) => "may no longer be null".to_owned(),
                (Side::Result, ["null"]) => "may be null now".to_owned(),
                (Side::Params, _) => format!("was {} and is {} now", written.join(" or "), read.join(" or ")),
                (Side::Result, _) => format!("was {} and is {} now", read.join(" or "), written.join(" or ")),
            },
        );
        // Null beside the same type as ever says nothing of the rest.
        strange == ["null"] && written.len() > 1
    }

    fn values(&mut self, reader: Schema<'_>, writer: Schema<'_>, path: &str) {
        let Some(read) = reader.values() else { return };
        let Some(written) = writer.values() else {
            let list = read.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            self.fault(
                path,
                match self.side {
                    Side::Params => format!("is one of {list} now"),
                    Side::Result => format!("was one of {list} and may be another now"),
                },
            );
            return;
        };
        let strange: Vec<String> = written
            .iter()
            .filter(|one| !read.contains(one))
            .map(ToString::to_string)
            .collect();
        if !strange.is_empty() {
            let list = strange.join(", ");
            self.fault(
                path,
                match self.side {
                    Side::Params => format!("is no longer {list}"),
                    Side::Result => format!("may be {list} now, which callers do not know"),
                },
            );
        }
    }

    fn bounds(&mut self, reader: Schema<'_>, writer: Schema<'_>, path: &str) {
        for (keyword, is_floor) in [
            ("minimum", true),
            ("exclusiveMinimum", true),
            ("minLength", true),
            ("minItems", true),
            ("minProperties", true),
            ("maximum", false),
            ("exclusiveMaximum", false),
            ("maxLength", false),
            ("maxItems", false),
            ("maxProperties", false),
        ] {
            let Some(read) = reader.get(keyword).and_then(Value::as_f64) else {
                continue;
            };
            let written = writer.get(keyword).and_then(Value::as_f64);
            let within = written.is_some_and(|written| if is_floor { written >= read } else { written <= read });
            // No value has fewer than none.
            let says_nothing = read == 0.0 && is_floor && keyword.starts_with("min") && keyword != "minimum";
            if !within && !says_nothing {
                self.fault(
                    path,
                    match self.side {
                        Side::Params => format!("has the {keyword} {read} now"),
                        Side::Result => format!("had the {keyword} {read} and may lie past it now"),
                    },
                );
            }
        }
        for keyword in ["pattern", "format"] {
            let Some(read) = reader.get(keyword).and_then(Value::as_str) else {
                continue;
            };
            let written = writer.get(keyword).and_then(Value::as_str);
            if written != Some(read) && !is_wider(read, written) {
                self.fault(
                    path,
                    match self.side {
                        Side::Params => format!("has the {keyword} {read:?} now"),
                        Side::Result => format!("had the {keyword} {read:?} and has another now"),
                    },
                );
            }
        }
    }

    fn members(&mut self, reader: Schema<'_>, writer: Schema<'_>, path: &str) {
        let others_written = open_members(writer);
        for name in reader.required() {
            if writer.requires(name) {
                continue;
            }
            let at = join(path, name);
            let known = writer.property(name).is_some() || others_written.is_some();
            self.fault(
                &at,
                match (self.side, known) {
                    (Side::Params, true) => "must be sent now",
                    (Side::Params, false) => "is new and must be sent, which callers do not do",
                    (Side::Result, true) => "is not always there now",
                    (Side::Result, false) => "is gone",
                },
            );
        }
        let others_read = reader.sub("additionalProperties");
        let forbidden = others_read.is_some_and(|others| others.get_self() == &Value::Bool(false));
        for (name, written) in writer.properties() {
            let at = join(path, name);
            match (reader.property(name), others_read) {
                (Some(read), _) => self.compare(read, written, &at),
                (None, Some(_)) if forbidden => self.fault(
                    &at,
                    match self.side {
                        Side::Params => "is no longer known and is refused",
                        Side::Result => "is new, and callers refuse what they do not know",
                    },
                ),
                (None, Some(others)) => self.compare(others, written, &at),
                (None, None) => {}
            }
        }
        if let Some(written) = others_written {
            let at = join(path, "*");
            match others_read {
                Some(_) if forbidden => self.fault(&at, "members of any name are no longer taken"),
                Some(others) => self.compare(others, written, &at),
                None => {}
            }
            for (name, read) in reader.properties() {
                if writer.property(name).is_none() {
                    self.compare(read, written, &join(path, name));
                }
            }
        }
    }

    fn items(&mut self, reader: Schema<'_>, writer: Schema<'_>, path: &str) {
        let at = format!("{path}[]");
        let (read, written) = (reader.list("prefixItems"), writer.list("prefixItems"));
        if let (Some(read), Some(written)) = (&read, &written) {
            if read.len() != written.len() {
                self.fault(
                    path,
                    format!("has {} places where there were others", written.len().max(read.len())),
                );
                return;
            }
            for (read, written) in read.iter().zip(written) {
                self.compare(*read, *written, &at);
            }
            return;
        }
        if let Some(read) = reader.sub("items").filter(|items| items.get_self().is_object()) {
            let any = Value::Bool(true);
            match (writer.sub("items"), written) {
                (_, Some(written)) => written.into_iter().for_each(|written| self.compare(read, written, &at)),
                (Some(written), None) => self.compare(read, written, &at),
                (None, None) => {
                    if writer.types().is_some_and(|types| types.contains(&"array")) {
                        self.shapes(read.resolved(), writer.beside_own(&any), &at);
                    }
                }
            }
        }
    }
}

/// What a writer's members of any name look like, where it has such.
fn open_members(writer: Schema<'_>) -> Option<Schema<'_>> {
    writer
        .sub("additionalProperties")
        .filter(|others| others.get_self() != &Value::Bool(false))
}

/// Whether a reader of numbers of a width reads those of another.
fn is_wider(read: &str, written: Option<&str>) -> bool {
    match (read, written) {
        ("int64", Some("int32" | "uint32" | "int16" | "uint16" | "int8" | "uint8"))
        | ("int32", Some("int16" | "uint16" | "int8" | "uint8"))
        | ("uint64", Some("uint32" | "uint16" | "uint8"))
        | ("uint32", Some("uint16" | "uint8"))
        | ("double", Some("float")) => true,
        // Words about the text that no reader stumbles over.
        ("password" | "binary", _) => true,
        _ => false,
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod law;
#[cfg(test)]
mod tests;
