//! The JSON Schema of the language, for editors: completion, hover texts, red underlines.
//!
//! It is written from the tables that the loader reads ([`super::language`]), and knows the shape
//! of a file; what makes sense across a file (names, amounts against each other, the order of
//! steps) only the loader knows.
//!
//! Where a value belongs, a text with a variable (`<closer>`) is one too, in every file: whether
//! there is a `for` that sets it, and what the text then says, only the loader knows. In the place
//! of a key that is a word of the language, no editor is told of them.

use serde_json::{Map, Value, json};

use super::{
    language::{self, Count, Field, Kind, Shape, VERBS, VerbRule},
    model::NAME_LIMIT,
    reference::TransactionKind,
    units::Quantity,
    wire::{HANG_UP, UNKNOWN},
};
use crate::bolt::wire::Message;
use crate::bolt::wire::table::MessageRule;

/// The JSON Schema (draft 2020-12) of a scenario file.
pub fn schema() -> Value {
    let mut schema = shape(&language::SCENARIO);
    set(&mut schema, "$schema", json!("https://json-schema.org/draft/2020-12/schema"));
    set(&mut schema, "title", json!("A boltlab scenario"));
    let section = json!({"type": "string", "pattern": "^([0-57-9]|1[0-2])#[\\w-]+$"});
    let collections = [
        ("for", parameters()),
        ("bolt", list(or_variable(section))),
        ("covers", list(json!({"type": "string", "minLength": 1}))),
        ("cast", named(shape(&language::ROLE), 1)),
        ("channels", named(shape(&language::CHANNEL), 0)),
        ("steps", steps()),
        ("outcome", outcome()),
    ];
    for (name, collection) in collections {
        let is_for = name == "for";
        let mut collection = if is_for { collection } else { or_variable(collection) };
        if let Some(field) = language::SCENARIO.fields.iter().find(|field| field.name == name) {
            set(&mut collection, "description", json!(field.about));
        }
        if let Some(property) = schema.pointer_mut(&format!("/properties/{name}")) {
            *property = collection;
        }
    }
    let variable = json!({
        "description": "A variable that `for` sets, alone or in a text.",
        "type": "string",
        "pattern": VARIABLE,
    });
    set(&mut schema, "$defs", json!({"variable": variable, "messages": messages()}));
    set(&mut schema, "required", json!(["title", "steps", "outcome"]));
    set(&mut schema, "anyOf", json!([{"required": ["cast"]}, {"required": ["network"]}]));
    schema
}

fn set(schema: &mut Value, key: &str, value: Value) {
    if let Some(object) = schema.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

/// A variable, as a part of a pattern.
const VARIABLE: &str = "<[a-z][a-z0-9_]*>";

/// A value, or a variable in its place.
fn or_variable(value: Value) -> Value {
    json!({"anyOf": vec![value, json!({"$ref": "#/$defs/variable"})]})
}

/// The block below `for`: parameters by name, each with a list of values or with rows.
fn parameters() -> Value {
    let by_name = |name: &str, value: Value| {
        json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": false,
            "patternProperties": { name: value },
        })
    };
    let variable = "^[a-z][a-z0-9_]*$";
    let plain = json!({"type": ["string", "number", "boolean"]});
    let values = json!({"type": "array", "minItems": 1, "items": plain});
    let rows = by_name("^[A-Za-z0-9][A-Za-z0-9_./ -]*$", by_name(variable, json!(true)));
    by_name(variable, json!({"anyOf": [values, rows]}))
}

/// A name, as a part of a pattern.
fn name() -> String {
    format!("[A-Za-z][A-Za-z0-9_-]{{0,{}}}", NAME_LIMIT - 1)
}

fn list(items: Value) -> Value {
    let mut list = json!({"type": "array"});
    set(&mut list, "items", items);
    list
}

/// A mapping from names to values of one kind.
fn named(value: Value, at_least: u32) -> Value {
    let value = or_variable(value);
    json!({
        "type": "object",
        "minProperties": at_least,
        "additionalProperties": false,
        "patternProperties": { format!("^{}$", name()): value, VARIABLE: value },
    })
}

