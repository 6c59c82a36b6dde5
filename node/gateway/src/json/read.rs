//! Fields that come as JSON.

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value};

use super::Readable;

pub(super) type Object = Map<String, Value>;

/// What stands in a field.
pub(super) trait Reads: Default {
    fn read(value: &Value) -> Result<Self, String>;
}

/// Names of an enumeration's values, from 0 on.
pub(super) trait Names {
    const NAMES: &'static [&'static str];
}

/// The fields of a message.
pub(super) fn object(value: &Value) -> Result<&Object, String> {
    value.as_object().ok_or_else(|| format!("{} stands where a message should", kind(value)))
}

/// A field's value, or its default.
pub(super) fn field<T: Reads>(object: &Object, name: &str) -> Result<T, String> {
    optional(object, name).map(Option::unwrap_or_default)
}

/// A field's value, if it has one: the value of one of several fields.
pub(super) fn optional<T: Reads>(object: &Object, name: &str) -> Result<Option<T>, String> {
    find(object, name).map(|value| T::read(value).map_err(|why| format!("{name}: {why}"))).transpose()
}

/// A value of an enumeration, by its name or its number.
pub(super) fn enumeration<E: Names>(object: &Object, name: &str) -> Result<i32, String> {
    let Some(value) = find(object, name) else { return Ok(0) };
    let number = match value {
        Value::String(word) => {
            let at = E::NAMES.iter().position(|known| known == word);
            at.and_then(|at| i32::try_from(at).ok()).ok_or_else(|| format!("unknown value {word:?}"))
        }
        other => other.as_i64().and_then(|number| i32::try_from(number).ok()).ok_or_else(|| wanted("a name", other)),
    };
    number.map_err(|why| format!("{name}: {why}"))
}

fn find<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
    object.get(name).or_else(|| object.get(&camel(name))).filter(|value| !value.is_null())
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at_checked(1).unwrap_or((word, ""));
        name + &head.to_uppercase() + tail
    })
}

impl Reads for i64 {
    fn read(value: &Value) -> Result<Self, String> {
        let number = value.as_str().map_or_else(|| value.as_i64(), |text| text.parse().ok());
        number.ok_or_else(|| wanted("a number", value))
    }
}

impl Reads for bool {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| wanted("true or false", value))
    }
}

impl Reads for Vec<u8> {
    fn read(value: &Value) -> Result<Self, String> {
        let text = value.as_str().ok_or_else(|| wanted("base64", value))?;
        Base64::decode_vec(text).map_err(|_| "illegal base64 data".to_owned())
    }
}

impl<M: Readable> Reads for Vec<M> {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_array().ok_or_else(|| wanted("a list", value))?.iter().map(M::from_json).collect()
    }
}

/// A message in a field.
impl<M: Readable> Reads for Option<M> {
    fn read(value: &Value) -> Result<Self, String> {
        M::from_json(value).map(Some)
    }
}

fn wanted(what: &str, found: &Value) -> String {
    format!("{} stands where {what} should", kind(found))
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_camel_form() {
        let names = ["key", "range_end", "min_create_revision", "TTL"].map(camel);
        assert_eq!(names, ["key", "rangeEnd", "minCreateRevision", "TTL"]);
    }
}
