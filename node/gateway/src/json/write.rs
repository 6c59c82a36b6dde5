//! Fields that go as JSON.

use base64ct::{Base64, Encoding};
use serde_json::Value;

use super::Writable;

/// What stands in a field; none for what is left out.
pub(super) trait Writes {
    fn write(&self) -> Option<Value>;
}

impl Writes for i64 {
    fn write(&self) -> Option<Value> {
        (*self != 0).then(|| self.to_string().into())
    }
}

impl Writes for u64 {
    fn write(&self) -> Option<Value> {
        (*self != 0).then(|| self.to_string().into())
    }
}

impl Writes for bool {
    fn write(&self) -> Option<Value> {
        self.then_some(Value::Bool(true))
    }
}

impl Writes for String {
    fn write(&self) -> Option<Value> {
        (!self.is_empty()).then(|| self.as_str().into())
    }
}

impl Writes for Vec<u8> {
    fn write(&self) -> Option<Value> {
        (!self.is_empty()).then(|| Base64::encode_string(self).into())
    }
}

impl Writes for Vec<Vec<u8>> {
    fn write(&self) -> Option<Value> {
        let all = self.iter().map(|bytes| Value::from(Base64::encode_string(bytes)));
        (!self.is_empty()).then(|| all.collect())
    }
}

impl<M: Writable> Writes for Option<M> {
    fn write(&self) -> Option<Value> {
        self.as_ref().map(M::to_json)
    }
}

impl<M: Writable> Writes for Vec<M> {
    fn write(&self) -> Option<Value> {
        (!self.is_empty()).then(|| self.iter().map(M::to_json).collect())
    }
}
