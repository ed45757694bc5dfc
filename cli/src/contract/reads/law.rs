//! The law of reading, over schemas that are made at random.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Schemas as our types make them.
#[derive(Clone, Debug)]
enum Shape {
    Any,
    Text,
    Whole,
    Number,
    Words(Vec<&'static str>),
    OrNull(Box<Shape>),
    List(Box<Shape>),
    Map(Box<Shape>),
    Object {
        members: Vec<(&'static str, Shape, bool)>,
        closed: bool,
    },
    OneOf(Vec<Shape>),
}

impl Shape {
    fn schema(&self) -> Value {
        match self {
            Shape::Any => json!({}),
            Shape::Text => json!({ "type": "string" }),
            Shape::Whole => json!({ "type": "integer" }),
            Shape::Number => json!({ "type": "number" }),
            Shape::Words(words) => json!({ "type": "string", "enum": words }),
            Shape::OrNull(inner) => json!({ "anyOf": [{ "type": "null" }, inner.schema()] }),
            Shape::List(inner) => json!({ "type": "array", "items": inner.schema() }),
            Shape::Map(inner) => json!({ "type": "object", "additionalProperties": inner.schema() }),
            Shape::OneOf(inner) => json!({ "anyOf": inner.iter().map(Shape::schema).collect::<Vec<_>>() }),
            Shape::Object { members, closed } => {
                let properties: serde_json::Map<_, _> = members
                    .iter()
                    .map(|(name, shape, _)| ((*name).to_owned(), shape.schema()))
                    .collect();
                let required: Vec<_> = members
                    .iter()
                    .filter(|(_, _, required)| *required)
                    .map(|(name, _, _)| *name)
                    .collect();
                let mut schema = json!({ "type": "object", "properties": properties, "required": required });
                if *closed {
                    schema["additionalProperties"] = false.into();
                }
                schema
            }
        }
    }

    /// Something that a program of this type writes; `dice` chooses.
    fn write(&self, dice: &mut impl FnMut(usize) -> usize) -> Value {
        match self {
            Shape::Any => [json!(null), json!(7), json!("any"), json!([1]), json!({ "a": 1 })][dice(5)].clone(),
            Shape::Text => ["", "a", "text"][dice(3)].into(),
            Shape::Whole => [0, -4, 70_000][dice(3)].into(),
            Shape::Number => [0.5, 2.0, -1e9][dice(3)].into(),
            Shape::Words(words) => words[dice(words.len())].into(),
            Shape::OrNull(inner) => {
                if dice(2) == 0 {
                    Value::Null
                } else {
                    inner.write(dice)
                }
            }
            Shape::List(inner) => (0..dice(3)).map(|_| inner.write(dice)).collect(),
            Shape::Map(inner) => {
                let names: Vec<_> = ["a", "b", "zz"].into_iter().filter(|_| dice(2) == 0).collect();
                Value::Object(
                    names
                        .into_iter()
                        .map(|name| (name.to_owned(), inner.write(dice)))
                        .collect(),
                )
            }
            Shape::OneOf(inner) => inner[dice(inner.len())].write(dice),
            Shape::Object { members, .. } => {
                let there: Vec<_> = members
                    .iter()
                    .filter(|(_, _, required)| *required || dice(2) == 0)
                    .collect();
                Value::Object(
                    there
                        .into_iter()
                        .map(|(name, shape, _)| ((*name).to_owned(), shape.write(dice)))
                        .collect(),
                )
            }
        }
    }

    /// The same with something changed somewhere, as a release changes it.
    fn change(&mut self, dice: &mut impl FnMut(usize) -> usize) {
        match self {
            Shape::Object { members, closed } => match dice(6) {
                0 => *closed = !*closed,
                1 if !members.is_empty() => drop(members.remove(dice(members.len()))),
                2 if !members.is_empty() => {
                    let at = dice(members.len());
                    members[at].2 = !members[at].2;
                }
                3 if members.iter().all(|(name, ..)| *name != "new") => {
                    members.push(("new", Shape::Text, dice(2) == 0))
                }
                _ if !members.is_empty() => {
                    let at = dice(members.len());
                    members[at].1.change(dice);
                }
                _ => *self = Shape::Any,
            },
            Shape::Words(words) if dice(2) == 0 && words.len() > 1 => drop(words.pop()),
            Shape::Words(words) if !words.contains(&"new") => words.push("new"),
            Shape::List(inner) | Shape::Map(inner) | Shape::OrNull(inner) if dice(3) > 0 => inner.change(dice),
            Shape::OrNull(inner) => *self = (**inner).clone(),
            Shape::OneOf(inner) if dice(2) == 0 && inner.len() > 1 => drop(inner.pop()),
            Shape::OneOf(inner) => inner.push(Shape::Whole),
            Shape::Whole => *self = [Shape::Number, Shape::Text][dice(2)].clone(),
            Shape::Number => *self = Shape::Whole,
            other => *other = Shape::OrNull(Box::new(other.clone())),
        }
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let words = prop::sample::subsequence(vec!["a", "b", "c"], 1..=3).prop_map(Shape::Words);
    let leaf = prop_oneof![
        Just(Shape::Any),
        Just(Shape::Text),
        Just(Shape::Whole),
        Just(Shape::Number),
        words
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let member = |name: &'static str| (Just(name), inner.clone(), any::<bool>());
        let members = (member("a"), member("b"), member("c")).prop_map(|(a, b, c)| vec![a, b, c]);
        prop_oneof![
            inner.clone().prop_map(|inner| Shape::OrNull(Box::new(inner))),
            inner.clone().prop_map(|inner| Shape::List(Box::new(inner))),
            inner.clone().prop_map(|inner| Shape::Map(Box::new(inner))),
            prop::collection::vec(inner.clone(), 1..=3).prop_map(Shape::OneOf),
            (members, any::<bool>()).prop_map(|(members, closed)| Shape::Object { members, closed }),
        ]
    })
}

/// A die that a seed throws.
fn dice(mut seed: u64) -> impl FnMut(usize) -> usize {
    move |sides| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % sides.max(1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The law of it: where no fault is told, whatever is written can be read.
    #[test]
    fn what_is_written_can_be_read_where_no_fault_is_told(shape in shapes(), changes in 0_usize..4, seed: u64) {
        let mut changed = shape.clone();
        let mut roll = dice(seed);
        for _ in 0..changes {
            changed.change(&mut roll);
        }
        let (old, new) = (shape.schema(), changed.schema());
        for side in [Side::Params, Side::Result] {
            prop_assert_eq!(&faults(Schema::of(&old, &old), Schema::of(&old, &old), side), &vec![]);
            if faults(Schema::of(&old, &old), Schema::of(&new, &new), side).is_empty() {
                let reader = jsonschema::validator_for(&old).expect("it is a schema");
                for _ in 0..20 {
                    let written = changed.write(&mut roll);
                    prop_assert!(reader.is_valid(&written), "{} is written by {} and not read by {}", written, new, old);
                }
            }
        }
    }
}