/// A mapping with known keys.
fn shape(shape: &Shape) -> Value {
    let mut properties: Map<String, Value> =
        shape.fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    if shape.messages {
        properties.extend(Message::RULES.iter().map(|rule| {
            let reference = format!("#/$defs/messages/{}", rule.name);
            let about = rule.about.trim();
            let mut message = or_variable(json!({"$ref": reference}));
            set(&mut message, "description", json!(about));
            (rule.name.to_owned(), message)
        }));
        let mut unknown = self::shape(&language::UNKNOWN_MESSAGE);
        set(&mut unknown, "description", json!("A message of a type that nobody knows."));
        properties.insert(UNKNOWN.to_owned(), unknown);
    }
    let required: Vec<&str> =
        shape.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    match shape.count {
        Count::Any => {}
        Count::AtLeastOne => set(&mut schema, "minProperties", json!(1)),
        Count::OneOf(choices) => {
            let messages = Message::RULES.iter().map(|rule| rule.name).chain([UNKNOWN]);
            let messages = messages.filter(|_| shape.messages);
            let one_of: Vec<Value> = choices
                .iter()
                .copied()
                .chain(messages)
                .map(|choice| json!({"required": [choice]}))
                .collect();
            set(&mut schema, "oneOf", json!(one_of));
        }
    }
    schema
}

fn property(field: &Field) -> Value {
    let mut schema = kind(field.kind);
    let about = match field.kind {
        Kind::Words(words, meanings) => {
            let lines =
                words.iter().zip(meanings).map(|(word, meaning)| format!("\n- {word}: {meaning}"));
            format!("{}{}", field.about, lines.collect::<String>())
        }
        _ => field.about.to_owned(),
    };
    set(&mut schema, "description", json!(about));
    schema
}

fn kind(of: Kind) -> Value {
    let value = plain(of);
    // Any text is one already, whatever its variables stand for.
    if matches!(of, Kind::Text) { value } else { or_variable(value) }
}

/// A reference to an output.
fn output() -> Value {
    let commitment =
        format!(r"commitment\.(to_local|to_remote|anchors(\.{0})?|{1})", name(), htlcs());
    pattern(&format!(r"{0}\.(funding|{commitment}|closing\.{0}|{1})", name(), second_stages()))
}

/// A value without variables.
fn plain(of: Kind) -> Value {
    match of {
        Kind::Text => json!({"type": "string", "minLength": 1}),
        Kind::Quantity(quantity) => amount(quantity),
        Kind::Name => pattern(&name()),
        Kind::NameOrNames => json!({"anyOf": [pattern(&name()), list(pattern(&name()))]}),
        Kind::Words(words, _) => json!({"enum": words}),
        Kind::Output => output(),
        Kind::Transaction => transaction(),
        Kind::Outputs => json!({"anyOf": [output(), list(output())]}),
        Kind::Transactions => list(transaction()),
        Kind::Spender => pattern(&format!(r"(closing|{}\.commitment)", name())),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Map(map) => shape(map),
        Kind::List(of) => list(kind(*of)),
        Kind::ByRole(of) => named(shape(of), 1),
        Kind::Feature => json!({"type": ["string", "integer"]}),
        Kind::Hex => json!({"type": ["string", "integer"], "pattern": "^([0-9a-f]{2})*$"}),
        Kind::MessageNames => message_names(),
        Kind::Branches => branches(),
        Kind::Number => json!({"type": "integer", "minimum": 0}),
        Kind::Records => json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": false,
            "patternProperties": { "^[0-9]+$": {"type": ["string", "integer"], "pattern": "^([0-9a-f]{2})*$"} },
        }),
    }
}

fn pattern(inner: &str) -> Value {
    json!({"type": "string", "pattern": format!("^{inner}$")})
}

/// What follows `commitment.` where HTLCs are meant.
fn htlcs() -> String {
    format!(r"(htlcs|htlc\.{})", htlc())
}

/// What follows a channel where second stages are meant.
fn second_stages() -> String {
    format!(r"(second_stages|second_stage\.{})", htlc())
}

/// An HTLC by its invoice, or by its offerer and its id.
fn htlc() -> String {
    format!(r"{}(\.[0-9]+)?", name())
}

fn transaction() -> Value {
    pattern(&format!(r"{}\.({})", name(), TransactionKind::WORDS.join("|")))
}

fn amount(quantity: Quantity) -> Value {
    let example = quantity.example().split('`').nth(1).unwrap_or_default();
    json!({"type": "string", "pattern": quantity.pattern(), "examples": [example]})
}

fn steps() -> Value {
    let one_of: Vec<Value> = VERBS.iter().map(step).collect();
    let step = or_variable(json!({"type": "object", "oneOf": one_of}));
    json!({"type": "array", "minItems": 1, "items": step})
}

/// The steps of a branch are like those of the scenario.
fn branches() -> Value {
    named(json!({"$ref": "#/properties/steps"}), 1)
}

/// Every message by its name, with the names of its fields; what they hold is for the loader.
fn messages() -> Value {
    let all = Message::RULES.iter().map(|rule| (rule.name.to_owned(), message(rule)));
    Value::Object(all.collect())
}

fn message(rule: &MessageRule) -> Value {
    let described = |name: &str, about: &str| (name.to_owned(), json!({"description": about}));
    let fields = rule.fields.iter().map(|field| described(field.name, field.kind.about()));
    let records = rule.records.iter().map(|record| described(record.name, record.kind.about()));
    let further = described("records", "Further TLV records: type and value in hex.");
    let properties: Map<String, Value> = fields.chain(records).chain([further]).collect();
    json!({
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
    })
}

fn message_names() -> Value {
    let names: Vec<&str> =
        Message::RULES.iter().map(|rule| rule.name).chain([UNKNOWN, HANG_UP, "any"]).collect();
    let one = json!({"enum": names});
    json!({"anyOf": [one, {"type": "array", "minItems": 1, "items": or_variable(one.clone())}]})
}

fn step(verb: &VerbRule) -> Value {
    let forms: Vec<Value> = verb.short.map(plain).into_iter().chain(verb.long.map(shape)).collect();
    let mut value = match forms.as_slice() {
        [form] => or_variable(form.clone()),
        _ => or_variable(json!({"anyOf": forms})),
    };
    set(&mut value, "description", json!(verb.about));
    json!({
        "properties": {
            verb.word: value,
            "say": {"type": "string", "minLength": 1, "description": "What a person should learn here."},
        },
        "required": [verb.word],
        "additionalProperties": false,
    })
}

fn outcome() -> Value {
    let name = name();
    let fate = |words: &[&str], long: &Shape| {
        or_variable(json!({"anyOf": [{"enum": words}, shape(long)]}))
    };
    let by_role = |quantity: Quantity| {
        let value = or_variable(amount(quantity));
        json!({ format!("^{name}$"): value, VARIABLE: value })
    };
    let output = |rest: &str| format!(r"^{name}\.{rest}$");
    let outputs = json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": false,
        "properties": {
            "balances": {
                "type": "object",
                "description": "What each role took out of the channels.",
                "additionalProperties": false,
                "patternProperties": by_role(Quantity::Balance),
            },
            "losses": {
                "type": "object",
                "description": "What honest roles lost of what they had for certain; who is not listed must not have lost.",
                "additionalProperties": false,
                "patternProperties": by_role(Quantity::Amount),
            },
        },
        "patternProperties": {
            output("funding"): fate(&["unspent", "unconfirmed"], &language::SPENT),
            output(r"commitment\.(to_local|to_remote)"): fate(&["unspent", "absent"], &language::TAKEN),
            output(&format!(r"commitment\.anchors(\.{name})?")):
            fate(&["any", "unspent", "absent"], &language::TAKEN),
        output(&format!(r"closing\.{name}")): fate(&["unspent", "absent"], &language::TAKEN),
        output(&format!(r"commitment\.{}", htlcs())): fate(&["unspent", "absent"], &language::TAKEN),
        output(&second_stages()): fate(&["unspent", "absent"], &language::TAKEN),
        // Which output it is, and what can become of it, is for the loader.
        VARIABLE: true,
        },
    });
    json!({"anyOf": [{"const": "nothing"}, outputs]})
}
